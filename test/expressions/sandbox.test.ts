import type { ExpressionContext } from '../../src/domain/expression';
import type { Value } from '../../src/domain/values';
import { createSandbox, type Sandbox } from '../../src/expressions/sandbox';
import { MIB, read } from './support';

const limits = { ms: 5_000, memoryBytes: 64 * MIB, resultCharacters: 10_000 };
const file = { class: 'File', name: 'reads.fastq.gz', sha256: 'ab'.repeat(32), size: 12, mediaType: 'text/plain' };
const directory = { class: 'Directory', name: 'run.d', entries: [file] };
const context: ExpressionContext = { inputs: { reads: file, folder: directory, n: 2, list: [3, 1, 2] }, self: 'it' };

let sandbox: Sandbox;
beforeAll(() => {
  sandbox = createSandbox({ limits });
});
afterAll(() => sandbox.close());

const value = (text: string, given = context): Promise<Value> => sandbox.evaluate(read(text), given);

describe('scripts', () => {
  test.each<[string, Value]>([
    ['$(inputs.n * 21)', 42],
    ['$(inputs.list.toSorted().join("-"))', '1-2-3'],
    ['${ const [a, ...rest] = inputs.list; return { a, rest }; }', { a: 3, rest: [1, 2] }],
    ['n is $(inputs.n + 1), self is $(self)$(self.length - 2)', 'n is 3, self is it0'],
    ['$(inputs.reads)', file],
    ['$([inputs.reads, inputs.folder].map((each) => each))', [file, directory]],
    ['$([inputs.reads.size, inputs.reads.name + inputs.reads.nameext])', [12, 'reads.fastq.gz.gz']],
    ['$(inputs.reads.nameroot + "|" + inputs.folder.entries[0].basename)', 'reads.fastq|reads.fastq.gz'],
    ['$(inputs.missing)', null],
    ['$(inputs.missing ?? null)', null],
    ['$([step, runtime, undefined, { gone: undefined }])', [null, null, null, { gone: null }]],
    ['$("Grüße, 🧬" + "\\u2028")', 'Grüße, 🧬\u2028'],
    ['$(1 // one\n)', 1],
    ['$(Object.assign(Object.create(null), { plain: true }))', { plain: true }],
    ['$({ toJSON: null })', { toJSON: null }],
    ['$(new Date(Date.UTC(2026, 10, 21)).toISOString().slice(0, 10))', '2026-11-21'],
  ])('%s gives its value', async (text, expected) => expect(await value(text)).toEqual(expected));

  test.each([
    ['$(nothere + 1)', "ReferenceError: 'nothere' is not defined (line 1, column 1)"],
    ['${\n  return inputs.missing.field;\n}', "cannot read property 'field' of undefined (line 2, column 24)"],
    ['${ throw new Error("No reads."); return 1; }', 'Error: No reads. (line 1, column 17)'],
    ['${ throw "a text"; return 1; }', 'threw a text'],
    ['${ throw null; return 1; }', 'threw null'],
    ['${ throw { get message() { throw 1; } }; return 1; }', 'threw what has no description'],
    ['$(1 +)', 'SyntaxError'],
    ['$(() => 1)', 'The result is a function.'],
    ['$({ a: [1, { b: NaN }] })', 'In the result, a[1].b is NaN, and a number must be finite.'],
    ['$([1 / 0])', 'In the result, [0] is Infinity'],
    ['$(10n)', 'The result is a BigInt.'],
    ['$(Symbol("s"))', 'The result is a Symbol'],
    ['$(new Date(0))', 'The result is a Date. Use its toISOString().'],
    ['$(new Map([[1, 2]]))', 'The result is a Map'],
    ['$(new (class Sample {})())', 'The result is an instance of a class'],
    ['$((async () => 1)())', 'The result is a Promise.'],
    ['${ const o = {}; o.self = o; return o; }', 'nested deeper than 64 levels, or holds itself.'],
    ['$("\\0")', 'a NUL or half a character'],
    ['$({ ["\\ud800"]: 1 })', 'a NUL or half a character'],
    ['$({ ["__proto__"]: 1 })', 'a name that no field may have'],
  ])('%s fails, and the message says why', async (text, message) => {
    await expect(value(text)).rejects.toMatchObject({
      code: 'BAD_INPUT',
      message: expect.stringContaining(message) as unknown,
    });
  });

  it('a result that is too large is refused with its size', async () => {
    await expect(value('$("x".repeat(20000))')).rejects.toMatchObject({
      code: 'LIMIT_EXCEEDED',
      message: expect.stringContaining('20002 characters as JSON, and at most 10000') as unknown,
    });
  });
});

