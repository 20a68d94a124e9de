/** A whole service to be broken: Postgres, Redis, APIs and workers, each process behind proxies of its own. */
import { mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { startPostgres, type PrivatePostgres } from '../../e2e/support/privatePostgres';
import { startRedis, type PrivateRedis } from '../../e2e/support/privateRedis';
import type { Managed } from '../../e2e/support/processes';
import { startStepcast, type Stepcast } from '../../e2e/support/stepcast';
import { eventually } from '../../e2e/support/wait';
import { openSmallDisk, type SmallDisk } from './smallDisk';
import { startProxy, type Proxy } from '../../support/proxy';

const APIS = 2;
const WORKERS = 3;
export const CONCURRENCY = 3;
/** Short, so that many workers can fall silent in one run; long enough for a busy machine. */
export const LEASE_SECONDS = 3;
/** A forgotten connection is found out while the run goes on. */
const SILENCE_SECONDS = 6;
const RESTART_MS = 120_000;
const LAST_LINES = 15;
const PRELOAD = path.join(__dirname, 'preload.cjs');

/** One API or worker, with what lies between it and the services. */
export interface Node {
  readonly name: string;
  readonly kind: 'api' | 'worker';
  readonly process: Managed;
  readonly postgres: Proxy;
  readonly redis: Proxy;
  /** Ends it on purpose. */
  takeDown(signal: 'SIGKILL' | 'SIGTERM'): Promise<void>;
  /** Starts it again, however often that takes while the services are away. */
  bringBack(): Promise<void>;
}

export interface Cluster {
  readonly stepcast: Stepcast;
  readonly postgres: PrivatePostgres;
  readonly redis: PrivateRedis;
  readonly nodes: readonly Node[];
  /** The file in which each step tells when it began and when it was through. */
  readonly ledger: string;
  /** The folder in which the worker works that can meet a full disk. */
  readonly smallDisk: SmallDisk;
  /** Processes that ended though nobody ended them, with their last words. */
  readonly unexpectedDeaths: readonly string[];
  remove(): Promise<void>;
}

export async function startCluster(): Promise<Cluster> {
  const [postgres, redis] = await Promise.all([startPostgres(), startRedis()]);
  const outside = await mkdtemp(path.join(os.tmpdir(), 'stepcast-ledger-'));
  const proxies = await Promise.all(
    Array.from({ length: APIS + WORKERS }, async () => ({
      postgres: await startProxy(postgres.url),
      redis: await startProxy(redis.url),
    })),
  );
  const environment = (index: number): Record<string, string> => ({
    DATABASE_URL: proxies[index]?.postgres.url ?? '',
    REDIS_URL: proxies[index]?.redis.url ?? '',
    NODE_OPTIONS: `--require ${PRELOAD}`,
  });
  const stepcast = await startStepcast({
    apis: APIS,
    workers: 0,
    databaseUrl: postgres.url,
    redisUrl: redis.url,
    env: {
      STEPCAST_LEASE_SECONDS: String(LEASE_SECONDS),
      STEPCAST_CONCURRENCY: String(CONCURRENCY),
      STEPCAST_DATABASE_SILENCE_SECONDS: String(SILENCE_SECONDS),
    },
    apiEnv: environment,
  });
  // The first worker has a folder of its own, as on another machine, with little room to work in.
  const small = path.join(stepcast.home, 'small');
  await mkdir(path.join(small, 'work'), { recursive: true });
  await symlink(path.join(stepcast.home, 'artifacts'), path.join(small, 'artifacts'));
  const smallDisk = await openSmallDisk(path.join(small, 'work'));
  const workers = await Promise.all(
    Array.from({ length: WORKERS }, (_, index) =>
      stepcast.startWorker({ ...environment(APIS + index), ...(index === 0 ? { STEPCAST_HOME: small } : {}) }),
    ),
  );

  const unexpectedDeaths: string[] = [];
  const nodeOf = (process: Managed, index: number): Node => {
    const kind = index < APIS ? 'api' : 'worker';
    const name = `${kind} ${index < APIS ? index : index - APIS}`;
    const own = proxies[index];
    if (!own) throw new Error(`${name} has no proxies`);
    let down = false;
    const watch = (): void => {
      void process.ended().then((code) => {
        if (down) return;
        const words = process.output().split('\n').slice(-LAST_LINES).join('\n');
        unexpectedDeaths.push(`${name} ended by itself with ${code}:\n${words}`);
      });
    };
    watch();
    return {
      name,
      kind,
      process,
      ...own,
      takeDown: async (signal) => {
        down = true;
        await process.end(signal);
      },
      bringBack: async () => {
        await eventually(
          `${name} is back`,
          () =>
            process.restart().then(
              () => true,
              async () => {
                if (process.isRunning()) await process.end('SIGKILL');
                return false;
              },
            ),
          RESTART_MS,
        );
        down = false;
        watch();
      },
    };
  };
  const nodes = [...stepcast.apis, ...workers].map(nodeOf);

  return {
    stepcast,
    postgres,
    redis,
    nodes,
    ledger: path.join(outside, 'ledger'),
    smallDisk,
    unexpectedDeaths,
    remove: async () => {
      for (const node of nodes) if (node.process.isRunning()) await node.takeDown('SIGTERM');
      await smallDisk.close();
      await stepcast.stop();
      await Promise.all(proxies.flatMap((pair) => [pair.postgres.close(), pair.redis.close()]));
      await Promise.all([postgres.remove(), redis.remove()]);
      await rm(outside, { recursive: true, force: true });
    },
  };
}
