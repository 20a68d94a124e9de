/** GraphQL input types for what a Job takes, and the way back from GraphQL's names to the Job's. */
import { GraphQLJSON, GraphQLSafeInt } from 'graphql-scalars';
import {
  GraphQLBoolean,
  GraphQLEnumType,
  GraphQLFloat,
  GraphQLInputObjectType,
  GraphQLInt,
  GraphQLList,
  GraphQLNonNull,
  GraphQLString,
  type GraphQLInputFieldConfig,
  type GraphQLInputType,
  type GraphQLNullableType,
} from 'graphql';
import type { JobInput, JobSpec } from '../../src/domain/definitions';
import { camelCase, enumValueNames, inputTypeName, pascalCase, uniqueNames } from '../../src/domain/naming';
import { formatType, isOptional, requiredType, type ValueType } from '../../src/domain/values';

export interface JobInputType {
  /** Undefined for a Job without inputs: a GraphQL input type has at least one field. */
  readonly type: GraphQLInputObjectType | undefined;
  /** Whether a caller must give `input` at all. */
  readonly required: boolean;
  /** The GraphQL name of each input. */
  readonly fieldOf: ReadonlyMap<string, string>;
}

/** The schema's own types for data. */
export interface DataInputs {
  readonly fileInput: GraphQLInputObjectType;
  readonly directoryInput: GraphQLInputObjectType;
}

/** Builds `Run<Job>Input`. */
export function jobInputType(job: JobSpec, data: DataInputs): JobInputType {
  const { names } = uniqueNames(
    job.inputs.map((input) => input.name),
    camelCase,
  );
  const base = inputTypeName(job);
  const fields = job.inputs.map((input): [string, GraphQLInputFieldConfig] => {
    const name = names.get(input.name) ?? input.name;
    return [name, fieldConfig(input, `${base}${pascalCase(input.name)}`, data)];
  });
  const type =
    fields.length === 0
      ? undefined
      : new GraphQLInputObjectType({
          name: base,
          description: `What the job ${job.name} takes.`,
          fields: Object.fromEntries(fields),
        });
  return {
    type,
    required: job.inputs.some((input) => input.default === undefined && !isOptional(input.type)),
    fieldOf: names,
  };
}

function fieldConfig(input: JobInput, typeName: string, data: DataInputs): GraphQLInputFieldConfig {
  const type = graphqlType(narrowed(input), typeName, data);
  const description = [input.description, boundsText(input), traitsText(input)].filter(Boolean).join(' ');
  if (input.default !== undefined && input.default !== null)
    return { type, description, defaultValue: underGraphqlNames(input.type, input.default) };
  return { type: isOptional(input.type) || input.default !== undefined ? type : new GraphQLNonNull(type), description };
}

/** Allowed strings become an enum, so that a client is helped and checked before it asks. */
function narrowed(input: JobInput): ValueType {
  const type = requiredType(input.type);
  const { allowed } = input;
  if (type.kind !== 'string' || !allowed || !allowed.every((value) => typeof value === 'string')) return type;
  return { kind: 'enum', symbols: allowed.filter((value) => typeof value === 'string') };
}