describe('a batch', () => {
  const contexts = (count: number): ExpressionContext[] =>
    Array.from({ length: count }, (_, index) => ({ inputs: { index } }));

  it('gives thousands of values in the order of their contexts', async () => {
    const evaluations = await sandbox.evaluateAll(read('$(inputs.index * 2)'), contexts(3000));
    expect(evaluations).toEqual(contexts(3000).map((_, index) => ({ ok: true, value: index * 2 })));
  });

  it('fills a template with several scripts for each context', async () => {
    const evaluations = await sandbox.evaluateAll(read('$(inputs.index + 1)/$(inputs.index)/$("e")'), contexts(2));
    expect(evaluations.map((each) => each.ok && each.value)).toEqual(['1/0/e', '2/1/e']);
  });

  it('without contexts has no values', async () => {
    expect(await sandbox.evaluateAll(read('$(1 + 1)'), [])).toEqual([]);
  });

  it('an element that fails leaves the others alone', async () => {
    const text = '${ if (inputs.index === 1) throw new Error("odd one"); return inputs.index; }';
    const evaluations = await sandbox.evaluateAll(read(text), contexts(3));
    expect(evaluations.map((each) => (each.ok ? each.value : each.error.code))).toEqual([0, 'BAD_INPUT', 2]);
  });
});

describe('the outputs of an expression', () => {
  const outputs = (text: string): Promise<unknown> => sandbox.evaluateOutputs(read(text), context, ['count', 'first']);

  it('are the fields of its object, null where there is none', async () => {
    expect(await outputs('$({ count: inputs.list.length })')).toEqual({ count: 3, first: null });
  });

  test.each([
    ['$([1 + 1])', 'has to give an object with the outputs, such as { count: … }.'],
    ['$(inputs.reads)', 'has to give an object'],
    ['$({ cuont: 1 })', 'gives cuont, and the outputs are count, first.'],
  ])('%s are no outputs', async (text, message) => {
    await expect(outputs(text)).rejects.toMatchObject({
      code: 'BAD_INPUT',
      message: expect.stringContaining(message) as unknown,
    });
  });
});

describe('the check of a script', () => {
  const check = (source: string, form: 'expression' | 'body' = 'expression'): Promise<unknown> =>
    sandbox.checkScript({ kind: 'script', form, source });

  it('finds nothing wrong with one that can be read, and does not run it', async () => {
    expect(await check('inputs.n + 1')).toBeNull();
    expect(await check('return (() => { for (;;); })()', 'body')).toBeNull();
  });

  test.each([
    ['a b', 'expression', { line: 1, column: 3, message: "expecting ')'" }],
    ['1 +', 'expression', { line: 1, column: 4, message: 'something is missing at the end' }],
    ['\n  return 1 + * 2;', 'body', { line: 2, column: 14, message: "unexpected token in expression: '*'" }],
    ['return 1', 'expression', { line: 1, column: 1, message: "unexpected token in expression: 'return'" }],
  ] as const)('tells where %j cannot be read', async (source, form, problem) => {
    expect(await check(source, form)).toEqual(problem);
  });

  it('refuses one that is nested too deeply', async () => {
    expect(await check(`${'('.repeat(30_000)}1${')'.repeat(30_000)}`)).toMatchObject({ message: 'stack overflow' });
  });
});
