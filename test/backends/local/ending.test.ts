import { mkdirSync, existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createHost } from '../../../src/backends/host';
import { createBench, isRunning, outputPort, pidsIn, task, untilTidy, type Bench, type Watched } from '../support';

let bench: Bench;
beforeEach(() => (bench = createBench()));
afterEach(() => bench.close());

/** A tree that is hard to end: it ignores SIGTERM, a grandchild has its own session, and an orphan its own as well. */
const STUBBORN = `
  trap '' TERM
  sleep 1000 & echo "child=$!"
  setsid sh -c 'trap "" TERM; echo "session=$$"; sleep 1000 & echo "grandchild=$!"; wait' &
  (setsid sh -c 'echo "orphan=$$"; exec sleep 1000' &)
  echo "main=$$"
  wait
`;

async function startStubborn(more: Parameters<typeof task>[1] = {}): Promise<{ attempt: Watched; pids: number[] }> {
  const attempt = bench.start(task(['sh', '-c', STUBBORN], more));
  for (const name of ['main', 'child', 'session', 'grandchild', 'orphan']) await attempt.until(`${name}=`);
  await attempt.until('\n');
  const pids = pidsIn(attempt.output());
  expect(pids).toHaveLength(5);
  expect(pids.filter(isRunning)).toEqual(pids);
  return { attempt, pids };
}

describe('a cancel', () => {
  test('ends the whole tree, whatever it did to get away', async () => {
    const { attempt, pids } = await startStubborn();
    attempt.cancel('cancelled');
    attempt.cancel('shutdown');
    expect(await attempt.outcome).toMatchObject({ state: 'CANCELLED', message: 'Cancelled.', outputs: {} });
    expect(pids.filter(isRunning)).toEqual([]);
  });

  test('lets a command tidy up first', async () => {
    await untilTidy(async () => {
      const attempt = bench.start(task(['sh', '-c', 'trap "echo tidy; exit 0" TERM; sleep 1000 & echo ready; wait']));
      await attempt.until('ready');
      attempt.cancel('cancelled');
      expect((await attempt.outcome).state).toBe('CANCELLED');
      return attempt.output();
    });
  });

  test('before the command has started keeps it from starting', async () => {
    const attempt = bench.start(task(['sh', '-c', 'echo started'], { outputs: [outputPort('x', { from: 'stdout' })] }));
    attempt.cancel('cancelled');
    expect((await attempt.outcome).state).toBe('CANCELLED');
    expect(attempt.output()).toBe('');
  });

  test('after the end changes nothing', async () => {
    const attempt = bench.start(task(['true']));
    expect((await attempt.outcome).state).toBe('SUCCEEDED');
    attempt.cancel('cancelled');
    expect((await attempt.outcome).state).toBe('SUCCEEDED');
  });
});

describe('a timeout', () => {
  test('ends the tree, says so, and keeps what was produced', async () => {
    const spec = task(['sh', '-c', 'echo half > part.txt; sleep 1000 & echo "child=$!"; wait'], {
      timeoutSeconds: 1,
      outputs: [outputPort('part.txt'), outputPort('rest.txt')],
    });
    const outcome = await bench.run(spec);
    expect(outcome).toMatchObject({ state: 'FAILED', retryable: true });
    expect(outcome.message).toContain('timeout of 1 second');
    expect(await bench.content(outcome.outputs['part.txt'])).toBe('half\n');
    expect(pidsIn(outcome.output).filter(isRunning)).toEqual([]);
  });
});

