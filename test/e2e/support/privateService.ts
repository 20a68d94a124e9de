import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { isAlive, type EmbeddedService } from '../../../src/embedded';
import { eventually } from './wait';

/** A Postgres or a Redis of one test's own, to be broken. */
export interface PrivateService {
  readonly url: string;
  /** The process id it has now. */
  pid(): number;
  /** Ends it as a crash would. */
  kill(): Promise<void>;
  /** Starts it again at the same address. */
  restart(): Promise<void>;
  remove(): Promise<void>;
}

/** `start` is given the folder of the service; `beforeRestart` may change what it finds there. */
export async function startPrivate(
  name: string,
  start: (home: string) => Promise<EmbeddedService>,
  beforeRestart: (home: string) => Promise<void> = () => Promise.resolve(),
): Promise<PrivateService> {
  const home = await mkdtemp(path.join(os.tmpdir(), `stepcast-${name}-`));
  let service = await start(home);
  const { url } = service;
  return {
    url,
    pid: () => service.pid,
    kill: async () => {
      process.kill(service.pid, 'SIGKILL');
      await service.exited;
      await eventually(`${name} is gone`, () => !isAlive(service.pid));
    },
    restart: async () => {
      await beforeRestart(home);
      service = await start(home);
      if (service.url !== url) throw new Error(`${name} came back at another address`);
    },
    remove: async () => {
      await service.stop();
      await rm(home, { recursive: true, force: true });
    },
  };
}
