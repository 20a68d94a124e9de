import {
  buildSchema,
  execute,
  getIntrospectionQuery,
  type GraphQLError,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isObjectType,
  parse,
  specifiedRules,
  validate,
} from 'graphql';
import { buildServedSchema, buildStaticSchema } from '../../../schema/buildSchema';
import { maskError } from '../../../schema/server/errors';
import { costError, limitRules } from '../../../schema/server/limits';
import { refusalOf } from '../../../schema/server/visitors';
import { StepcastError } from '../../../src/domain/errors';

const schema = buildServedSchema(buildStaticSchema());

test('every type, field, argument and value of the schema has a description', () => {
  const bare: string[] = [];
  const look = (name: string, described: { description?: string | null }): void => {
    if (!described.description) bare.push(name);
  };
  for (const type of Object.values(schema.getTypeMap())) {
    if (type.name.startsWith('__')) continue;
    if (!['Query', 'Mutation', 'Subscription'].includes(type.name)) look(type.name, type);
    if (isEnumType(type)) for (const value of type.getValues()) look(`${type.name}.${value.name}`, value);
    if (isInputObjectType(type))
      for (const field of Object.values(type.getFields())) look(`${type.name}.${field.name}`, field);
    if (!isObjectType(type) && !isInterfaceType(type)) continue;
    for (const field of Object.values(type.getFields())) {
      look(`${type.name}.${field.name}`, field);
      for (const argument of field.args) look(`${type.name}.${field.name}(${argument.name})`, argument);
    }
  }
  expect(bare).toEqual([]);
});

describe('what one operation may ask for', () => {
  const limits = { maxDepth: 12, maxAliases: 15, maxCost: 5_000 };
  const problems = (text: string): string[] =>
    validate(schema, parse(text), [...specifiedRules, ...limitRules(limits)]).map((error) => error.message);
  const cost = (text: string, variables: Record<string, unknown> = {}) =>
    costError(schema, { document: parse(text), variables }, limits.maxCost);

  it('lets the introspection of GraphiQL pass', () => {
    const text = getIntrospectionQuery({ specifiedByUrl: true, inputValueDeprecation: true, oneOf: true });
    expect(problems(text)).toEqual([]);
    expect(cost(text)).toBeNull();
  });
  it('refuses many aliases and a deep nesting', () => {
    const aliases = Array.from({ length: 16 }, (_, index) => `a${index}: submission(id: "x") { id }`).join(' ');
    expect(problems(`{ ${aliases} }`)).not.toEqual([]);
    const step = (inner: string): string => `{ submission(id: "x") ${inner} }`;
    expect(problems(step('{ id }'))).toEqual([]);
    const deep = Array.from({ length: 8 }).reduce<string>(
      (inner) => `{ steps { nodes { submission ${inner} } } }`,
      '{ id }',
    );
    expect(problems(step(deep))).not.toEqual([]);
  });
  it('counts nested pages by their sizes, also when a variable says them', () => {
    const text = 'query ($n: Int) { submissions(first: $n) { nodes { steps(first: $n) { nodes { id } } } } }';
    expect(cost(text, { n: 20 })).toBeNull();
    expect(cost(text, { n: 100 })).toMatchObject({ extensions: { code: 'BAD_REQUEST' } });
  });
  it('ends on fragments that lead in a circle', () => {
    expect(problems('{ ...a } fragment a on Query { ...b } fragment b on Query { ...a }')).not.toEqual([]);
  });
});

describe('errors as a client sees them', () => {
  const told: unknown[] = [];
  const mask = (error: GraphQLError) => maskError(error.toJSON(), error, (_, fault) => told.push(fault));
  const failing = (thrown: unknown) =>
    execute({
      schema: buildSchema('type Query { x(n: Int): String }'),
      document: parse('query ($n: Int) { x(n: $n) }'),
      rootValue: {
        x: () => {
          throw thrown;
        },
      },
    });
  beforeEach(() => told.splice(0));

  it('are our own words with a code', async () => {
    const { errors } = await failing(new StepcastError('NOT_FOUND', 'There is no such thing.'));
    expect(mask(errors?.[0] as GraphQLError)).toMatchObject({
      message: 'There is no such thing.',
      path: ['x'],
      extensions: { code: 'NOT_FOUND' },
    });
    expect(told).toEqual([]);
  });
  it.each([
    ['of the database', new Error('relation "secret" does not exist')],
    ['of ours', new StepcastError('INTERNAL', 'at /home/me/file.ts')],
    ['that is no Error', 'a string with a secret'],
    ['of the language', new TypeError('secret of undefined')],
  ])('say nothing of a fault %s but its reference', async (_, thrown) => {
    const { errors } = await failing(thrown);
    const shown = mask(errors?.[0] as GraphQLError);
    expect(JSON.stringify(shown)).not.toMatch(/secret|home/);
    expect(shown.extensions).toMatchObject({
      code: 'INTERNAL',
      reference: expect.stringMatching(/^[0-9a-f]{12}$/) as string,
    });
    expect(told).toHaveLength(1);
  });
  it.each([
    ['shuts down', Object.assign(new Error('terminating connection of secret'), { code: '57P01' })],
    ['cannot be reached', Object.assign(new Error('connect secret'), { code: 'ECONNREFUSED', syscall: 'connect' })],
    ['broke the connection', new Error('Connection terminated unexpectedly')],
  ])('ask to try again when the database %s', async (_, thrown) => {
    const { errors } = await failing(thrown);
    const shown = mask(errors?.[0] as GraphQLError);
    expect(shown).toMatchObject({ extensions: { code: 'UNAVAILABLE' } });
    expect(shown.message).not.toContain('secret');
    expect(told).toEqual([]);
  });
  it('tell what is wrong with a variable', async () => {
    const { errors } = await execute({
      schema: buildSchema('type Query { x(n: Int): String }'),
      document: parse('query ($n: Int) { x(n: $n) }'),
      variableValues: { n: 'many' },
    });
    expect(mask(errors?.[0] as GraphQLError)).toMatchObject({
      message: expect.stringContaining('many') as string,
      extensions: { code: 'BAD_REQUEST' },
    });
  });
});

describe('visitors', () => {
  const rules = { loopbackOnly: true, publicUrl: 'http://127.0.0.1:4000', allowedOrigins: ['https://lab.example'] };
  const refused = (headers: Record<string, string>): boolean => refusalOf({ headers }, rules) !== null;

  it.each(['localhost:4000', '127.0.0.1:4000', '127.9.9.9', '[::1]:4000'])('come to this machine by %s', (host) => {
    expect(refused({ host })).toBe(false);
    expect(refused({ host, origin: `http://${host}` })).toBe(false);
  });
  it.each([
    'evil.example',
    '127.0.0.1.evil.example:4000',
    'localhost.evil.example',
    '10.0.0.1:4000',
    '',
    'a b',
    '@127.0.0.1x',
  ])('that ask for %p are sent away', (host) => {
    expect(refused({ host })).toBe(true);
  });
  it('from a page of another site are sent away, but for those allowed', () => {
    const host = 'localhost:4000';
    expect(refused({ host, origin: 'https://evil.example' })).toBe(true);
    expect(refused({ host, origin: 'http://localhost:3000' })).toBe(true);
    expect(refused({ host, origin: 'null' })).toBe(true);
    expect(refused({ host, origin: 'https://lab.example' })).toBe(false);
  });
});
