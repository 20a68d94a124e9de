import fc from 'fast-check';
import { GraphQLEnumType, assertName } from 'graphql';
import {
  camelCase,
  enumValueName,
  enumValueNames,
  inputTypeName,
  mutationFieldName,
  pascalCase,
  uniqueNames,
} from '../../src/domain/naming';
import { NAME_PATTERN } from '../../src/domain/definitions';

describe('names of definitions', () => {
  it.each([
    ['word-count', 'WordCount', 'wordCount'],
    ['min_length', 'MinLength', 'minLength'],
    ['minLength', 'MinLength', 'minLength'],
    ['GC-content', 'GCContent', 'gcContent'],
    ['XMLFile', 'XMLFile', 'xmlFile'],
    ['ID', 'ID', 'id'],
    ['k-2-mer', 'K2Mer', 'k2Mer'],
    ['a--b_', 'AB', 'aB'],
  ])('%s is %s as a type and %s as a field', (name, pascal, camel) => {
    expect(pascalCase(name)).toBe(pascal);
    expect(camelCase(name)).toBe(camel);
  });

  it('a job gives a mutation field and an input type', () => {
    expect(mutationFieldName({ name: 'word-count' })).toBe('runWordCount');
    expect(inputTypeName({ name: 'word-count' })).toBe('RunWordCountInput');
  });

  it('every allowed definition name gives valid GraphQL names', () => {
    fc.assert(
      fc.property(fc.stringMatching(NAME_PATTERN), (name) => {
        assertName(camelCase(name));
        assertName(mutationFieldName({ name }));
        assertName(inputTypeName({ name }));
      }),
    );
  });
});

describe('names of enum values', () => {
  it.each([
    ['upper', 'upper'],
    ['ALL_CAPS', 'ALL_CAPS'],
    ['fast mode', 'fast_mode'],
    ['A/T', 'A_T'],
    ['1.5', '_1_5'],
    ['-1', 'MINUS_1'],
    ['+', 'PLUS'],
    ['CD4+', 'CD4_PLUS'],
    ['CD4-', 'CD4_MINUS'],
    ['café', 'cafe'],
    ['β', 'U03B2'],
    ['', 'EMPTY'],
    ['true', 'TRUE'],
    ['__private', '_private'],
  ])('%j is %s', (symbol, name) => {
    expect(enumValueName(symbol)).toBe(name);
  });

  it('symbols that meet in one name are reported, and stay apart', () => {
    const { names, collisions } = enumValueNames(['a b', 'a-b', 'a_b', 'c']);
    expect(collisions).toEqual([{ name: 'a_b', sources: ['a b', 'a-b', 'a_b'] }]);
    expect(Object.fromEntries(names)).toEqual({ 'a b': 'a_b_2', 'a-b': 'a_b_3', a_b: 'a_b', c: 'c' });
  });

  it('a suffix never takes the name of another symbol', () => {
    const { names } = enumValueNames(['x y', 'x-y', 'x_y_2']);
    expect(Object.fromEntries(names)).toEqual({ 'x y': 'x_y', 'x-y': 'x_y_3', x_y_2: 'x_y_2' });
  });

  it('any set of symbols makes a valid enum', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.string({ unit: 'binary' }), { minLength: 1 }), (symbols) => {
        const { names } = enumValueNames(symbols);
        expect(new Set(names.values()).size).toBe(symbols.length);
        new GraphQLEnumType({ name: 'E', values: Object.fromEntries([...names.values()].map((name) => [name, {}])) });
      }),
    );
  });
});

describe('unique names', () => {
  it('report ports that would become one field', () => {
    expect(uniqueNames(['min-length', 'min_length', 'other'], camelCase).collisions).toEqual([
      { name: 'minLength', sources: ['min-length', 'min_length'] },
    ]);
  });
});
