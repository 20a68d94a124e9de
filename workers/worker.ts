/** A worker: takes ready StepRuns while it has free slots, runs each on its Backend, and reports how it ended. */
import { hostname } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import type { BackendHost } from '../src/backends/host';
import { createWakeReceiver } from '../src/delivery/beeQueues';
import type { RedisAnnouncer } from '../src/delivery/announcer';
import type { PubSub } from '../src/delivery/pubsub';
import { claim, type Work } from '../src/engine/claim';
import type { AttemptReport } from '../src/engine/complete';
import type { Plans } from '../src/engine/plans';
import type { Evaluate } from '../src/engine/planner/compute';
import type { ReuseDecision } from '../src/engine/reuse';
import { createReconciler } from '../src/engine/reconcile';
import { INLINE_QUEUE } from '../src/domain/compileJob';
import type { BackendSpec } from '../src/domain/definitions';
import { messageOf } from '../src/domain/errors';
import type { Database } from '../src/store/database';
import {
  heartbeat,
  registerWorker,
  setWorkerState,
  unendedStepRuns,
  type OwnedStepRun,
} from '../src/store/statements/workers';
import { cancelledIds } from './control';
import { createInsideWork } from './inside';
import { createLease, now, type Lease } from './lease';
import { createProgressSink } from './progress';
import { createReuse } from './reuse';
import { blankReport, createReporter } from './reports';
import { createRunWork } from './runWork';
import { createServedBackends } from './served';
import { createSlots, PLACES, type Place } from './slots';
import { attemptKey, createStrayFinder } from './strays';

export interface WorkerOptions {
  readonly db: Database;
  readonly plans: Plans;
  readonly announcer: RedisAnnouncer;
  readonly pubsub: PubSub;
  readonly redisUrl: string;
  /** Opens what runs Attempts for a worker id and its lease; called again when this process had to take a new identity. */
  readonly openHost: (workerId: string, isLeased: () => boolean) => BackendHost;
  /** The Backends whose queues it serves. */
  readonly backends: readonly BackendSpec[];
  /** How many steps it runs at once. */
  readonly concurrency: Readonly<Record<Place, number>>;
  readonly leaseSeconds: number;
  readonly drainSeconds: number;
  /** Between two looks whether an engine answers. */
  readonly healthSeconds: number;
  readonly maxLogBytes: number;
  /** Elements that one scatter may have. */
  readonly maxScatter: number;
  /** Whether results of equal work are taken, and whether their files are still there. */
  readonly reuse: { readonly enabled: boolean; readonly keep: (sha256: string) => Promise<boolean> };
  /** Evaluates expressions beside this thread. */
  readonly evaluate: Evaluate;
  readonly log: (level: 'info' | 'warn' | 'error', message: string) => void;
}

export interface Worker {
  /** Serves these Backends as well from now on, in the form that they have now. */
  serve(backends: readonly BackendSpec[]): void;
  /**
   * Takes nothing new and lets what runs finish, however long that takes. Resolves with true when nothing runs any more,
   * and with false when it was recalled before.
   */
  retire(): Promise<boolean>;
  /** Takes work again after `retire`. */
  recall(): void;
  /** Takes nothing new, lets what runs finish for the drain time, then hands the rest back. */
  stop(): Promise<void>;
}

/** A worker asks Postgres for work at this pace even when no doorbell rings. */
const POLL_MS = 1_000;
/** Twice within a second: a cancel that only Postgres knows of still reaches its command within two. */
const HEARTBEAT_MS = 500;
const RECONCILE_MS = 2_000;
/** More are not taken in one go. */
const MAX_CLAIMED = 256;
/** What outlived its worker and is wanted no more is looked for at this pace. */
const REAP_MS = 5_000;
const RETIRE_LOOK_MS = 50;
/** One doorbell passed on per this time is enough for every idle worker to look. */
const PASS_ON_MS = 20;