function graphqlType(type: ValueType, typeName: string, data: DataInputs): GraphQLInputType & GraphQLNullableType {
  switch (type.kind) {
    case 'File':
      return data.fileInput;
    case 'Directory':
      return data.directoryInput;
    case 'boolean':
      return GraphQLBoolean;
    case 'int':
      return GraphQLInt;
    case 'long':
      return GraphQLSafeInt;
    case 'float':
    case 'double':
      return GraphQLFloat;
    case 'string':
      return GraphQLString;
    case 'enum': {
      const { names } = enumValueNames(type.symbols);
      return new GraphQLEnumType({
        name: typeName,
        description: `One of: ${type.symbols.join(', ')}.`,
        values: Object.fromEntries(
          type.symbols.map((symbol) => [
            names.get(symbol) ?? symbol,
            { value: symbol, description: `The value ${JSON.stringify(symbol)}.` },
          ]),
        ),
      });
    }
    case 'array': {
      const items = graphqlType(requiredType(type.items), `${typeName}Item`, data);
      return new GraphQLList(isOptional(type.items) ? items : new GraphQLNonNull(items));
    }
    case 'record': {
      const names = recordNames(type);
      return new GraphQLInputObjectType({
        name: `${typeName}Record`,
        description: `A ${formatType(type)}.`,
        fields: Object.fromEntries(
          type.fields.map((field) => {
            const inner = graphqlType(requiredType(field.type), `${typeName}${pascalCase(field.name)}`, data);
            return [
              names.get(field.name) ?? field.name,
              {
                type: isOptional(field.type) ? inner : new GraphQLNonNull(inner),
                description: field.description ?? '',
              },
            ];
          }),
        ),
      });
    }
    case 'null':
    case 'Any':
    case 'union':
      // What GraphQL has no input type for is checked when it arrives.
      return GraphQLJSON;
  }
}

type RecordType = Extract<ValueType, { kind: 'record' }>;

function recordNames(type: RecordType): ReadonlyMap<string, string> {
  return uniqueNames(
    type.fields.map((field) => field.name),
    camelCase,
  ).names;
}

/** A value from a typed mutation under the definition's names: to GraphQL, the fields of records have names of their own. */
export function underOwnNames(type: ValueType, value: unknown): unknown {
  const wanted = requiredType(type);
  if (wanted.kind === 'array' && Array.isArray(value)) {
    return value.map((item: unknown) => underOwnNames(wanted.items, item));
  }
  if (wanted.kind !== 'record' || typeof value !== 'object' || value === null) return value;
  const names = recordNames(wanted);
  const fields = new Map(wanted.fields.map((field) => [names.get(field.name), field]));
  return Object.fromEntries(
    Object.entries(value).map(([name, part]) => {
      const field = fields.get(name);
      return field ? [field.name, underOwnNames(field.type, part)] : [name, part];
    }),
  );
}

/** The way there: a value of the definition under the names of GraphQL. */
function underGraphqlNames(type: ValueType, value: unknown): unknown {
  const wanted = requiredType(type);
  if (wanted.kind === 'array' && Array.isArray(value)) {
    return value.map((item: unknown) => underGraphqlNames(wanted.items, item));
  }
  if (wanted.kind !== 'record' || typeof value !== 'object' || value === null) return value;
  const names = recordNames(wanted);
  return Object.fromEntries(
    Object.entries(value).map(([name, part]) => {
      const field = wanted.fields.find((one) => one.name === name);
      return [names.get(name) ?? name, field ? underGraphqlNames(field.type, part) : part];
    }),
  );
}

/** Bounds in words, for the description: GraphQL itself cannot say them. */
function boundsText(input: JobInput): string {
  const { min, max, minLength, maxLength } = input;
  const range = (low: number | undefined, high: number | undefined, what: string): string[] => {
    if (low !== undefined && high !== undefined) return [`${what} ${low} to ${high}.`];
    if (low !== undefined) return [`${what} at least ${low}.`];
    return high === undefined ? [] : [`${what} at most ${high}.`];
  };
  return [...range(min, max, 'From'), ...range(minLength, maxLength, 'Length')]
    .map((text) => text.replace('From at', 'At'))
    .join(' ');
}

function traitsText({ format, secondaryFiles = [] }: JobInput): string {
  const endings = secondaryFiles.map(
    ({ pattern, required }) => `\`${pattern}\`${required ? '' : ' (if there is one)'}`,
  );
  return [
    ...(format === undefined ? [] : [`Format: ${format}.`]),
    ...(endings.length === 0 ? [] : [`With secondaryFiles ${endings.join(', ')}.`]),
  ].join(' ');
}
