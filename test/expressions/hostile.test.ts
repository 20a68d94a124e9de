import type { Expression, ExpressionContext } from '../../src/domain/expression';
import type { Value } from '../../src/domain/values';
import { createSandbox, type Evaluation, type Sandbox } from '../../src/expressions/sandbox';
import { MIB, read } from './support';

const limits = { ms: 500, memoryBytes: 32 * MIB, resultCharacters: 100_000 };
const TICK_MS = 20;

let sandbox: Sandbox;
beforeAll(() => {
  sandbox = createSandbox({ limits, threads: 1 });
});
afterAll(() => sandbox.close());

const value = (text: string, inputs: ExpressionContext['inputs'] = {}): Promise<Value> =>
  sandbox.evaluate(read(text), { inputs });
const codeOf = async (text: string): Promise<string> =>
  value(text).then(
    () => 'a value',
    (error: { code: string }) => error.code,
  );
const outcomeOf = (evaluation: Evaluation): Value => (evaluation.ok ? evaluation.value : evaluation.error.message);

describe('a script that does not end', () => {
  test.each([
    ['in a loop', '${ for (;;); return 1; }'],
    [
      'in a loop that catches everything',
      '${ for (;;) { try { for (;;); } catch (e) {} finally { continue; } } return 1; }',
    ],
    ['in a pattern that tries everything', '$(/^(a+)+$/.test("a".repeat(50) + "b"))'],
    ['while its result is taken', '$({ get field() { for (;;); } })'],
    ['while its error is told', '${ throw { get message() { for (;;); } }; return 1; }'],
    ['in a proxy', '$(new Proxy([], { get() { for (;;); } }))'],
    ['in a loop of the engine that asks nobody', '$(new Array(1e9).join("x"))'],
    ['in a sort of what is not there', '$(new Array(2 ** 31).sort().length)'],
  ])('%s is stopped; this process goes on meanwhile, and the next script runs', async (_name, text) => {
    let ticks = 0;
    const clock = setInterval(() => (ticks += 1), TICK_MS);
    const code = await codeOf(text);
    clearInterval(clock);
    expect(code).toBe('LIMIT_EXCEEDED');
    expect(ticks).toBeGreaterThan(2);
    expect(await value('$(1 + 1)')).toBe(2);
  });

  it('in jobs for later never gets its turn', async () => {
    expect(await value('${ (async () => { for (;;) await 1; })(); return "now"; }')).toBe('now');
    const later = '${ const go = () => Promise.resolve().then(go); go(); return typeof setTimeout; }';
    expect(await value(later)).toBe('undefined');
  });
});

describe('a script that takes too much', () => {
  const patient = createSandbox({ limits: { ...limits, ms: 20_000 }, threads: 1 });
  afterAll(() => patient.close());
  const of = (text: string): Promise<Value> =>
    patient.evaluate(read(text), { inputs: {} }).catch((error: { message: string }) => error.message);

  test.each([
    ['in small pieces', '${ const a = []; for (;;) a.push([a.length, {}]); return 1; }'],
    ['in pieces that are each allowed', '${ const a = []; for (;;) a.push(new Array(1e5).fill(1)); return 1; }'],
    ['in names', '${ for (let i = 0; ; i++) globalThis["name" + i] = i; return 1; }'],
    ['in one piece', '$(new ArrayBuffer(2 ** 30).byteLength)'],
    ['in a text', '${ let s = "x"; for (let i = 0; i < 28; i++) s += s + i; return s.split("").length; }'],
    ['in a large text', '$("x".repeat(2 ** 29).length)'],
    ['in its error', '${ throw new Error(new Array(1e7).fill("message").join()); return 1; }'],
  ])('%s is told that the memory is at an end, and the next script has all of it', async (_name, text) => {
    expect(await of(text)).toContain(`needs more than ${32 * MIB} bytes of memory`);
    expect(await of('$("x".repeat(2e7).length)')).toBe(2e7);
  });

  it('altogether is refused, however small the pieces, and what fits is not', async () => {
    const keep = (count: number): string =>
      `\${ const kept = []; for (let i = 0; i < ${count}; i++) kept.push("x".repeat(1e6) + i); return kept.join("").length > 0; }`;
    expect(await of(keep(10))).toBe(true);
    expect(await of(keep(100))).toContain('bytes of memory');
    expect(await of(keep(10))).toBe(true);
  });

  test.each([
    [
      'memory, and goes on when it is refused',
      '${ const a = []; for (;;) try { a.push(new Array(1e6).fill(1)); } catch (e) {} return 1; }',
    ],
    ['place in its result', '$("x".repeat(1e6))'],
    ['place in the items of its result', '$(new Array(1e5).fill("item"))'],
    ['place in a list without items', '$(new Array(2 ** 32 - 1))'],
  ])('%s is refused, and the next script runs', async (_name, text) => {
    expect(await codeOf(text)).toBe('LIMIT_EXCEEDED');
    expect(await value('$("x".repeat(1000).length)')).toBe(1000);
  });

  test.each([
    ['in itself', '${ function f() { return f() + 1; } return f(); }'],
    ['in what it cleans up', '${ function f() { try { f(); } finally { f(); } } return f(); }'],
    ['in a list of lists', '${ let a = [1]; for (let i = 0; i < 1e4; i++) a = [a]; return String(a); }'],
    ['in a list that holds itself', '${ const a = []; a[0] = a; return a.flat(Infinity); }'],
    ['in JSON', '$(JSON.parse("[".repeat(1e5)))'],
    ['in a pattern', '$(new RegExp("(?:".repeat(1e5) + ")".repeat(1e5)).test("x"))'],
  ])('nesting %s fails or is stopped, and the next script runs', async (_name, text) => {
    expect(['BAD_INPUT', 'LIMIT_EXCEEDED']).toContain(await codeOf(text));
    expect(await value('$([1, [2]].flat())')).toEqual([1, 2]);
  });

  it('data larger than the memory is refused before the engine sees it', async () => {
    await expect(value('$(inputs.text.length + 1)', { text: 'x'.repeat(8 * MIB) })).rejects.toMatchObject({
      code: 'LIMIT_EXCEEDED',
    });
  });
});

