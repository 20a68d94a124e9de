import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { ensurePostgres, isAlive, type EmbeddedService } from '../../../src/embedded';
import { eventually } from './wait';

/** A Postgres of one test's own, to be broken. */
export interface PrivatePostgres {
  readonly url: string;
  /** Ends it as a crash would. */
  kill(): Promise<void>;
  /** Starts it again on its data, at the same address. */
  restart(): Promise<void>;
  remove(): Promise<void>;
}

export async function startPostgres(): Promise<PrivatePostgres> {
  const home = await mkdtemp(path.join(os.tmpdir(), 'stepcast-postgres-'));
  const start = (): Promise<EmbeddedService> => ensurePostgres({ home, log: () => undefined });
  let service = await start();
  const { url } = service;
  return {
    url,
    kill: async () => {
      process.kill(service.pid, 'SIGKILL');
      await service.exited;
      await eventually('Postgres is gone', () => !isAlive(service.pid));
    },
    restart: async () => {
      service = await start();
      if (service.url !== url) throw new Error('Postgres came back at another address');
    },
    remove: async () => {
      await service.stop();
      await rm(home, { recursive: true, force: true });
    },
  };
}
