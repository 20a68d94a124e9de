import { Client } from 'pg';
import { createClient } from 'redis';
import { createTestDatabase, testRedisUrl } from './services';

test('a test database is fresh, is usable and is gone after drop', async () => {
  const database = await createTestDatabase();
  const client = new Client({ connectionString: database.url });
  await client.connect();
  await client.query('CREATE TABLE t (n int)');
  const { rows } = await client.query<{ durable: string; setting: string }>(
    "SELECT current_setting('fsync') AS durable, current_setting('jit') AS setting",
  );
  expect(rows).toEqual([{ durable: 'on', setting: 'off' }]);
  await client.end();
  await database.drop();
  const late = new Client({ connectionString: database.url });
  await expect(late.connect()).rejects.toThrow(/does not exist/);
});

test('the Redis of the test run answers on a database of its own', async () => {
  const url = testRedisUrl();
  expect(Number(new URL(url).pathname.slice(1))).toBeGreaterThan(0);
  const client = createClient({ url });
  await client.connect();
  expect(await client.ping()).toBe('PONG');
  expect(await client.configGet('appendonly')).toEqual({ appendonly: 'yes' });
  expect(await client.configGet('maxmemory-policy')).toEqual({ 'maxmemory-policy': 'noeviction' });
  client.destroy();
});