describe('a script that looks for a way out', () => {
  test.each([
    'process',
    'require',
    'module',
    'fetch',
    'WebAssembly',
    'Worker',
    'console',
    'setTimeout',
    'Buffer',
    'std',
    'os',
  ])('finds no %s', async (name) =>
    expect(await value(`$(typeof globalThis["${name}"] + typeof ${name})`)).toBe('undefinedundefined'),
  );

  test.each([
    '$(Function("return typeof process + typeof require")())',
    '$((() => {}).constructor("return typeof process + typeof require")())',
    '$((async () => {}).constructor, (function* () {}).constructor("return typeof process + typeof require")().next().value)',
    '$(inputs.constructor.constructor("return typeof process + typeof require")())',
    '$((0, eval)("typeof process + typeof require"))',
  ])('finds only its own world behind a constructor: %s', async (text) => {
    expect(await value(text)).toBe('undefinedundefined');
  });

  test.each(['node:fs', 'fs', '/etc/passwd', './main.mjs', 'std', 'os'])('cannot import %s', async (name) => {
    const text = `\${ let found = "nothing"; import("${name}").then((all) => { found = all; }); return found; }`;
    expect(await value(text)).toBe('nothing');
  });

  it('cannot leave a bracket to reach more than it would inside', async () => {
    const source = 'return 1; })(); (function () { return typeof process; ';
    const script: Expression = { kind: 'script', form: 'body', source };
    expect(await sandbox.evaluate(script, { inputs: {} })).toBe('undefined');
  });

  it('cannot pass off what is no value as one, whatever it changes in its world', async () => {
    const change = `
      Object.prototype.toJSON = () => ({ forged: 1n });
      Array.isArray = () => true;
      Array.prototype[Symbol.iterator] = function* () { yield "__proto__"; };
      JSON.stringify = () => "{";
      Number.isFinite = () => true;
      String.prototype.isWellFormed = () => true;
      Object.keys = () => ["x"];`;
    expect(await value(`\${ ${change} return { a: [1, { b: "c" }] }; }`)).toEqual({ a: [1, { b: 'c' }] });
    expect(await codeOf(`\${ ${change} return [NaN]; }`)).toBe('BAD_INPUT');
    expect(await codeOf(`\${ ${change} return "\\ud800"; }`)).toBe('BAD_INPUT');
  });
});

describe('nothing is left behind for the next evaluation', () => {
  const leave = `
    globalThis.left = 1; var alsoLeft = 2; Object.prototype.left = 3; Array.prototype.map = null; JSON.parse = null;
    inputs.n = 4; Object.freeze(globalThis); Symbol.for("left").description;`;
  const look = '[typeof left, ({}).left, [1].map(String)[0], typeof JSON.parse, inputs.n]';

  it('neither for another script, nor in this process', async () => {
    await value(`\${ ${leave} return 1; }`, { n: 1 });
    expect(await value(`$(${look})`, { n: 1 })).toEqual(['undefined', null, '1', 'function', 1]);
    expect(({} as { left?: unknown }).left).toBeUndefined();
  });

  it('nor within a batch, where contexts share their data', async () => {
    const inputs = { n: 1 };
    const text = `\${ const seen = ${look}; ${leave} return seen; }`;
    const evaluations = await sandbox.evaluateAll(read(text), [{ inputs }, { inputs }, { inputs }]);
    expect(evaluations.map(outcomeOf)).toEqual(Array(3).fill(['undefined', null, '1', 'function', 1]));
  });
});

describe('a batch with hostile elements', () => {
  const contexts = (count: number): ExpressionContext[] =>
    Array.from({ length: count }, (_, index) => ({ inputs: { index } }));

  it('goes on behind one that is interrupted and one whose thread had to be ended', async () => {
    const text = '${ const i = inputs.index; if (i === 1) for (;;); if (i === 3) new Array(1e9).join("x"); return i; }';
    const evaluations = await sandbox.evaluateAll(read(text), contexts(6));
    const stopped = 'The expression took longer than 500 ms. Move the work into a task.';
    expect(evaluations.map(outcomeOf)).toEqual([0, stopped, 2, stopped, 4, 5]);
  });

  it('is given up after three of them, so that a thousand cannot take a thousand times as long', async () => {
    const evaluations = await sandbox.evaluateAll(
      read('${ if (inputs.index > 0) for (;;); return "fine"; }'),
      contexts(1000),
    );
    const stopped = 'The expression took longer than 500 ms. Move the work into a task.';
    const untried = 'The expression took too long on 3 elements before this one, so it was not tried here.';
    expect(evaluations.map(outcomeOf)).toEqual([
      'fine',
      stopped,
      stopped,
      stopped,
      ...Array<string>(996).fill(untried),
    ]);
  });

  it('does not keep the others waiting until it is through', async () => {
    const ended: string[] = [];
    const slow = '${ const end = Date.now() + 100; while (Date.now() < end); return 1; }';
    const batch = sandbox.evaluateAll(read(slow), contexts(15)).then(() => ended.push('batch'));
    const single = value('$(1 + 1)').then(() => ended.push('single'));
    await Promise.all([batch, single]);
    expect(ended).toEqual(['single', 'batch']);
  });
});
