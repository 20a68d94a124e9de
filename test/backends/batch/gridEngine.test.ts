import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createBench, task, type Bench } from '../support';
import { describeEngine } from '../../support/engines';
import { gridEngineSpec } from './specs';

const run = promisify(execFile);

describeEngine('GRID_ENGINE', 'commands as jobs of Grid Engine', (engine) => {
  let bench: Bench;
  afterEach(() => bench.close(), 60_000);
  const it = (name: string, body: () => Promise<void>): void => test(name, body, 120_000);

  it('jobs belong to the configured user', async () => {
    bench = createBench(gridEngineSpec(engine));
    expect((await bench.run(task(['id', '-un']))).output).toBe(`${engine.user}\n`);
  });

  it("the scheduler's time limit", async () => {
    bench = createBench(gridEngineSpec(engine, { 'time-limit': '3s' }));
    const outcome = await bench.run(task(['sleep', '60']));
    expect(outcome).toMatchObject({ state: 'FAILED', failure: 'TIMEOUT', retryable: true });
    expect(outcome.message).toContain('3 seconds');
  });

  it('deleted by somebody outside, one element of an array', async () => {
    bench = createBench(gridEngineSpec(engine, { 'flush-ms': 1_000 }));
    const gate = join(bench.home, 'gate');
    const until = 'echo ready; while [ ! -e "$1" ]; do sleep .1; done';
    const start = () => bench.start(task(['sh', '-c', until, 'sh', gate]));
    const [first, second] = [start(), start()];
    await Promise.all([first.until('ready'), second.until('ready')]);
    const job = /Grid Engine job (\d+\.\d+)\./.exec(first.notes.join('\n'))?.[1] ?? 'none';
    await run('qdel', [job], { env: { PATH: process.env.PATH, ...engine.environment } });
    expect(await first.outcome).toMatchObject({ state: 'FAILED', failure: 'SIGNAL' });
    writeFileSync(gate, '');
    expect((await second.outcome).state).toBe('SUCCEEDED');
  });

  it('a signal of its own', async () => {
    bench = createBench(gridEngineSpec(engine));
    const outcome = await bench.run(task(['sh', '-c', 'kill -SEGV $$']));
    expect(outcome).toMatchObject({ state: 'FAILED', failure: 'SIGNAL', signal: 'SIGSEGV' });
  });

  it('too much asked is refused at once', async () => {
    bench = createBench(gridEngineSpec(engine));
    const outcome = await bench.run(task(['true'], { resources: { memoryBytes: 9_000 * 1024 ** 3 } }));
    expect(outcome).toMatchObject({ state: 'FAILED', failure: 'NOT_STARTED', retryable: false });
  });
});
