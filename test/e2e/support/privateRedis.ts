import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { createClient } from 'redis';
import { ensureRedis, isAlive, type EmbeddedService } from '../../../src/embedded';
import { eventually } from './wait';

/** A Redis of one test's own, to be broken. */
export interface PrivateRedis {
  readonly url: string;
  /** Ends it as a crash would. */
  kill(): Promise<void>;
  /** Starts it again at the same address, without the data it had. */
  restart(): Promise<void>;
  /** Removes all keys; returns how many there were. */
  flushAll(): Promise<number>;
  remove(): Promise<void>;
}

export async function startRedis(): Promise<PrivateRedis> {
  const home = await mkdtemp(path.join(os.tmpdir(), 'stepcast-redis-'));
  const start = (): Promise<EmbeddedService> => ensureRedis({ home, log: () => undefined });
  let service = await start();
  const { url } = service;
  return {
    url,
    kill: async () => {
      process.kill(service.pid, 'SIGKILL');
      await service.exited;
      await eventually('Redis is gone', () => !isAlive(service.pid));
    },
    restart: async () => {
      await rm(path.join(home, 'redis', 'data'), { recursive: true, force: true });
      service = await start();
      if (service.url !== url) throw new Error('Redis came back at another address');
    },
    flushAll: async () => {
      const client = createClient({ url });
      await client.connect();
      try {
        const keys = await client.dbSize();
        await client.flushAll();
        return keys;
      } finally {
        client.destroy();
      }
    },
    remove: async () => {
      await service.stop();
      await rm(home, { recursive: true, force: true });
    },
  };
}
