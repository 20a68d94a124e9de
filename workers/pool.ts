/** A pool keeps as many worker processes on this machine as the work asks for, between a least and a most. */
import { hostname } from 'node:os';
import { BACKEND_KINDS, type BackendKindFacts } from '../src/domain/backendOptions';
import { messageOf } from '../src/domain/errors';
import {
  changePool,
  NO_DEMAND,
  plus,
  settle,
  wantedWorkers,
  type Demand,
  type WorkerBounds,
  type Wishes,
} from '../src/domain/scaling';
import type { WatchedCatalog } from '../src/engine/catalog';
import { startableWork } from '../src/engine/demand';
import type { Database } from '../src/store/database';
import { machineWorkers, type MachineWorker } from '../src/store/statements/workers';
import { createMembers } from './members';

type Place = BackendKindFacts['place'];

export interface PoolOptions {
  /** The program of a worker process, and its environment. */
  readonly entry: string;
  readonly environment: NodeJS.ProcessEnv;
  /** Opened when the tables are there. */
  readonly open: () => Promise<{ readonly db: Database; readonly catalog: WatchedCatalog }>;
  readonly bounds: WorkerBounds;
  /** How many steps one worker takes at each place. */
  readonly slots: Readonly<Record<Place, number>>;
  readonly coolDownSeconds: number;
  readonly log: (level: 'info' | 'warn' | 'error', message: string) => void;
  /** Told once, when workers crashed too often. */
  readonly onGaveUp: () => void;
}

export interface Pool {
  /** Asks all workers to end, and waits until they have. */
  stop(): Promise<void>;
}

const LOOK_MS = 1_000;
/** Crashes within the window after which the pool gives up. */
const MAX_CRASHES = 5;
const CRASH_WINDOW_MS = 60_000;

/** Starts the least number of workers, and looks each second whether more or fewer are wanted. */
export function startPool(options: PoolOptions): Pool {
  const { bounds, slots, log } = options;
  let crashes: number[] = [];
  let wishes: Wishes = [];
  let target = bounds.min;
  let looking: Promise<void> = Promise.resolve();
  let stopping = false;
  let opened: Awaited<ReturnType<PoolOptions['open']>> | undefined;

  const members = createMembers({
    ...options,
    onCrash: (pid, how) => {
      const now = Date.now();
      crashes = [...crashes.filter((time) => now - time < CRASH_WINDOW_MS), now];
      if (crashes.length > MAX_CRASHES) {
        log('error', `workers ended ${crashes.length} times within a minute (last with ${how}): the pool gives up`);
        options.onGaveUp();
      } else log('warn', `worker process ${pid} ended unexpectedly (${how}); another one takes its place`);
    },
  });

  const demandOf = async (workers: readonly MachineWorker[]): Promise<Record<Place, Demand>> => {
    const demand: Record<Place, Demand> = { here: NO_DEMAND, elsewhere: NO_DEMAND };
    if (!opened) return demand;
    const { db, catalog } = opened;
    const add = (queue: string, more: Partial<Demand>): void => {
      const spec = catalog.current().backends.get(queue)?.spec;
      if (!spec) return;
      const { place } = BACKEND_KINDS[spec.kind];
      demand[place] = plus(demand[place], { ...NO_DEMAND, ...more });
    };
    // Steps that no worker of this machine can run would not start with more of them either.
    const queues = [...new Set(workers.flatMap(({ ready }) => ready))];
    const most = bounds.max * Math.max(slots.here, slots.elsewhere);
    for (const one of await startableWork(db, queues, most)) add(one.queue, one);
    for (const { running } of workers)
      for (const [queue, count] of Object.entries(running)) add(queue, { running: count });
    return demand;
  };

  const change = (workers: readonly MachineWorker[]): void => {
    const list = members.list().map((member) => {
      const running = workers.find(({ pid }) => pid === member.pid)?.running ?? {};
      return { ...member, running: Object.values(running).reduce((sum, count) => sum + count, 0) };
    });
    const { start, recall, retire } = changePool(list, target, bounds.max);
    for (let count = 0; count < start; count += 1) members.start();
    recall.forEach(members.recall);
    retire.forEach(members.retire);
  };

  const look = async (): Promise<void> => {
    opened ??= await options.open();
    const list = members.list();
    const workers = await machineWorkers(
      opened.db,
      hostname(),
      list.map(({ pid }) => pid),
    );
    // What a retiring worker runs needs no place on another one.
    const active = workers.filter(({ pid }) => list.some((one) => one.pid === pid && !one.retiring));
    const wanted = wantedWorkers(await demandOf(active), slots, bounds);
    const before = target;
    ({ target, wishes } = settle(wishes, wanted, performance.now() / 1_000, options.coolDownSeconds));
    if (target !== before) log('info', `${target} workers are wanted, after ${before}`);
    if (!stopping) change(workers);
  };
  let busy = false;
  const tick = (): void => {
    if (busy || stopping) return;
    busy = true;
    looking = look()
      // What is there goes on as it is; a worker that crashed meanwhile is replaced all the same.
      .catch((error: unknown) => {
        log('warn', `looking how many workers are wanted: ${messageOf(error)}`);
        if (!stopping) change([]);
      })
      .finally(() => {
        busy = false;
      });
  };

  change([]);
  const timer = setInterval(tick, LOOK_MS);
  tick();
  return {
    stop: async () => {
      stopping = true;
      clearInterval(timer);
      await members.stop();
      await looking;
      opened?.catalog.close();
      await opened?.db.close();
    },
  };
}
