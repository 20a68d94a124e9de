import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import type { Expression } from '../../src/domain/expression';
import { createSandbox, type Sandbox } from '../../src/expressions/sandbox';
import { MIB } from './support';

const project = path.join(__dirname, '../..');
const limits = { ms: 2_000, memoryBytes: 32 * MIB, resultCharacters: 1000 };
const script = (source: string): Expression => ({ kind: 'script', form: 'expression', source });
const ENDLESS = script('(() => { for (;;); })()');
const context = { inputs: {} };

describe('the threads of the sandbox', () => {
  let sandbox: Sandbox;
  afterEach(() => sandbox.close());

  it('run scripts beside each other', async () => {
    sandbox = createSandbox({ limits, threads: 2 });
    const ended: string[] = [];
    const endless = sandbox.evaluate(ENDLESS, context).catch(() => ended.push('endless'));
    const quick = sandbox.evaluate(script('1'), context).then(() => ended.push('quick'));
    await Promise.all([endless, quick]);
    expect(ended).toEqual(['quick', 'endless']);
  });

  it('let so many evaluations wait and no more, and take new ones when those are done', async () => {
    sandbox = createSandbox({ limits, threads: 1, maxWaiting: 3 });
    const batch = sandbox.evaluateAll(script('1'), [context, context]);
    const check = sandbox.checkScript({ kind: 'script', form: 'expression', source: '1' });
    await expect(sandbox.evaluate(script('1'), context)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await Promise.all([batch, check]);
    expect(await sandbox.evaluate(script('1'), context)).toBe(1);
    await expect(sandbox.evaluateAll(script('1'), Array(4).fill(context))).rejects.toMatchObject({
      code: 'LIMIT_EXCEEDED',
    });
  });

  it('are not needed for references, however many scripts wait', async () => {
    sandbox = createSandbox({ limits, threads: 1, maxWaiting: 1 });
    const endless = sandbox.evaluate(ENDLESS, context).catch(() => 'stopped');
    expect(await sandbox.evaluate({ kind: 'reference', path: ['inputs', 'n'] }, { inputs: { n: 5 } })).toBe(5);
    expect(await endless).toBe('stopped');
  });

  it('end with the sandbox, and so does what runs and waits on them', async () => {
    sandbox = createSandbox({ limits: { ...limits, ms: 600_000 }, threads: 1 });
    const asked = [sandbox.evaluate(ENDLESS, context), sandbox.evaluate(script('1'), context)];
    const codes = asked.map((each) => each.catch((error: { code: string }) => error.code));
    await sandbox.close();
    expect(await Promise.all(codes)).toEqual(['UNAVAILABLE', 'UNAVAILABLE']);
    await expect(sandbox.evaluate(script('1'), context)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  });
});

it('a process with an idle sandbox ends by itself, and one that waits for a value gets it first', async () => {
  const code = `
    const { createSandbox } = require('./src/expressions/sandbox.ts');
    const sandbox = createSandbox({ limits: ${JSON.stringify(limits)} });
    sandbox.evaluate({ kind: 'script', form: 'expression', source: '6 * 7' }, { inputs: {} }).then(console.log);`;
  const loader = path.join(project, 'test/support/typescript.cjs');
  const { stdout } = await promisify(execFile)(process.execPath, ['-r', loader, '-e', code], { cwd: project });
  expect(stdout).toBe('42\n');
});
