import { buildSchema, parse, specifiedRules, validate } from 'graphql';
import { costError, limitRules } from '../../schema/server/limits';

const schema = buildSchema(`
  type Query { me: Person people(first: Int): PersonConnection }
  type Person { name: String friend: Person }
  type PersonConnection { nodes: [Person!]! }
`);
const limits = { maxDepth: 3, maxAliases: 2, maxCost: 50 };

const faults = (text: string): string[] =>
  validate(schema, parse(text), [...specifiedRules, ...limitRules(limits)]).map(({ message }) => message);

test('an operation that is too deep is a fault of the operation, also when fragments hide its depth', () => {
  expect(faults('{ me { friend { name } } }')).toEqual([]);
  const tooDeep = ['Query depth limit of 3 exceeded, found 4.'];
  expect(faults('{ me { friend { friend { name } } } }')).toEqual(tooDeep);
  expect(faults('{ me { ...more } } fragment more on Person { friend { friend { name } } }')).toEqual(tooDeep);
});

test('an operation with too many aliases is a fault of the operation', () => {
  expect(faults('{ a: me { name } b: me { name } }')).toEqual([]);
  expect(faults('{ a: me { name } b: me { name } c: me { name } }')).toEqual(['Aliases limit of 2 exceeded, found 3.']);
});

test('the cost of a page grows with its size, also when that is a variable', () => {
  const document = parse('query ($first: Int) { people(first: $first) { nodes { name } } }');
  const cost = (first?: number): string | undefined =>
    costError(schema, { document, variables: { first } }, limits.maxCost)?.message;
  expect(cost(10)).toBeUndefined();
  expect(cost()).toBeUndefined();
  expect(cost(100)).toMatch(/^This operation could return about 101 objects; the limit is 50\./);
});