describe('what a command leaves behind', () => {
  test('is ended with it, and holds nothing up', async () => {
    const outcome = await bench.run(task(['sh', '-c', 'sleep 1000 & echo "left=$!"']));
    expect(outcome.state).toBe('SUCCEEDED');
    expect(pidsIn(outcome.output).filter(isRunning)).toEqual([]);
  });

  test('is ended also when it holds the pipe from a session of its own', async () => {
    const outcome = await bench.run(
      task(['sh', '-c', 'mkfifo f; setsid sh -c \'echo "left=$$"; echo > f; exec sleep 1000\' & read x < f']),
    );
    expect(outcome.state).toBe('SUCCEEDED');
    expect(pidsIn(outcome.output)).toHaveLength(1);
    expect(pidsIn(outcome.output).filter(isRunning)).toEqual([]);
  });

  test('may finish its last words within a moment', async () => {
    const outcome = await bench.run(task(['sh', '-c', 'mkfifo f; (read x < f; echo last) & echo first; echo > f']));
    expect(outcome).toMatchObject({ state: 'SUCCEEDED', output: 'first\nlast\n' });
  });

  test('as a silent daemon is ended at the latest when the worker closes', async () => {
    const outcome = await bench.run(
      task([
        'sh',
        '-c',
        'mkfifo f; setsid sh -c \'echo "left=$$"; echo > f; exec sleep 1000 >/dev/null 2>&1\' & read x < f',
      ]),
    );
    expect(pidsIn(outcome.output)).toHaveLength(1);
    await bench.host.close();
    expect(pidsIn(outcome.output).filter(isRunning)).toEqual([]);
  });

  test('in its directory goes with it, even without permissions', async () => {
    const outcome = await bench.run(task(['sh', '-c', 'mkdir -p a/b && touch a/b/c && chmod 000 a/b a']));
    expect(outcome.state).toBe('SUCCEEDED');
    const [folder = ''] = readdirSync(bench.workDir);
    expect(readdirSync(join(bench.workDir, folder))).toEqual([]);
  });
});

describe('closing', () => {
  test('ends what runs as shut down, removes its folder, and starts nothing more', async () => {
    const { attempt, pids } = await startStubborn();
    await bench.host.close();
    expect(await attempt.outcome).toMatchObject({ state: 'CANCELLED' });
    expect((await attempt.outcome).message).toContain('shut down');
    expect(pids.filter(isRunning)).toEqual([]);
    expect(readdirSync(bench.workDir)).toEqual([]);
    expect(() => bench.start(task(['true']))).toThrow(/shutting down/);
  });

  test('leaves alone what another backend of this process runs, as after a change of its number', async () => {
    const old = createHost({ workDir: bench.workDir, workerId: 'old', artifacts: {} as never });
    const script = 'echo here > kept; echo ready; while [ ! -e go ]; do sleep 0.05; done';
    const attempt = bench.start(task(['sh', '-c', script], { outputs: [outputPort('kept')] }));
    await attempt.until('ready');
    await old.close();
    const [folder = ''] = readdirSync(bench.workDir);
    writeFileSync(join(bench.workDir, folder, `${attempt.stepRunId}.1`, 'out', 'go'), '');
    expect(await attempt.outcome).toMatchObject({ state: 'SUCCEEDED' });
  });
});

describe('a sweep', () => {
  test('leaves living workers alone', async () => {
    const attempt = bench.start(task(['sh', '-c', 'echo "main=$$"; exec sleep 1000']));
    await attempt.until('main=');
    const other = createHost({ workDir: bench.workDir, workerId: 'other', artifacts: {} as never });
    await other.sweep();
    expect(pidsIn(attempt.output()).filter(isRunning)).toHaveLength(1);
    expect(readdirSync(bench.workDir)).toHaveLength(1);
    attempt.cancel('cancelled');
    await attempt.outcome;
    await other.close();
  });

  test('removes the folders of workers that are gone, and no others', async () => {
    await bench.run(task(['true']));
    const [own = ''] = readdirSync(bench.workDir);
    const gone = own.replace(/~\d+~\d+$/, '~1~7');
    expect(gone).not.toBe(own);
    mkdirSync(join(bench.workDir, gone, 'run-1.1', 'out'), { recursive: true });
    mkdirSync(join(bench.workDir, 'somebody-elses'));
    await bench.host.sweep();
    expect(readdirSync(bench.workDir).sort()).toEqual([own, 'somebody-elses'].sort());
    expect(existsSync(join(bench.workDir, gone))).toBe(false);
  });
});
