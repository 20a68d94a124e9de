/** A pool of worker processes that grows and shrinks with the work, from outside. */
import { GATED_JOBS, makeGate, type Gate } from './support/gate';
import { manage, processesOf, type Managed } from './support/processes';
import { keyOf, startStepcast, type Stepcast } from './support/stepcast';
import { eventually } from './support/wait';

let stepcast: Stepcast;
let running: Managed | undefined;
const gates: Gate[] = [];

/** One or two steps for each worker, so that a few steps are a load. */
const startPool = async (env: Readonly<Record<string, string>>): Promise<Managed> =>
  (running = await stepcast.startWorker({
    STEPCAST_WORKERS_MIN: '1',
    STEPCAST_WORKERS_MAX: '3',
    STEPCAST_WORKERS_COOLDOWN_SECONDS: '1',
    ...env,
  }));

beforeAll(async () => {
  stepcast = await startStepcast({ workers: 0 });
  await stepcast.define(GATED_JOBS);
}, 120_000);
afterEach(async () => {
  await Promise.all(gates.map((gate) => gate.open()));
  await running?.end('SIGTERM');
  await Promise.all(gates.splice(0).map((gate) => gate.remove()));
});
afterAll(() => stepcast.stop(), 30_000);

const gateFor = async (): Promise<Gate> => {
  const gate = await makeGate();
  gates.push(gate);
  return gate;
};
const workersIn = async (...states: readonly string[]): Promise<{ id: string; pid: number }[]> =>
  stepcast.sql('select id, pid from worker where state = any($1) order by id', [states]);
const until = (count: number, ...states: readonly string[]): Promise<{ id: string; pid: number }[]> =>
  eventually(
    `${count} workers are ${states.join(' or ')}`,
    async () => {
      const found = await workersIn(...states);
      return found.length === count ? found : null;
    },
    40_000,
  );
const attemptsOf = async (ids: readonly string[]): Promise<number[]> => {
  const rows = await stepcast.sql<{ attempt: number }>(
    'select attempt from step_run where submission_id = any($1::bigint[])',
    [ids.map(keyOf)],
  );
  return rows.map(({ attempt }) => attempt);
};

test('load brings more workers, up to the most; idleness lets them go, and no step is lost', async () => {
  await startPool({ STEPCAST_CONCURRENCY: '1' });
  await until(1, 'ALIVE');
  const gate = await gateFor();
  const ids = await Promise.all(Array.from({ length: 5 }, () => stepcast.submit('hold', { gate: gate.folder })));
  await gate.untilRuns(3, 40_000);
  expect(await workersIn('ALIVE')).toHaveLength(3);
  await gate.open();
  for (const id of ids) await stepcast.untilState(id, ['SUCCEEDED']);
  expect(await attemptsOf(ids)).toEqual(ids.map(() => 1));
  await until(1, 'ALIVE', 'DRAINING');
  expect(await workersIn('LOST')).toEqual([]);
}, 120_000);

test('a worker that shall go finishes what it runs, and is called back when there is more to do', async () => {
  await startPool({ STEPCAST_CONCURRENCY: '2', STEPCAST_WORKERS_MAX: '2' });
  await until(1, 'ALIVE');
  const [short, long] = [await gateFor(), await gateFor()];
  const brief = await stepcast.submit('hold', { gate: short.folder });
  await short.untilRuns(1);
  const first = await stepcast.submit('hold', { gate: long.folder });
  await long.untilRuns(1);
  const second = await stepcast.submit('hold', { gate: long.folder });
  await long.untilRuns(2, 40_000);
  await until(2, 'ALIVE');
  await short.open();
  const [leaving] = await until(1, 'DRAINING');
  expect(
    await stepcast.sql('select name from step_run where worker_id = $1 and state = $2', [leaving?.id, 'RUNNING']),
  ).toHaveLength(1);
  const [third, fourth] = [
    await stepcast.submit('hold', { gate: long.folder }),
    await stepcast.submit('hold', { gate: long.folder }),
  ];
  await long.untilRuns(4, 40_000);
  expect((await workersIn('ALIVE')).map(({ id }) => id)).toContain(leaving?.id);
  expect(await workersIn('ALIVE', 'DRAINING')).toHaveLength(2);
  await long.open();
  const ids = [brief, first, second, third, fourth];
  for (const id of ids) await stepcast.untilState(id, ['SUCCEEDED']);
  expect(await attemptsOf(ids)).toEqual(ids.map(() => 1));
  await until(1, 'ALIVE', 'DRAINING');
}, 120_000);

