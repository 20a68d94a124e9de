import fc from 'fast-check';
import { combinationLabel, expandMatrix, MAX_PRODUCT, matrixInputs, type Matrix } from '../../src/domain/matrix';

const expand = (matrix: Partial<Matrix>, limit = 100) =>
  expandMatrix({ values: {}, include: [], exclude: [], ...matrix }, limit);
const refusal = (code: string, ...field: string[]): Error =>
  expect.objectContaining({ errors: [expect.objectContaining({ code, field })] }) as Error;

describe('a matrix', () => {
  it('has every value with every other, the last input varying fastest', () => {
    expect(expand({ values: { size: [1, 2], order: ['a', 'b'] } })).toEqual([
      { size: 1, order: 'a' },
      { size: 1, order: 'b' },
      { size: 2, order: 'a' },
      { size: 2, order: 'b' },
    ]);
  });
  it('leaves out what is excluded, in part or whole, and adds what is included', () => {
    const values = { size: [1, 2, 3], order: ['a', 'b'] };
    const left = expand({ values, exclude: [{ size: 1 }, { size: 2, order: 'a' }], include: [{ size: 9 }] });
    expect(left).toEqual([{ size: 2, order: 'b' }, { size: 3, order: 'a' }, { size: 3, order: 'b' }, { size: 9 }]);
  });
  it('compares files and lists by what is in them', () => {
    const values = { text: [{ text: 'a', name: 'x' }, { text: 'b' }] };
    expect(expand({ values, exclude: [{ text: { name: 'x', text: 'a' } }] })).toEqual([{ text: { text: 'b' } }]);
  });
  it('has each combination once', () => {
    expect(expand({ values: { size: [1, 1, 2] }, include: [{ size: 2 }] })).toEqual([{ size: 1 }, { size: 2 }]);
  });
  it('may consist of what is included alone', () => {
    expect(expand({ include: [{ a: 1 }, { b: 2 }] })).toEqual([{ a: 1 }, { b: 2 }]);
  });
  it('names the inputs it varies, each once', () => {
    expect(
      matrixInputs([
        { a: 1, b: 1 },
        { b: 2, c: 3 },
      ]),
    ).toEqual(['a', 'b', 'c']);
  });
  it('has as many combinations as the product of its lists, all different', () => {
    const lists = fc.uniqueArray(fc.integer(), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom('a', 'b', 'c'), lists, { minKeys: 1 }), (values) => {
        const found = expand({ values }, 1_000);
        expect(found).toHaveLength(Object.values(values).reduce((count, list) => count * list.length, 1));
        expect(new Set(found.map((one) => JSON.stringify(one))).size).toBe(found.length);
      }),
    );
  });
});

describe('a matrix is refused', () => {
  it('when it has more combinations than the limit, however they come about', () => {
    expect(expand({ values: { a: [1, 2], b: [1, 2] } }, 4)).toHaveLength(4);
    for (const matrix of [
      { values: { a: [1, 2, 3], b: [1, 2] } },
      { values: { a: [1, 2], b: [1, 2] }, include: [{ a: 9 }] },
    ]) {
      expect(() => expand(matrix, 4)).toThrow(refusal('LIMIT_EXCEEDED', 'values'));
    }
  });
  it('when only counting its combinations would take long', () => {
    const list = Array.from({ length: 1_000 }, (_, index) => index);
    const matrix = { values: { a: list, b: list, c: list }, exclude: [{ a: 1 }] };
    expect(() => expand(matrix, MAX_PRODUCT)).toThrow(refusal('LIMIT_EXCEEDED', 'values'));
  });
  it('when nothing is left of it', () => {
    expect(() => expand({})).toThrow(refusal('BAD_INPUT', 'values'));
    expect(() => expand({ values: { a: [] } })).toThrow(refusal('BAD_INPUT', 'values', 'a'));
    expect(() => expand({ values: { a: [1] }, exclude: [{ a: 1 }] })).toThrow(refusal('BAD_INPUT', 'values'));
  });
  it('when an exclusion names no input of it', () => {
    for (const one of [{}, { b: 1 }]) {
      expect(() => expand({ values: { a: [1] }, exclude: [one] })).toThrow(refusal('BAD_INPUT', 'exclude', '0'));
    }
  });
});

describe('the label of a combination', () => {
  const file = { class: 'File', name: 'moby.txt', sha256: '', size: 1, mediaType: 'text/plain' } as const;
  it('tells its values, files by name, behind words of the caller', () => {
    expect(
      combinationLabel({ size: 2, on: true, text: file, words: ['a', 'b'] }, ['size', 'on', 'text', 'words']),
    ).toBe('size=2, on=true, text=moby.txt, words=[a b]');
    expect(combinationLabel({ size: 2 }, ['size', 'missing'], 'first try')).toBe('first try: size=2, missing=null');
  });
  it('is never longer than a label may be', () => {
    const names = Array.from({ length: 20 }, (_, index) => `name${index}`);
    const values = Object.fromEntries(names.map((name) => [name, '💥'.repeat(500)]));
    expect([...combinationLabel(values, names)]).toHaveLength(200);
    expect(combinationLabel({ a: 'x'.repeat(50) }, ['a'])).toBe(`a=${'x'.repeat(39)}…`);
  });
});
