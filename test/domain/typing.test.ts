import fc from 'fast-check';
import { checkValue, isAssignable } from '../../src/domain/typing';
import { optionalType, scalar } from '../../src/domain/values';
import type { ValueType } from '../../src/domain/values';

const file = { class: 'File', name: 'a.txt', sha256: 'a'.repeat(64), size: 3, mediaType: 'text/plain' };
const choice: ValueType = { kind: 'enum', symbols: ['a', 'b'] };

describe('a value of a type', () => {
  it.each([
    [scalar('int'), 3, []],
    [scalar('int'), 3.5, ['expected int, got 3.5']],
    [scalar('int'), 2 ** 31, ['expected int, got 2147483648']],
    [scalar('long'), 2 ** 31, []],
    [scalar('double'), Number.NaN, ['expected double, got NaN']],
    [scalar('string'), 3, ['expected string, got 3']],
    [scalar('string'), 'a\0b', ['the text holds a NUL character']],
    [scalar('boolean'), 'true', ['expected boolean, got the text "true"']],
    [choice, 'c', ['expected enum(a, b), got the text "c"']],
    [scalar('File'), file, []],
    [scalar('File'), null, ['expected File, got nothing']],
    [scalar('File'), { ...file, name: '../x' }, ['the File is not complete or its name is not a plain file name']],
    [optionalType(scalar('File')), null, []],
    [optionalType(scalar('int')), 'x', ['expected int, got the text "x"']],
    [{ kind: 'array', items: scalar('int') }, [1, 'x'], ['item 2: expected int, got the text "x"']],
    [
      { kind: 'record', fields: [{ name: 'n', type: scalar('int') }] },
      { m: 1 },
      ["field 'n': expected int, got nothing", "unknown field 'm'"],
    ],
  ] as [ValueType, unknown, string[]][])('%j takes %j: %j', (type, value, reasons) => {
    expect(checkValue(type, {}, value)).toEqual(reasons);
  });

  it.each([
    [{ min: 1 }, scalar('int'), 0, ['0 is less than the minimum 1']],
    [{ max: 1 }, scalar('int'), 2, ['2 is more than the maximum 1']],
    [{ allowed: ['x'] }, scalar('string'), 'y', ['the text "y" is not allowed; choose from the text "x"']],
    [{ maxLength: 2 }, scalar('string'), 'äöü', ['3 characters, and at most 2 are allowed']],
    [{ min: 1 }, optionalType(scalar('int')), null, []],
  ])('bounds %j', (bounds, type, value, reasons) => {
    expect(checkValue(type, bounds, value)).toEqual(reasons);
  });

  it('a value that is nested without end is refused', () => {
    const deep = JSON.parse(`${'['.repeat(2000)}${']'.repeat(2000)}`) as unknown;
    expect(checkValue(scalar('Any'), {}, deep)).toEqual(['nested deeper than 64 levels']);
  });
});

describe('types that fit', () => {
  it.each([
    [scalar('int'), scalar('double'), true],
    [scalar('double'), scalar('int'), 'double does not fit int'],
    [choice, scalar('string'), true],
    [scalar('string'), choice, 'string does not fit enum(a, b)'],
    [{ kind: 'enum', symbols: ['a', 'z'] }, choice, 'enum(a, b) does not know z'],
    [scalar('File'), optionalType(scalar('File')), true],
    [optionalType(scalar('File')), scalar('File'), 'may be null, and File never is'],
    [scalar('Any'), scalar('File'), true],
  ] as [ValueType, ValueType, true | string][])('%j into %j', (from, to, answer) => {
    expect(isAssignable(from, to)).toBe(answer);
  });

  it('a value of a type also belongs to every type that it fits', () => {
    const samples: readonly unknown[] = [null, true, 0, 1.5, 2 ** 40, 'a', 'c', file, [], [1], ['a'], { n: 1 }];
    const { type } = fc.letrec<{ type: ValueType }>((tie) => ({
      type: fc.oneof(
        { maxDepth: 3 },
        fc
          .constantFrom(...(['null', 'boolean', 'int', 'long', 'float', 'double', 'string', 'File'] as const))
          .map(scalar),
        fc.constant(choice),
        tie('type').map((items): ValueType => ({ kind: 'array', items })),
        tie('type').map((of): ValueType => ({ kind: 'record', fields: [{ name: 'n', type: of }] })),
        fc.array(tie('type'), { minLength: 1, maxLength: 3 }).map((types): ValueType => ({ kind: 'union', types })),
      ),
    }));
    fc.assert(
      fc.property(type, type, fc.constantFrom(...samples), (from, to, value) => {
        expect(isAssignable(from, from)).toBe(true);
        if (isAssignable(from, to) !== true || checkValue(from, {}, value).length > 0) return;
        expect(checkValue(to, {}, value)).toEqual([]);
      }),
      { numRuns: 2000 },
    );
  });
});
