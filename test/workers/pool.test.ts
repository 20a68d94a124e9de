/** A pool on a bad night: its workers crash, hang, or do not listen, and Postgres is away. */
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { QueryResultRow } from 'pg';
import { watchCatalog } from '../../src/engine/catalog';
import type { Sql, Statement } from '../../src/store/database';
import { registerWorker, setWorkerState } from '../../src/store/statements/workers';
import { startPool, type Pool, type PoolOptions } from '../../workers/pool';
import { eventually } from '../e2e/support/wait';
import { openEngine, type TestEngine } from '../engine/support';

let engine: TestEngine;
let folder: string;
let pool: Pool | undefined;

beforeAll(async () => {
  engine = await openEngine();
});
beforeEach(async () => {
  await engine.clear();
  folder = await mkdtemp(join(tmpdir(), 'stepcast-pool-'));
});
afterEach(async () => {
  await pool?.stop();
  pool = undefined;
  await rm(folder, { recursive: true, force: true });
});
afterAll(() => engine.close());

/** Stands for a worker: it leaves a file named by its process id, and does what the test says. */
const WAITS = `process.on('message', () => process.exit(0)); process.on('disconnect', () => process.exit(0));`;
const IGNORES = `process.on('SIGTERM', () => {}); process.on('message', () => {}); setInterval(() => {}, 1000);`;
const CRASHES = 'process.exit(7);';

const started = async (): Promise<number[]> =>
  (await readdir(folder)).filter((name) => /^\d+$/.test(name)).map((name) => Number(name));
const isRunning = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};
const running = async (): Promise<number[]> => (await started()).filter(isRunning);

interface Told {
  readonly messages: string[];
  gaveUp: number;
}
async function start(body: string, options: Partial<PoolOptions> = {}): Promise<Told> {
  const entry = join(folder, 'member.cjs');
  await writeFile(
    entry,
    `require('node:fs').writeFileSync(${JSON.stringify(folder)} + '/' + process.pid, '');\n${body}`,
  );
  const told: Told = { messages: [], gaveUp: 0 };
  pool = startPool({
    entry,
    environment: {},
    open: () => Promise.reject(new Error('Postgres is away')),
    ...{ bounds: { min: 2, max: 3 }, slots: { here: 1, elsewhere: 1 }, coolDownSeconds: 1, stopSeconds: 10 },
    log: (_level, message) => told.messages.push(message),
    onGaveUp: () => (told.gaveUp += 1),
    ...options,
  });
  return told;
}

test('while Postgres is away the least number of workers is there, and one that ends is replaced', async () => {
  const { messages } = await start(WAITS);
  const [first = 0, second] = await eventually('two run', async () => {
    const pids = await running();
    return pids.length === 2 && pids;
  });
  process.kill(first, 'SIGKILL');
  await eventually('another one took its place', async () => {
    const pids = await running();
    return pids.length === 2 && pids.includes(second ?? 0) && !pids.includes(first);
  });
  expect(messages.join('\n')).toMatch(/Postgres is away/);
  await pool?.stop();
  expect(await running()).toEqual([]);
}, 120_000);

test('the end of a pool does not wait for Postgres', async () => {
  await start(WAITS, { open: () => new Promise(() => undefined) });
  await eventually('two run', async () => (await running()).length === 2);
  await pool?.stop();
  expect(await running()).toEqual([]);
}, 120_000);

test('a pool whose workers all crash as soon as they start gives up, after a bounded number of starts', async () => {
  const told = await start(CRASHES);
  await eventually('it gives up', () => told.gaveUp > 0, 60_000);
  expect(told.messages.at(-1)).toBe('workers crashed 6 times in a row (last with code 7): the pool gives up');
  await pool?.stop();
  expect(told.gaveUp).toBe(1);
  expect((await started()).length).toBeLessThanOrEqual(12);
}, 120_000);

test('a worker that does not do what it is told is killed in the end', async () => {
  await start(IGNORES, { stopSeconds: 1 });
  await eventually('two run', async () => (await running()).length === 2);
  await pool?.stop();
  expect(await running()).toEqual([]);
}, 120_000);

test('a worker that hangs is killed and replaced, and one that Postgres hears of is not', async () => {
  let seen = 0;
  const sql: Sql = {
    query: async <Row extends QueryResultRow>(statement: Statement, values?: readonly unknown[]) => {
      const rows = await engine.db.query<Row>(statement, values);
      if (statement.name === 'machine-workers') seen = Math.max(seen, rows.length);
      return rows;
    },
  };
  const open = async (): ReturnType<PoolOptions['open']> => ({
    db: { ...engine.db, ...sql, close: () => Promise.resolve() },
    catalog: await watchCatalog(engine.db, () => undefined),
  });
  const { messages } = await start(WAITS, { silentLooks: 2, open });
  const pids = await eventually('two run', async () => {
    const found = await running();
    return found.length === 2 && found;
  });
  const ids = await Promise.all(
    pids.map((pid) =>
      registerWorker(engine.db, { host: hostname(), pid, queues: [], concurrency: 1, waitingConcurrency: 1 }),
    ),
  );
  await eventually('both were seen', () => seen === 2);
  await setWorkerState(engine.db, ids[0] ?? '', 'LOST');
  const [hung = 0, well = 0] = pids;
  await eventually('it is replaced', async () => {
    const now = await running();
    return now.length === 2 && now.includes(well) && !now.includes(hung);
  });
  expect(messages).toContain(`worker process ${hung} gives no sign of life: it is killed`);
}, 120_000);
