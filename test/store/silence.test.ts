/** A connection that nobody answers on any more is given up, at both of its ends. */
import { Pool } from 'pg';
import { openDatabase, type Database } from '../../src/store/database';
import { DefinitionRow } from '../../src/store/entities';
import { startProxy, type Proxy } from '../support/proxy';
import { createTestDatabase, type TestDatabase } from '../support/services';

const ONE = { name: 'one', text: 'select 1 as one' };
const LOCK = { name: 'lock', text: 'select id from thing for update' };

let database: TestDatabase;
let proxy: Proxy;
let db: Database;
let direct: Pool;

beforeAll(async () => {
  database = await createTestDatabase();
  proxy = await startProxy(database.url);
  db = await openDatabase(proxy.url, { silenceSeconds: 1 });
  direct = new Pool({ connectionString: database.url, max: 1 });
  await db.migrate();
  await direct.query('create table thing (id int); insert into thing values (1)');
});
afterAll(async () => {
  await db.close();
  await direct.end();
  await proxy.close();
  await database.drop();
});

test('a statement on a silent connection fails, and the next one has a connection that works', async () => {
  await db.query(ONE);
  const asked = db.query({ name: 'sleep', text: 'select pg_sleep(0.2)' });
  expect(proxy.silence()).toBeGreaterThan(0);
  await expect(asked).rejects.toThrow('Postgres was silent for 1 s.');
  expect(await db.query(ONE)).toEqual([{ one: 1 }]);
});

test('so does a list of the API', async () => {
  await db.em().count(DefinitionRow);
  expect(proxy.silence()).toBeGreaterThan(0);
  await expect(db.em().count(DefinitionRow)).rejects.toThrow('Postgres was silent for 1 s.');
  expect(await db.em().count(DefinitionRow)).toBe(0);
});

test('a transaction whose client fell silent lets go of its locks', async () => {
  const locked = db.transaction(async (sql) => {
    await sql.query(LOCK);
    proxy.silence();
    await sql.query(ONE);
  });
  await expect(locked).rejects.toThrow('Postgres was silent for 1 s.');
  expect(await db.transaction((sql) => sql.query(LOCK))).toEqual([{ id: 1 }]);
});

test('what waits with its client is not silent: connections that are used stay', async () => {
  const before = proxy.open();
  for (let n = 0; n < 30; n += 1) {
    await db.query(ONE);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  expect(proxy.open()).toBeLessThanOrEqual(Math.max(before, 1));
  expect(proxy.open()).toBeGreaterThan(0);
});

test('while it migrates, a connection may be silent for longer', async () => {
  const fresh = await createTestDatabase();
  const other = new Pool({ connectionString: fresh.url, max: 1 });
  await other.query('select pg_advisory_lock(7305112)');
  const late = await openDatabase(fresh.url, { silenceSeconds: 1 });
  let done = false;
  const migrating = late.migrate().then(() => {
    done = true;
  });
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  expect(done).toBe(false);
  await other.end();
  await migrating;
  expect(await late.isMigrated()).toBe(true);
  await late.close();
  await fresh.drop();
});

test('one that finds all migrations applied is no more patient than otherwise', async () => {
  await db.query(ONE);
  await db.em().count(DefinitionRow);
  const migrating = db.migrate();
  expect(proxy.silence()).toBeGreaterThan(0);
  await expect(migrating).rejects.toThrow('Postgres was silent for 1 s.');
  await db.migrate();
});
