import { rm } from 'node:fs/promises';
import path from 'node:path';
import { createClient } from 'redis';
import { ensureRedis } from '../../../src/embedded';
import { startPrivate, type PrivateService } from './privateService';

/** A Redis of one test's own; it comes back without the data it had. */
export interface PrivateRedis extends PrivateService {
  /** Removes all keys; returns how many there were. */
  flushAll(): Promise<number>;
}

export async function startRedis(): Promise<PrivateRedis> {
  const service = await startPrivate(
    'redis',
    (home) => ensureRedis({ home, log: () => undefined }),
    (home) => rm(path.join(home, 'redis', 'data'), { recursive: true, force: true }),
  );
  return {
    ...service,
    flushAll: async () => {
      const client = createClient({ url: service.url });
      await client.connect();
      try {
        const keys = await client.dbSize();
        await client.flushAll();
        return keys;
      } finally {
        client.destroy();
      }
    },
  };
}
