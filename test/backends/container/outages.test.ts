import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createHost } from '../../../src/backends/host';
import { describeEngine } from '../../support/engines';
import { createBench, outputPort, task, type Bench } from '../support';
import { containersIn, ownEngine, type OwnEngine } from './engine';
import { containerBackend } from './support';

describeEngine('CONTAINER', 'a container and its engine', (facts) => {
  let folder: string;
  let engine: OwnEngine;
  let bench: Bench;
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'stepcast-engine-'));
    engine = ownEngine(facts, join(folder, 'engine.sock'));
    await engine.start();
    bench = createBench(containerBackend({ ...facts, socket: engine.socket }));
  });
  afterEach(async () => {
    await bench.close();
    await engine.stop();
    rmSync(folder, { recursive: true, force: true });
  });
  const spec = () => containerBackend({ ...facts, socket: engine.socket });

  /** A container whose worker has stopped. */
  const leave = async (stepRunId: string): Promise<void> => {
    const attempt = bench.start(task(['sh', '-c', 'echo up; sleep 1000']), {}, { stepRunId });
    await attempt.until('up');
    attempt.cancel('shutdown');
    await attempt.outcome;
  };

  test('goes on while the engine is away, and loses nothing of its output', async () => {
    const script = `
      wait_for() { until [ -e "$HOME/$1" ]; do sleep 0.05; done; }
      for i in $(seq 1 300); do
        echo "line $i"
        case $i in 20) wait_for away ;; 250) touch "$HOME/written"; wait_for back ;; esac
      done
      exit 3`;
    const counting = task(['bash', '-c', script], {
      outputs: [outputPort('all', { from: 'stdout', glob: '', path: 'all' })],
    });
    const attempt = bench.start(counting);
    const home = join(bench.workDir, 'kept', `${attempt.stepRunId}.1`, 'tmp');
    await attempt.until('line 20\n');
    await engine.stop();
    writeFileSync(join(home, 'away'), '');
    while (!existsSync(join(home, 'written'))) await delay(20);
    while (!attempt.notes.some((note) => note.includes('does not answer'))) await delay(20);
    await engine.start();
    writeFileSync(join(home, 'back'), '');
    const outcome = await attempt.outcome;
    expect(outcome).toMatchObject({ state: 'FAILED', exitCode: 3 });
    const expected = Array.from({ length: 300 }, (_, index) => `line ${index + 1}\n`).join('');
    expect(await bench.content(outcome.outputs.all)).toBe(expected);
    expect(attempt.streams.stdout).toBe(expected);
    expect(attempt.notes.join('\n')).toMatch(/does not answer.*answers again/s);
  });

  test('is ended by a cancel that came while the engine was away', async () => {
    const attempt = bench.start(task(['sh', '-c', 'echo up; sleep 1000']));
    await attempt.until('up');
    await engine.stop();
    attempt.cancel('cancelled');
    await delay(300);
    await engine.start();
    expect(await attempt.outcome).toMatchObject({ state: 'CANCELLED' });
    expect(await containersIn(engine.socket, bench.workDir)).toEqual([]);
  });

  test('outlives a worker that stops, and is taken over with its whole output', async () => {
    const request = { stepRunId: 'handed-over', attempt: 1 };
    const long = task(['sh', '-c', 'echo first; sleep 2; echo last; exit 5']);
    const first = bench.start(long, {}, request);
    await first.until('first');
    first.cancel('shutdown');
    await first.outcome;
    const second = bench.start(long, {}, { ...request, attempt: 2 });
    expect(await second.outcome).toMatchObject({ state: 'FAILED', exitCode: 5 });
    expect(second.streams.stdout).toBe('first\nlast\n');
    expect(second.notes.join('\n')).toContain('which an earlier worker started');
    expect(await containersIn(engine.socket, bench.workDir)).toEqual([]);
  });

  test('that uses too much memory after it was taken over is out of memory', async () => {
    const script =
      'echo up; until [ -e "$HOME/go" ]; do sleep 0.05; done; x=$(head -c 300000000 /dev/zero | tr "\\0" x)';
    const greedy = task(['bash', '-c', script], { resources: { memoryBytes: 64 * 1024 * 1024 } });
    const first = bench.start(greedy, {}, { stepRunId: 'greedy' });
    await first.until('up');
    first.cancel('shutdown');
    await first.outcome;
    const second = bench.start(greedy, {}, { stepRunId: 'greedy', attempt: 2 });
    await second.until('up');
    writeFileSync(join(bench.workDir, 'kept', 'greedy.1', 'tmp', 'go'), '');
    expect(await second.outcome).toMatchObject({ state: 'FAILED', failure: 'OUT_OF_MEMORY' });
  });

  test('is collected again when its worker stops amid that', async () => {
    const long = task(['sh', '-c', 'echo told; echo 1 > one; echo 2 > two'], {
      outputs: [outputPort('one'), outputPort('two')],
    });
    let stop = (): void => {};
    const first = createHost({
      ...{ workDir: bench.workDir, workerId: 'first' },
      artifacts: {
        ...bench.artifacts,
        adopt: (path, how) => {
          stop();
          return bench.artifacts.adopt(path, how);
        },
      },
    });
    const request = { stepRunId: 'half-collected', task: long, backend: spec(), values: {} };
    const attempt = first.start({ ...request, attempt: 1 }, { log: () => {}, progress: () => {} });
    stop = () => attempt.cancel('shutdown');
    expect(await attempt.outcome).toMatchObject({ state: 'CANCELLED', outputs: {} });
    await first.close();
    const second = bench.start(long, {}, { stepRunId: 'half-collected', attempt: 2 });
    const { state, outputs } = await second.outcome;
    expect(state).toBe('SUCCEEDED');
    expect(await Promise.all([outputs.one, outputs.two].map((one) => bench.content(one)))).toEqual(['1\n', '2\n']);
    expect(second.streams.stdout).toBe('told\n');
    expect(await containersIn(engine.socket, bench.workDir)).toEqual([]);
  });

  test('goes when nobody wants its step any more', async () => {
    await leave('unwanted');
    expect(await containersIn(engine.socket, bench.workDir)).toHaveLength(1);
    expect(await bench.host.reap(() => Promise.resolve(new Set()))).toBe(1);
    expect(await containersIn(engine.socket, bench.workDir)).toEqual([]);
  });

  test('is swept away when its directory is gone', async () => {
    await leave('orphan');
    rmSync(join(bench.workDir, 'kept'), { recursive: true, force: true });
    const next = createHost({ workDir: bench.workDir, workerId: 'next', artifacts: bench.artifacts });
    try {
      expect(await next.health(spec())).toMatchObject({ state: 'READY' });
      expect(await containersIn(engine.socket, bench.workDir)).toEqual([]);
    } finally {
      await next.close();
    }
  });

  test('tells by its health that the engine is away, and that it is back', async () => {
    await engine.stop();
    expect(await bench.host.health(spec())).toMatchObject({
      state: 'UNAVAILABLE',
      message: expect.stringContaining('nothing listens there; start the engine') as string,
    });
    await expect(bench.run(task(['true']))).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await engine.start();
    expect(await bench.run(task(['true']))).toMatchObject({ state: 'SUCCEEDED' });
  });
});