test('a worker of a pool that is killed is replaced, and what it ran is run again', async () => {
  await startPool({ STEPCAST_WORKERS_MIN: '2', STEPCAST_WORKERS_MAX: '2', STEPCAST_LEASE_SECONDS: '2' });
  const workers = await until(2, 'ALIVE');
  const gate = await gateFor();
  const id = await stepcast.submit('hold', { gate: gate.folder });
  await gate.untilRuns(1);
  const [row] = await stepcast.sql<{ pid: number }>(
    `select w.pid from step_run r join worker w on w.id = r.worker_id where r.state = 'RUNNING'`,
  );
  process.kill(row?.pid ?? 0, 'SIGKILL');
  await gate.open();
  await stepcast.untilState(id, ['SUCCEEDED']);
  const now = await until(2, 'ALIVE');
  expect(now.filter(({ pid }) => workers.some((one) => one.pid === pid))).toHaveLength(1);
}, 120_000);

test('the end of a pool, in order or not, is the end of its workers', async () => {
  const first = await startPool({ STEPCAST_WORKERS_MIN: '2', STEPCAST_WORKERS_MAX: '2' });
  await until(2, 'ALIVE');
  expect(await first.end('SIGTERM')).toBe(0);
  expect(await workersIn('ALIVE', 'DRAINING')).toEqual([]);
  const killed = `killed-pool-${process.pid}`;
  const second = await startPool({ STEPCAST_WORKERS_MIN: '2', STEPCAST_WORKERS_MAX: '2', STEPCAST_TEST_POOL: killed });
  await until(2, 'ALIVE');
  await second.end('SIGKILL');
  await eventually('its workers are gone', async () => (await processesOf(killed)).length === 0);
}, 120_000);

test('a signal to all processes of a pool at once lets what runs finish, as one to the pool alone does', async () => {
  const pool = await startPool({ STEPCAST_WORKERS_MIN: '2', STEPCAST_WORKERS_MAX: '2', STEPCAST_DRAIN_SECONDS: '60' });
  const workers = await until(2, 'ALIVE');
  const gate = await gateFor();
  const id = await stepcast.submit('hold', { gate: gate.folder });
  await gate.untilRuns(1);
  for (const { pid } of workers) process.kill(pid, 'SIGTERM');
  pool.signal('SIGTERM');
  await eventually('they take nothing new', async () => (await workersIn('ALIVE')).length === 0);
  await gate.open();
  await stepcast.untilState(id, ['SUCCEEDED']);
  expect(await pool.ended()).toBe(0);
  expect(await attemptsOf([id])).toEqual([1]);
  expect((await workersIn('STOPPED')).map(({ id: one }) => one)).toEqual(
    expect.arrayContaining(workers.map(({ id: one }) => one)),
  );
}, 120_000);

test('workers that still wait for Postgres end with their pool, too', async () => {
  const mark = `waiting-pool-${process.pid}`;
  const nowhere = new URL(stepcast.databaseUrl);
  nowhere.port = '1';
  const waiting = {
    ...{ DATABASE_URL: nowhere.href, REDIS_URL: stepcast.redisUrl, STEPCAST_TEST_POOL: mark },
    ...{ STEPCAST_WORKERS_MIN: '2', STEPCAST_WORKERS_MAX: '2' },
  };
  const killed = await manage('workers/main.js', () => waiting, /keeping 2 to 2 workers/);
  await eventually('all are there', async () => (await processesOf(mark)).length === 3);
  await killed.end('SIGKILL');
  await eventually('its workers are gone', async () => (await processesOf(mark)).length === 0);
  const stopped = await manage('workers/main.js', () => waiting, /keeping 2 to 2 workers/);
  expect(await stopped.end('SIGTERM')).toBe(0);
  expect(await processesOf(mark)).toEqual([]);
}, 120_000);

test('a most that is less than the least is refused in a sentence', async () => {
  const { databaseUrl: DATABASE_URL, redisUrl: REDIS_URL } = stepcast;
  const refused = await manage(
    'workers/main.js',
    () => ({ DATABASE_URL, REDIS_URL, STEPCAST_WORKERS_MIN: '3', STEPCAST_WORKERS_MAX: '2' }),
    /STEPCAST_WORKERS_MAX is 2: it must not be less than STEPCAST_WORKERS_MIN, which is 3/,
  );
  expect(await refused.ended()).toBe(1);
});
