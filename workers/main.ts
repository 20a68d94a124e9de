/** The worker process: `npm run worker`, or a child of `npm start`. */
import { join } from 'node:path';
import { createLocalStore } from '../src/artifacts/localStore';
import { createHost } from '../src/backends/host';
import { createLog } from '../src/config/log';
import { exitWithParent } from '../src/config/parentWatch';
import { readSettings, requireServices, SettingsError, withFlags } from '../src/config/settings';
import { createAnnouncer } from '../src/delivery/announcer';
import { createWakeSender } from '../src/delivery/beeQueues';
import { openPubSub } from '../src/delivery/pubsub';
import { createSandbox } from '../src/expressions/sandbox';
import type { BackendSpec } from '../src/domain/definitions';
import { messageOf, StepcastError } from '../src/domain/errors';
import { watchCatalog } from '../src/engine/catalog';
import { createPlans } from '../src/engine/plans';
import { openDatabase, type Database } from '../src/store/database';
import { forgetSent } from '../src/store/statements/outbox';
import { startGuard } from './guard';
import { startWorker } from './worker';

const SCHEMA_POLL_MS = 100;
const SCHEMA_WAIT_MS = 120_000;

async function main(): Promise<void> {
  const settings = requireServices(readSettings(withFlags(process.argv.slice(2))));
  const log = createLog('worker', settings.logLevel);
  const warn = (message: string): void => log('warn', message);
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

  const served = (): BackendSpec[] => {
    const all = [...catalog.current().backends.values()].map(({ spec }) => spec);
    return settings.queues.length === 0 ? all : all.filter(({ name }) => settings.queues.includes(name));
  };
  const worker = await startWorker({
    db,
    plans: createPlans(db),
    announcer,
    pubsub,
    redisUrl: settings.redisUrl,
    openHost: (workerId) => {
      const guard = startGuard({ workerId, log: warn });
      const host = createHost({
        ...{ workDir: join(settings.home, 'work'), workerId, artifacts, log: warn },
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
  catalog.onChange(() => worker.serve(served()));

  exitWithParent(async () => {
    catalog.close();
    await worker.stop();
    await Promise.all([sender.close(), pubsub.close(), sandbox.close()]);
    await db.close();
  }, settings.drainSeconds + 5);
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
