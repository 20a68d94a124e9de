/** The ready operations of GraphiQL: one per job that brings an example, and those that watch the service work. */
import {
  Kind,
  TypeInfo,
  getVariableValues,
  parse,
  print,
  validate,
  visit,
  visitWithTypeInfo,
  type DocumentNode,
  type GraphQLSchema,
} from 'graphql';
import type { JobSpec } from '../src/domain/definitions';
import { camelCase, enumValueNames, inputTypeName, mutationFieldName, pascalCase } from '../src/domain/naming';
import { isDirectoryValue, isFileValue, type Value, type ValueType } from '../src/domain/values';

/** One ready operation, as `/graphiql/examples.json` serves it. */
export interface ExampleOperation {
  readonly title: string;
  readonly query: string;
  readonly variables: Readonly<Record<string, unknown>>;
}

/** Above this the list in GraphiQL no longer helps anybody. */
export const MAX_EXAMPLE_OPERATIONS = 100;

/**
 * Ready operations that are valid for this schema, mutations first. In a job's example a File is `{text: "…"}`; an example
 * that the schema does not accept is left out. Selections shrink to what the schema has.
 */
export function exampleOperations(jobs: readonly JobSpec[], schema: GraphQLSchema): ExampleOperation[] {
  const runs = jobs.flatMap((job) => runOperation(job) ?? []);
  const fitting = (operations: readonly ExampleOperation[]): ExampleOperation[] =>
    operations.flatMap((operation) => fittedTo(schema, operation) ?? []);
  const watching = fitting(WATCHING);
  return [...fitting(runs).slice(0, MAX_EXAMPLE_OPERATIONS - watching.length), ...watching];
}

function runOperation(job: JobSpec): ExampleOperation | undefined {
  if (!job.example) return undefined;
  const input: Record<string, unknown> = {};
  for (const port of job.inputs) {
    const value = job.example[port.name];
    if (value !== undefined) input[camelCase(port.name)] = asInput(value, port.type);
  }
  const field = mutationFieldName(job);
  return {
    title: `Run ${job.name}`,
    query: `mutation ${pascalCase(field)}($input: ${inputTypeName(job)}!) {
      ${field}(input: $input) { submission { id state } userErrors { code message field } }
    }`,
    variables: { input },
  };
}

/** A value of the definition as a caller writes it: enum symbols and record fields under their GraphQL names. */
function asInput(value: Value, type: ValueType): unknown {
  if (value === null) return null;
  switch (type.kind) {
    case 'enum':
      return typeof value === 'string' ? (enumValueNames(type.symbols).names.get(value) ?? value) : value;
    case 'array':
      return isList(value) ? value.map((item) => asInput(item, type.items)) : value;
    case 'record':
      return isRecord(value)
        ? Object.fromEntries(
            type.fields.flatMap((field) => {
              const part = value[field.name];
              return part === undefined ? [] : [[camelCase(field.name), asInput(part, field.type)]];
            }),
          )
        : value;
    case 'union': {
      const member = type.types.find((candidate) => fits(value, candidate));
      return member ? asInput(value, member) : value;
    }
    default:
      return value;
  }
}

function fits(value: Value, type: ValueType): boolean {
  if (type.kind === 'null') return value === null;
  if (type.kind === 'enum') return typeof value === 'string' && type.symbols.includes(value);
  if (type.kind === 'array') return isList(value);
  if (type.kind === 'record') return isRecord(value);
  return !isList(value);
}

function isList(value: Value): value is readonly Value[] {
  return Array.isArray(value);
}

function isRecord(value: Value): value is { readonly [field: string]: Value } {
  return (
    typeof value === 'object' && value !== null && !isList(value) && !isFileValue(value) && !isDirectoryValue(value)
  );
}

/** Watching the service. */
const WATCHING: readonly ExampleOperation[] = [
  {
    title: 'Follow one submission',
    query: `subscription FollowSubmission($id: ID!) {
      submissionEvents(id: $id) { seq type stepName state percent message at }
    }`,
    variables: { id: 'put the id of a submission here' },
  },
  {
    title: 'Follow everything',
    query: `subscription FollowActivity {
      activity { cursor event { submissionId seq type stepName state percent message at } }
    }`,
    variables: {},
  },
  {
    title: 'List submissions',
    query: `query ListSubmissions {
      submissions(first: 10) {
        nodes { id jobName state label createdAt finishedAt }
        pageInfo { hasNextPage endCursor }
      }
    }`,
    variables: {},
  },
  {
    title: 'Queues and workers',
    query: `query QueuesAndWorkers {
      queues(first: 20) { nodes { name backend priority queued running oldestSeconds } }
      workers(first: 20) { nodes { id host state concurrency running heartbeatAt } }
    }`,
    variables: {},
  },
];

/** The operation with only what the schema has, or nothing when the schema refuses it or its variables. */
function fittedTo(schema: GraphQLSchema, operation: ExampleOperation): ExampleOperation | undefined {
  const document = withoutUnknown(schema, parse(operation.query));
  const definition = document.definitions[0];
  if (definition?.kind !== Kind.OPERATION_DEFINITION || definition.selectionSet.selections.length === 0)
    return undefined;
  if (validate(schema, document).length > 0) return undefined;
  const { errors } = getVariableValues(schema, definition.variableDefinitions ?? [], operation.variables);
  return errors ? undefined : { ...operation, query: `${print(document)}\n` };
}

function withoutUnknown(schema: GraphQLSchema, document: DocumentNode): DocumentNode {
  const types = new TypeInfo(schema);
  return visit(
    document,
    visitWithTypeInfo(types, {
      Argument: () => (types.getArgument() ? undefined : null),
      Field: {
        enter: () => (types.getFieldDef() ? undefined : null),
        leave: (field) => (field.selectionSet?.selections.length === 0 ? null : undefined),
      },
    }),
  );
}
