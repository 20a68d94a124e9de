import { LOCAL, createBench, isRunning, pidsIn, task, type Bench } from '../support';

let bench: Bench;
beforeEach(() => (bench = createBench()));
afterEach(() => bench.close());

const MB = 1024 ** 2;
/** Takes so many megabytes, says so, and stays. Node itself takes some 50 more. */
const hog = (megabytes: number): string =>
  `${process.execPath} -e 'const b = Buffer.alloc(${megabytes} * 2 ** 20, 1); console.log("hog=" + process.pid); setInterval(() => b, 1000)'`;
const onLinux = process.platform === 'linux' ? test : test.skip;

describe('a limit of memory', () => {
  onLinux('ends the tree that passes it, at once, and says by how much', async () => {
    const outcome = await bench.run(task(['sh', '-c', hog(300)], { resources: { memoryBytes: 200 * MB } }));
    expect(outcome).toMatchObject({ state: 'FAILED', failure: 'OUT_OF_MEMORY', retryable: false });
    expect(outcome.message).toMatch(/used \d+ MB of memory.*may use 200 MB/);
    expect(outcome.peakMemoryBytes).toBeGreaterThan(200 * MB);
  });

  onLinux('counts all that the command has started', async () => {
    const outcome = await bench.run(
      task(['sh', '-c', `${hog(100)} & ${hog(100)} & ${hog(100)} & wait`], { resources: { memoryBytes: 280 * MB } }),
    );
    expect(outcome.failure).toBe('OUT_OF_MEMORY');
    expect(pidsIn(outcome.output).filter(isRunning)).toEqual([]);
  });

  onLinux('counts what has fled into a session of its own', async () => {
    const outcome = await bench.run(
      task(['sh', '-c', `(setsid sh -c "exec ${hog(300).replaceAll('"', '\\"')}" &); exec sleep 1000`], {
        resources: { memoryBytes: 200 * MB },
      }),
    );
    expect(outcome.failure).toBe('OUT_OF_MEMORY');
    expect(pidsIn(outcome.output).filter(isRunning)).toEqual([]);
  });

  onLinux('counts memory once that forked processes share', async () => {
    const script = '$x = "a" x (100 * 2 ** 20); for (1 .. 5) { unless (fork) { sleep 1; exit } } wait for 1 .. 5';
    const outcome = await bench.run(task(['perl', '-e', script], { resources: { memoryBytes: 350 * MB } }));
    expect(outcome).toMatchObject({ state: 'SUCCEEDED', failure: null });
  });

  test('is no hindrance to what keeps it, and the command is told', async () => {
    const outcome = await bench.run(
      task(
        [
          'sh',
          '-c',
          'echo "$STEPCAST_MEMORY_BYTES $STEPCAST_CPUS $STEPCAST_DISK_BYTES $0 $1"',
          { kind: 'resource', name: 'MEMORY_MB' },
          { kind: 'resource', name: 'CPUS' },
        ],
        { resources: { memoryBytes: 100 * MB, cpus: 2, diskBytes: 5 } },
      ),
    );
    expect(outcome).toMatchObject({ state: 'SUCCEEDED', output: `${100 * MB} 2 5 100 2\n` });
  });
});

describe('a heartbeat', () => {
  test('that is missed ends the tree, and another try may help', async () => {
    const outcome = await bench.run(
      task(['sh', '-c', 'echo ::progress 1; sleep 1000 & echo "child=$!"; wait'], { heartbeatSeconds: 3 }),
    );
    expect(outcome).toMatchObject({ state: 'FAILED', failure: 'HEARTBEAT', retryable: true, reports: [[1, '']] });
    expect(outcome.message).toContain('reported nothing for 3 seconds');
    expect(pidsIn(outcome.output).filter(isRunning)).toEqual([]);
  });

  test('that is kept lets a command run for longer', async () => {
    const outcome = await bench.run(
      task(['sh', '-c', 'for i in $(seq 20); do sleep 0.25; echo ::heartbeat; echo "::progress $i" >&2; done'], {
        heartbeatSeconds: 4,
      }),
    );
    expect(outcome).toMatchObject({ state: 'SUCCEEDED' });
  });

  test('is not missed while nobody reads what the command says', async () => {
    let release = (): void => {};
    const held = new Promise<void>((resolve) => (release = resolve));
    const spec = task(['sh', '-c', 'head -c 400000 /dev/zero; echo; echo ::heartbeat'], { heartbeatSeconds: 3 });
    const attempt = bench.host.start(
      { stepRunId: 'held', attempt: 1, task: spec, values: {}, backend: LOCAL },
      { log: () => held, progress: () => {} },
    );
    setTimeout(release, 5_000);
    expect(await attempt.outcome).toMatchObject({ state: 'SUCCEEDED', message: '' });
  });
});
