import { mkdtemp } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { ensurePostgres, ensureRedis, type EmbeddedService } from '../../src/embedded';
import { FOUND_VARIABLE } from './engines';
import { findEngines } from './findEngines';

export interface TestServices {
  readonly home: string;
  readonly services: readonly EmbeddedService[];
}

declare global {
  // Jest hands nothing from the set-up to the tear-down but the global object.
  var stepcastTestServices: TestServices | undefined;
}

/**
 * One Postgres and one Redis for the whole run; their output goes nowhere unless STEPCAST_TEST_LOG is set. Meanwhile the
 * engines of this machine are asked whether they are there.
 */
export default async function globalSetup(): Promise<void> {
  const home = await mkdtemp(path.join(os.tmpdir(), 'stepcast-test-'));
  const log = (line: string): void => {
    if (process.env['STEPCAST_TEST_LOG']) process.stderr.write(`${line}\n`);
  };
  const variables = Object.fromEntries(Object.entries(process.env).map(([name, value = '']) => [name, value]));
  const [postgres, redis, engines] = await Promise.all([
    ensurePostgres({ home, log }),
    ensureRedis({ home, log }),
    findEngines(variables),
  ]);
  process.env['STEPCAST_TEST_DATABASE_URL'] = postgres.url;
  process.env['STEPCAST_TEST_REDIS_URL'] = redis.url;
  process.env[FOUND_VARIABLE] = JSON.stringify(engines);
  globalThis.stepcastTestServices = { home, services: [postgres, redis] };
}
