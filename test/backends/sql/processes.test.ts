import { readMessage } from '../../../src/backends/sql/messages';
import { WORKER_VARIABLE } from '../../../src/backends/process/identity';
import { listProcesses } from '../../../src/backends/process/processList';
import { scalar } from '../../../src/domain/values';
import { createBench, isRunning, type Bench } from '../support';
import { startVictim } from '../conformance/victim';
import { query, result, sqlBackend } from '../query/support';

// Under load each takes a multiple of its usual seconds.
jest.setTimeout(120_000);

/** Runs for hours, and says that it runs by its progress. */
const ENDLESS = query(
  'select 1; select count(*) from range(1000000000) a, range(1000000000) b where hash(a.range) = b.range',
);

/** Processes for queries of the workers whose marks begin so. */
async function runners(worker: string): Promise<number[]> {
  const all = await listProcesses();
  return all
    .filter((entry) => entry.variable('STEPCAST_SQL_RUNNER') !== undefined)
    .filter((entry) => entry.variable(WORKER_VARIABLE)?.startsWith(worker))
    .map(({ pid }) => pid);
}

const ofThisTest = (): Promise<number[]> => runners(`test-${process.pid}-`);

async function becomes(count: number, of: () => Promise<number[]>): Promise<number[]> {
  for (;;) {
    const pids = (await of()).filter(isRunning);
    if (pids.length === count) return pids;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

describe('the process of a query', () => {
  let bench: Bench;
  beforeEach(() => (bench = createBench(sqlBackend({ pool: 0 }))));
  afterEach(() => bench.close());

  test('ends with its query', async () => {
    expect(await bench.run(query('select 1'))).toMatchObject({ state: 'SUCCEEDED' });
    await becomes(0, ofThisTest);
  });

  test('ends with a cancel', async () => {
    const attempt = bench.start(ENDLESS);
    await becomes(1, ofThisTest);
    attempt.cancel('cancelled');
    expect(await attempt.outcome).toMatchObject({ state: 'CANCELLED' });
    expect(await ofThisTest()).toEqual([]);
  });

  test('ends with its timeout', async () => {
    const outcome = await bench.run({ ...ENDLESS, timeoutSeconds: 1 });
    expect(outcome).toMatchObject({ state: 'FAILED', failure: 'TIMEOUT' });
    expect(await ofThisTest()).toEqual([]);
  });

  test('dies with its worker', async () => {
    const request = { stepRunId: 'run-endless', attempt: 1, task: ENDLESS, backend: sqlBackend(), values: {} };
    const victim = startVictim(bench.home, request);
    try {
      // The one that runs, and the one that waits.
      await becomes(2, () => runners('victim/'));
      await victim.kill();
      await becomes(0, () => runners('victim/'));
    } finally {
      victim.remove();
    }
  });

  test('reports how far it is', async () => {
    const attempt = bench.start(ENDLESS);
    await attempt.until('::progress');
    attempt.cancel('cancelled');
    await attempt.outcome;
    expect(attempt.reports[0]).toEqual([50, 'statement 2 of 2']);
  });

  test('tells what it used', async () => {
    const outcome = await bench.run(query('select count(*) from range(100000)'));
    expect(outcome.cpuMs).toBeGreaterThan(0);
    expect(outcome.peakMemoryBytes).toBeGreaterThan(10 * 1024 ** 2);
  });
});

test('what a process was ended in the middle of is no message', () => {
  expect(readMessage('{"kind":"ended","returned":{"a":[1,')).toBeUndefined();
  expect(readMessage('{"kind":"missing","message":"x"}')).toEqual({ kind: 'missing', message: 'x' });
});

describe('processes that wait for a query', () => {
  test('are as many as the pool, and end with the Backend', async () => {
    const bench = createBench(sqlBackend({ pool: 2 }));
    expect(await bench.run(query('select 1'))).toMatchObject({ state: 'SUCCEEDED' });
    await becomes(2, ofThisTest);
    await bench.close();
    expect(await ofThisTest()).toEqual([]);
  });

  test('serve one query each: nothing of it is left to the next', async () => {
    const bench = createBench(sqlBackend());
    const [before] = [await bench.run(query('create table left_behind as select 1; set variable v = 1'))];
    expect(before.state).toBe('SUCCEEDED');
    const outputs = [result('v', { kind: 'union', types: [scalar('null'), scalar('int')] })];
    const next = await bench.run(query("select getvariable('v') as v", { outputs }));
    expect(next.outputs.v).toBeNull();
    expect((await bench.run(query('from left_behind'))).output).toContain('left_behind does not exist');
    await bench.close();
  });

  test('are replaced when they were killed', async () => {
    const bench = createBench(sqlBackend());
    await bench.run(query('select 1'));
    for (const pid of await becomes(1, ofThisTest)) process.kill(pid, 'SIGKILL');
    await becomes(0, ofThisTest);
    expect(await bench.run(query('select 1'))).toMatchObject({ state: 'SUCCEEDED' });
    await bench.close();
  });
});
