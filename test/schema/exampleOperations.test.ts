import { buildSchema, getVariableValues, Kind, parse, validate, type GraphQLSchema } from 'graphql';
import { buildServedSchema, buildStaticSchema } from '../../schema/buildSchema';
import { exampleOperations, MAX_EXAMPLE_OPERATIONS } from '../../schema/exampleOperations';
import type { JobSpec } from '../../src/domain/definitions';
import { optionalType, scalar, type Value, type ValueType } from '../../src/domain/values';

const sdl = `
  type Query {
    submissions(first: Int, after: String): SubmissionConnection!
    queues: [Queue!]!
    workers(first: Int): WorkerConnection!
  }
  type Submission { id: ID! state: String! createdAt: String! }
  type SubmissionConnection { nodes: [Submission!]! pageInfo: PageInfo! }
  type PageInfo { hasNextPage: Boolean! endCursor: String }
  type Queue { name: String! waiting: Int! }
  type Worker { id: ID! host: String! }
  type WorkerConnection { nodes: [Worker!]! }
  type UserError { code: String! message: String! field: [String!]! }
  type RunPayload { submission: Submission userErrors: [UserError!]! }
  type Event { seq: Int! type: String! at: String! message: String }
  type Mutation { runWordCount(input: RunWordCountInput!): RunPayload! }
  type Subscription { submissionEvents(id: ID!, after: Int): Event! }
  input FileInput { text: String upload: ID result: ID name: String }
  enum Ordering { by_count A_Z }
  input PartInput { firstLine: Int! ordering: Ordering }
  input RunWordCountInput { text: FileInput! minLength: Int ordering: Ordering part: PartInput others: [FileInput!] }
`;
const schema = buildSchema(sdl);

const ordering: ValueType = { kind: 'enum', symbols: ['by_count', 'A-Z'] };
const part: ValueType = {
  kind: 'record',
  fields: [
    { name: 'first-line', type: scalar('int') },
    { name: 'ordering', type: optionalType(ordering) },
  ],
};

function job(
  name: string,
  inputs: Readonly<Record<string, ValueType>>,
  example?: Readonly<Record<string, Value>>,
): JobSpec {
  return {
    name,
    description: '',
    inputs: Object.entries(inputs).map(([input, type]) => ({ name: input, type, description: '', validators: [] })),
    steps: [],
    outputs: [],
    example,
  };
}

const wordCount = job(
  'word-count',
  {
    text: scalar('File'),
    'min-length': scalar('int'),
    ordering: optionalType(ordering),
    part,
    others: { kind: 'array', items: scalar('File') },
  },
  {
    text: { text: 'to be or not' },
    'min-length': 3,
    ordering: 'A-Z',
    part: { 'first-line': 1, ordering: 'A-Z' },
    others: [{ text: 'b' }],
  },
);

function expectValid(against: GraphQLSchema, jobs: readonly JobSpec[]): void {
  for (const { query, variables } of exampleOperations(jobs, against)) {
    const document = parse(query);
    expect(validate(against, document)).toEqual([]);
    const definition = document.definitions[0];
    if (definition?.kind !== Kind.OPERATION_DEFINITION) throw new Error('not an operation');
    expect(getVariableValues(against, definition.variableDefinitions ?? [], variables).errors).toBeUndefined();
  }
}

describe('ready operations', () => {
  it('a job with an example becomes its typed mutation, with its values under their GraphQL names', () => {
    const [run] = exampleOperations([wordCount], schema);
    expect(run).toEqual({
      title: 'Run word-count',
      query: `mutation RunWordCount($input: RunWordCountInput!) {
  runWordCount(input: $input) {
    submission {
      id
      state
    }
    userErrors {
      code
      message
      field
    }
  }
}
`,
      variables: {
        input: {
          text: { text: 'to be or not' },
          minLength: 3,
          ordering: 'A_Z',
          part: { firstLine: 1, ordering: 'A_Z' },
          others: [{ text: 'b' }],
        },
      },
    });
  });

  it('every operation is valid for the schema, and so are its variables', () => {
    expectValid(schema, [wordCount]);
  });

  it('submissions, their events, queues and workers can be watched', () => {
    const titles = exampleOperations([], schema).map((operation) => operation.title);
    expect(titles).toEqual(['Follow one submission', 'List submissions', 'Queues and workers']);
  });

  it('nothing of what they watch is missing in the schema that is served', () => {
    const words = (text: string): string[] => text.match(/\w+/g) ?? [];
    const watching = exampleOperations([], buildServedSchema(buildStaticSchema()));
    expect(watching.map(({ title }) => title)).toEqual([
      'Follow one submission',
      'Follow everything',
      'List submissions',
      'Queues and workers',
    ]);
    const shown = watching.flatMap(({ query }) => words(query));
    expect(shown).toEqual(expect.arrayContaining(['percent', 'cursor', 'jobName', 'oldestSeconds', 'heartbeatAt']));
  });

  it('a job without an example, or without a mutation, gives none', () => {
    const plain = job('word-count', { text: scalar('File') });
    const unknown = job('not-served', { text: scalar('File') }, { text: { text: 'a' } });
    expect(exampleOperations([plain, unknown], schema)).toEqual(exampleOperations([], schema));
  });

  it('an example that the schema refuses is left out', () => {
    const wrong = { ...wordCount, example: { text: { text: 'a' }, 'min-length': 'three' } };
    expect(exampleOperations([wrong], schema)).toEqual(exampleOperations([], schema));
  });

  it('a schema that has nothing of all this gives an empty list', () => {
    expect(exampleOperations([wordCount], buildSchema('type Query { version: String }'))).toEqual([]);
  });

  it('the list is bounded', () => {
    const names = Array.from({ length: MAX_EXAMPLE_OPERATIONS + 5 }, (_, index) => `job-${index}`);
    const fields = names.map((name) => `runJob${name.slice(4)}(input: RunJob${name.slice(4)}Input!): RunPayload!`);
    const inputs = names.map((name) => `input RunJob${name.slice(4)}Input { text: FileInput! }`);
    const large = buildSchema([sdl, `extend type Mutation { ${fields.join(' ')} }`, ...inputs].join('\n'));
    const jobs = names.map((name) => job(name, { text: scalar('File') }, { text: { text: 'a' } }));
    expect(exampleOperations(jobs, large)).toHaveLength(MAX_EXAMPLE_OPERATIONS);
  });
});
