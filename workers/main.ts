/** `npm run worker`, or a child of `npm start`: one worker, or a pool that starts this program again for each of several. */
import { join } from 'node:path';
import { createLocalStore } from '../src/artifacts/localStore';
import { createHost } from '../src/backends/host';
import { createLog } from '../src/config/log';
import { exitWithParent } from '../src/config/parentWatch';
import {
  readSettings,
  requireServices,
  SettingsError,
  withFlags,
  type ConnectedSettings,
  type Environment,
} from '../src/config/settings';
import { createAnnouncer } from '../src/delivery/announcer';
import { createWakeSender } from '../src/delivery/beeQueues';
import { openPubSub } from '../src/delivery/pubsub';
import { createSandbox } from '../src/expressions/sandbox';
import type { BackendSpec } from '../src/domain/definitions';
import { messageOf, StepcastError } from '../src/domain/errors';
import type { WorkerBounds } from '../src/domain/scaling';
import { watchCatalog } from '../src/engine/catalog';
import { createPlans } from '../src/engine/plans';
import { openDatabase, type Database } from '../src/store/database';
import { forgetSent } from '../src/store/statements/outbox';
import { startGuard } from './guard';
import { RECALL, RETIRE } from './members';
import { startPool } from './pool';
import { startWorker, type Worker } from './worker';

const SCHEMA_POLL_MS = 100;
const SCHEMA_WAIT_MS = 120_000;
/** Beyond the drain time, for the rest of an orderly end. */
const STOP_SECONDS = 5;
/** A pool only reads, a little at a time. */
const POOL_CONNECTIONS = 2;

async function main(): Promise<void> {
  const environment = withFlags(process.argv.slice(2));
  const settings = requireServices(readSettings(environment));
  const bounds = { min: settings.workersMin, max: settings.workersMax ?? settings.workersMin };
  if (bounds.max === 1) await runWorker(settings);
  else runPool(settings, environment, bounds);
}

function runPool(settings: ConnectedSettings, environment: Environment, bounds: WorkerBounds): void {
  const log = createLog('workers', settings.logLevel);
  const pool = startPool({
    entry: __filename,
    environment: { ...environment, STEPCAST_WORKERS_MIN: '1', STEPCAST_WORKERS_MAX: '1' },
    open: async () => {
      const db = await openDatabase(settings.databaseUrl, {
        poolSize: POOL_CONNECTIONS,
        silenceSeconds: settings.databaseSilenceSeconds,
      });
      try {
        await schemaOf(db);
        return { db, catalog: await watchCatalog(db, (message) => log('warn', message)) };
      } catch (error) {
        await db.close();
        throw error;
      }
    },
    bounds,
    slots: { here: settings.concurrency, elsewhere: settings.waitingConcurrency },
    coolDownSeconds: settings.workersCoolDownSeconds,
    stopSeconds: settings.drainSeconds + STOP_SECONDS,
    log,
    onGaveUp: () => void pool.stop().then(() => process.exit(1)),
  });
  exitWithParent(() => pool.stop(), settings.drainSeconds + 2 * STOP_SECONDS);
  log('info', `keeping ${bounds.min} to ${bounds.max} workers`);
}

