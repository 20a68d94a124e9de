/** Plans that were made when there was next to nothing serve a hundred thousand rows as well. */
import { scalar } from '../../src/domain/values';
import { claim as claimFrom, type Work } from '../../src/engine/claim';
import { completeAttempts } from '../../src/engine/complete';
import type { Database } from '../../src/store/database';
import { ended, job, rowsRead, task, type TestEngine } from './support';
import { withEngine } from './withEngine';

const TABLES = ['submission', 'step_run', 'attempt', 'event'];
/** More often than a plan is made for one set of values: after that Postgres keeps the plan for all values. */
const TO_SETTLE = 8;
const BATCH = 5;
const EACH = job('each', { one: { links: { x: { kind: 'input', input: 'texts' } }, scatter: ['x'] } }, undefined, {
  texts: { kind: 'array', items: scalar('string') },
});

let engine: TestEngine;
let worker: string;
withEngine(async (opened) => {
  engine = opened;
  worker = await engine.worker();
  await engine.define([task('work', { inputs: ['x'] })], [EACH, job('pair', { a: {}, b: { after: ['a'] } })]);
  for (const table of TABLES) await engine.rows(`alter table ${table} set (autovacuum_enabled = false)`);
});

/** What `work` reads in its transactions. */
async function readBy(work: (db: Database) => Promise<unknown>): Promise<number> {
  let read = 0;
  const transaction: Database['transaction'] = (inside) =>
    engine.db.transaction(async (sql) => {
      const before = await rowsRead(sql, TABLES);
      const result = await inside(sql);
      read += (await rowsRead(sql, TABLES)) - before;
      return result;
    });
  await work({
    ...engine.db,
    transaction,
    query: (statement, values) => transaction((sql) => sql.query(statement, values)),
  });
  return read;
}

const submitWide = async (width: number): Promise<void> => {
  await engine.submit('each', { inputs: { texts: Array.from({ length: width }, (_, index) => String(index)) } });
  await engine.plan();
};
const claim = (db: Database, limit: number): Promise<Work[]> =>
  claimFrom({ ...engine.dependencies, db }, worker, ['local'], limit);
const complete = (works: readonly Work[]): Promise<number> =>
  readBy((db) =>
    completeAttempts(
      { ...engine.dependencies, db },
      works.map((work) => ended(work, worker)),
    ),
  );

test.each([
  ['nothing', []],
  ['a few rows', TABLES],
])(
  'a step reads a few rows though the statistics know of %s',
  async (_, analyzed) => {
    await submitWide(TO_SETTLE * BATCH);
    for (const table of analyzed) await engine.rows(`analyze ${table}`);
    let works: Work[] = [];
    for (let round = 0; round < TO_SETTLE; round += 1) {
      await engine.submit('pair');
      await complete(await claim(engine.db, BATCH));
    }
    while ((works = await claim(engine.db, 100)).length > 0) await complete(works);
    await submitWide(20_000);
    for (let round = 0; round < 3; round += 1) {
      expect(await readBy(async (db) => (works = await claim(db, BATCH)))).toBeLessThan(20 * BATCH);
      expect(works).toHaveLength(BATCH);
      expect(await complete(works)).toBeLessThan(10 * BATCH);
    }
    await engine.submit('pair', { priority: 'HIGH' });
    works = await claim(engine.db, 1);
    expect(works).toMatchObject([{ name: 'a' }]);
    expect(await complete(works)).toBeLessThan(30);
  },
  60_000,
);