export async function startWorker(options: WorkerOptions): Promise<Worker> {
  const { db, plans, announcer, pubsub, concurrency, log } = options;
  const engine = { db, plans, announcer };
  const trouble = (what: string) => (error: unknown) => log('warn', `${what}: ${messageOf(error)}`);
  const reporter = createReporter(engine, trouble('recording results, will try again'));
  const progress = createProgressSink(db, announcer, trouble('recording progress'));

  const register = (queues: readonly string[]): Promise<string> =>
    registerWorker(db, {
      host: hostname(),
      pid: process.pid,
      queues,
      concurrency: concurrency.here,
      waitingConcurrency: concurrency.elsewhere,
    });
  const identify = async (queues: readonly string[]): Promise<{ id: string; lease: Lease }> => {
    const from = now();
    return { id: await register(queues), lease: createLease(options.leaseSeconds, from) };
  };
  let { id: workerId, lease } = await identify(options.backends.map(({ name }) => name));
  let host = options.openHost(workerId, lease.isValid);
  const leftOver = await host.sweep();
  if (leftOver > 0) log('warn', `ended ${leftOver} processes that an earlier worker had left behind`);

  const slots = createSlots(concurrency);
  /** Everything between its claim and its recorded end. */
  const known = new Set<string>();
  let stopping = false;
  let retiring = false;
  let filling = false;
  let again = false;
  let lastPass = 0;

  const passOn = (): void => {
    if (Date.now() - lastPass < PASS_ON_MS) return;
    lastPass = Date.now();
    pubsub.publish('wake', '');
  };

  const reuse = createReuse({ engine, ...options.reuse, trouble });
  const inside = createInsideWork({ ...options, engine, reporter, workerId: () => workerId, known, trouble });

  /** Resolves with whether there may be more. */
  const fillAt = async (place: Place): Promise<boolean> => {
    const free = Math.min(MAX_CLAIMED, slots.free(place));
    const ready = served.ready(place);
    if (stopping || retiring || free === 0 || ready.length === 0) return false;
    const owner = workerId;
    const works = await claim(engine, owner, ready, free);
    for (const work of works) {
      slots.take(work, place);
      known.add(attemptKey(work));
    }
    reuse.decide(works, (work, decision) => {
      void run(work, owner, decision).catch(trouble('running a step'));
    });
    return works.length === free;
  };

  const fill = async (): Promise<void> => {
    if (filling) {
      again = true;
      return;
    }
    filling = true;
    try {
      do {
        again = false;
        for (const place of PLACES) if (await fillAt(place)) again = true;
      } while (again);
    } catch (error) {
      log('warn', `taking work: ${messageOf(error)}`);
    } finally {
      filling = false;
    }
  };
  const served = createServedBackends(options.backends, {
    ...{ db, redisUrl: options.redisUrl, healthSeconds: options.healthSeconds, log, trouble },
    workerId: () => workerId,
    ask: (spec) => host.health(spec),
    // A worker that can take nothing of it passes the doorbell on, so that an idle one hears it.
    onDoorbell: (place) => (place && slots.free(place) > 0 ? void fill() : passOn()),
    onReady: () => void fill(),
  });

  const runWork = createRunWork({
    ...{ db, pubsub, maxLogBytes: options.maxLogBytes, progress, trouble },
    host: () => host,
    stopping: () => stopping,
    onStarted: slots.started,
  });
  const run = async (work: Work, owner: string, decision: ReuseDecision): Promise<void> => {
    const report = await runWork(work, owner, decision).catch((error: unknown): AttemptReport => {
      log('error', `step ${work.name} (${work.stepRunId}): ${messageOf(error)}`);
      // A fault of this machine (disk, permissions), not of the step: another try may meet a better one.
      return {
        ...blankReport(work, owner),
        failure: 'MACHINE',
        retryable: true,
        message: `The worker could not run it: ${messageOf(error)}`,
      };
    });
    const recorded = reporter.report(report);
    // The slot is free when the command has ended; recording goes on beside the next step.
    slots.release(work);
    void fill();
    await recorded;
    known.delete(attemptKey(work));
    reuse.ended(decision);
    void fill();
  };

  const stopSteps = (stepRunIds: readonly string[]): void => {
    const asked = new Set(stepRunIds);
    for (const { work, attempt } of slots.running()) if (asked.has(work.stepRunId)) attempt.cancel('cancelled');
  };

  const strays = createStrayFinder((one) => known.has(attemptKey(one)));
  const handBack = (lost: readonly OwnedStepRun[], owner: string): void => {
    for (const one of lost) {
      log('warn', `step ${one.name} (${one.stepRunId}) was taken and never arrived: it is handed back`);
      void reporter.report({
        ...blankReport(one, owner),
        state: 'CANCELLED',
        message: 'It was taken and never arrived.',
      });
    }
  };

  /** This worker was silent for too long and is taken for dead: what it runs belongs to others now. */
  const takeNewIdentity = async (): Promise<void> => {
    log('warn', `worker ${workerId} was declared dead after a silence; it starts again under a new number`);
    for (const { attempt } of slots.running()) attempt.cancel('shutdown');
    ({ id: workerId, lease } = await identify(served.names()));
    const old = host;
    host = options.openHost(workerId, lease.isValid);
    served.tellAgain();
    await Promise.all(slots.running().map(({ attempt }) => attempt.outcome.catch(() => undefined)));
    await old.close();
  };

  let beating = false;
  const beat = async (): Promise<void> => {
    if (beating) return;
    beating = true;
    try {
      const owner = workerId;
      const claiming = filling;
      const [held, sentAt] = [lease, now()];
      const answer = await heartbeat(db, owner, slots.size);
      if (answer.alive) {
        held.renew(sentAt);
        stopSteps(answer.cancel);
        handBack(strays.look(answer.running, claiming), owner);
      } else {
        held.end();
        if (!stopping) await takeNewIdentity();
      }
    } catch (error) {
      log('warn', `heartbeat: ${messageOf(error)}`);
    } finally {
      beating = false;
    }
  };

  const reconcile = createReconciler(engine, options.leaseSeconds);
  let reconciling = false;
  const recover = async (): Promise<void> => {
    if (reconciling || stopping) return;
    reconciling = true;
    try {
      const found = await reconcile();
      if (found.lostWorkers > 0)
        log('warn', `${found.lostWorkers} workers fell silent; ${found.requeued} steps run again`);
      if (found.requeued + found.retried > 0) void fill();
    } catch (error) {
      log('warn', `reconciling: ${messageOf(error)}`);
    } finally {
      reconciling = false;
    }
  };

  let reaping = false;
  const reap = async (): Promise<void> => {
    if (reaping || stopping) return;
    reaping = true;
    const reaped = await host.reap((ids) => unendedStepRuns(db, ids)).catch(trouble('looking for abandoned work'));
    if (reaped) log('info', `ended ${reaped} commands that nobody wants any more`);
    reaping = false;
  };

  const timers = [
    setInterval(() => void beat(), HEARTBEAT_MS),
    setInterval(() => {
      inside.look();
      void fill();
    }, POLL_MS),
    setInterval(() => void recover(), RECONCILE_MS),
    setInterval(() => void reap(), REAP_MS),
  ];
  const stops = await Promise.all([
    pubsub.subscribe('plan', inside.plan),
    pubsub.subscribe('wake', () => void fill()),
    pubsub.subscribe('control', (message) => stopSteps(cancelledIds(message))),
  ]);
  const insideReceiver = createWakeReceiver(options.redisUrl, [INLINE_QUEUE], inside.look);
  void recover();
  void fill();
  log('info', `worker ${workerId} takes up to ${concurrency.here} steps at a time from ${served.names().join(', ')}`);

  return {
    serve: served.add,
    retire: async () => {
      retiring = true;
      await setWorkerState(db, workerId, 'DRAINING').catch(trouble('announcing that it retires'));
      while (retiring && (filling || slots.size > 0)) await delay(RETIRE_LOOK_MS);
      return retiring;
    },
    recall: () => {
      retiring = false;
      setWorkerState(db, workerId, 'ALIVE').then(() => fill(), trouble('announcing that it works again'));
    },
    stop: async () => {
      stopping = true;
      await setWorkerState(db, workerId, 'DRAINING').catch(trouble('announcing the end'));
      await inside.stop();
      const running = (): Promise<unknown>[] =>
        slots.running().map(({ attempt }) => attempt.outcome.catch(() => undefined));
      for (const { attempt } of slots.running()) attempt.handOver();
      if (slots.size > 0) log('info', `waiting up to ${options.drainSeconds} s for ${slots.size} running steps`);
      await within(options.drainSeconds * 1_000, Promise.all(running()));
      for (const { attempt } of slots.running()) attempt.cancel('shutdown');
      await Promise.all(running());
      while (filling || slots.size > 0) await delay(10);
      await within(3_000, reporter.idle());
      for (const timer of timers) clearInterval(timer);
      for (const stop of stops) stop();
      await Promise.all([served.close(), insideReceiver.close()]);
      await announcer.flush();
      await setWorkerState(db, workerId, 'STOPPED').catch(trouble('announcing the end'));
      await host.close();
    },
  };
}

async function within(milliseconds: number, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  await Promise.race([work, new Promise((resolve) => (timer = setTimeout(resolve, milliseconds)))]);
  clearTimeout(timer);
}