async function runWorker(settings: ConnectedSettings): Promise<void> {
  const log = createLog('worker', settings.logLevel);
  const warn = (message: string): void => log('warn', message);
  let started: { readonly worker: Promise<Worker>; readonly stop: () => Promise<void> } | null = null;
  const leave = exitWithParent(async () => started?.stop(), settings.drainSeconds + STOP_SECONDS);
  process.on('message', (word) => {
    if (word === RETIRE && !started) leave();
    else if (word === RETIRE || word === RECALL) void started?.worker.then((worker) => obey(worker, word, leave));
  });
  const db = await openDatabase(settings.databaseUrl, {
    poolSize: 8,
    silenceSeconds: settings.databaseSilenceSeconds,
  });
  await schemaOf(db);
  const pubsub = await openPubSub(settings.redisUrl, (message) => warn(`Redis: ${message}`));
  const sender = createWakeSender(settings.redisUrl);
  const announcer = createAnnouncer({ pubsub, sender, forgetSent: (ids) => forgetSent(db, ids), onTrouble: warn });
  const catalog = await watchCatalog(db, warn);
  const artifacts = createLocalStore(join(settings.home, 'artifacts'));
  const sandbox = createSandbox({
    limits: {
      ms: settings.expressionMs,
      memoryBytes: settings.expressionMemoryBytes,
      resultCharacters: settings.expressionResultCharacters,
    },
  });

  const unknown = settings.queues.filter((name) => !catalog.current().backends.has(name));
  if (unknown.length > 0) {
    const known = [...catalog.current().backends.keys()].join(', ');
    warn(`it shall serve ${unknown.join(', ')}: no such backend is defined now. Those that are: ${known}`);
  }
  const served = (): BackendSpec[] => {
    const all = [...catalog.current().backends.values()].map(({ spec }) => spec);
    return settings.queues.length === 0 ? all : all.filter(({ name }) => settings.queues.includes(name));
  };
  const starting = startWorker({
    db,
    plans: createPlans(db),
    announcer,
    pubsub,
    redisUrl: settings.redisUrl,
    openHost: (workerId, isLeased) => {
      const guard = startGuard({ workerId, log: warn });
      const host = createHost({
        ...{
          workDir: join(settings.home, 'work'),
          pluginFolder: join(settings.home, 'plugins'),
          workerId,
          artifacts,
          isLeased,
          log: warn,
        },
        containerVolumes: settings.containerVolumes,
      });
      const close = async (): Promise<void> => {
        await host.close();
        await guard.close();
      };
      return { ...host, close };
    },
    backends: served(),
    concurrency: { here: settings.concurrency, elsewhere: settings.waitingConcurrency },
    leaseSeconds: settings.leaseSeconds,
    drainSeconds: settings.drainSeconds,
    healthSeconds: settings.healthSeconds,
    maxLogBytes: settings.maxLogBytes,
    maxScatter: settings.maxScatter,
    reuse: { enabled: settings.reuse, keep: (sha256) => artifacts.keep(sha256) },
    evaluate: sandbox.evaluateAll,
    log,
  });
  started = {
    worker: starting,
    // Who is told to end while it starts first finishes that: it is announced already, and may have taken steps.
    stop: async () => {
      catalog.close();
      await (await starting).stop();
      await Promise.all([sender.close(), pubsub.close(), sandbox.close()]);
      await db.close();
    },
  };
  const worker = await starting;
  catalog.onChange(() => worker.serve(served()));
}

/** Does what the pool says about taking work. */
async function obey(worker: Worker, word: typeof RETIRE | typeof RECALL, leave: () => void): Promise<void> {
  if (word === RECALL) worker.recall();
  else if (await worker.retire()) leave();
}

/** The API migrates; a worker that starts beside it waits until the tables are there. */
async function schemaOf(db: Database): Promise<void> {
  const over = Date.now() + SCHEMA_WAIT_MS;
  for (;;) {
    const problem = await db.isMigrated().then(
      (migrated) => (migrated ? null : 'the tables are not there yet'),
      (error: unknown) => messageOf(error),
    );
    if (problem === null) return;
    if (Date.now() > over)
      throw new StepcastError(
        'UNAVAILABLE',
        `Postgres is not ready: ${problem}. Does an API run on the same database?`,
      );
    await new Promise((resolve) => setTimeout(resolve, SCHEMA_POLL_MS));
  }
}

main().catch((error: unknown) => {
  const forPeople = error instanceof SettingsError || error instanceof StepcastError;
  process.stderr.write(
    `${forPeople ? error.message : error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
  );
  process.exit(1);
});
