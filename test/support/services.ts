import { randomBytes, randomInt } from 'node:crypto';
import { Client } from 'pg';
import { REDIS_DATABASES } from '../../src/embedded';

export interface TestDatabase {
  readonly url: string;
  /** Ends all its connections and removes it. */
  drop(): Promise<void>;
}

/** A fresh database on the run's Postgres; a copy of the database named by TEMPLATE when that is set. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const name = `test_${randomBytes(8).toString('hex')}`;
  const template = process.env['TEMPLATE'];
  await administer(`CREATE DATABASE ${name}${template ? ` TEMPLATE "${template}"` : ''}`);
  const url = new URL(serverUrl());
  url.pathname = `/${name}`;
  return { url: url.href, drop: () => administer(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`) };
}

/** Processes of jest that run files at the same time, at most. */
const MAX_PARALLEL = 16;
const SHARE = Math.floor((REDIS_DATABASES - 1) / MAX_PARALLEL);
/**
 * A test file is a module registry of its own, so this is one number for each file. Two files at the same time never have the
 * same: they would hear each other's messages, which name rows by numbers that all databases have. 0 is left to nobody.
 */
const database = 1 + ((Number(process.env['JEST_WORKER_ID'] ?? 1) - 1) % MAX_PARALLEL) * SHARE + randomInt(SHARE);

/** The run's Redis, with a database number of this test file's own. */
export function testRedisUrl(): string {
  const url = new URL(required('STEPCAST_TEST_REDIS_URL'));
  url.pathname = `/${database}`;
  return url.href;
}

function serverUrl(): string {
  return required('STEPCAST_TEST_DATABASE_URL');
}

function required(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: run the tests with jest and its globalSetup`);
  return value;
}

async function administer(sql: string): Promise<void> {
  const client = new Client({ connectionString: serverUrl() });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}
