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
import { afterCrash, NO_CRASHES, type Crashes } from './crashes';

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
  /** How long a worker that is told to end may take before it is killed. */
  readonly stopSeconds: number;
  /** A worker that Postgres does not know as alive for so many looks in a row is killed and replaced. */
  readonly silentLooks?: number;
  readonly log: (level: 'info' | 'warn' | 'error', message: string) => void;
  /** Told once, when no worker is left and each that was started anew crashed at once. */
  readonly onGaveUp: () => void;
}

export interface Pool {
  /** Asks all workers to end, and waits until they have; kills those that do not. */
  stop(): Promise<void>;
}

const LOOK_MS = 1_000;
/** Long enough for one that was paused and goes on to take a new number. Looks, not time: a pause stops the pool, too. */
const SILENT_LOOKS = 120;
/** Crashes in a row after which the pool gives up when no worker is left. */
const MAX_CRASHES = 5;

/** Starts the least number of workers, and looks each second whether more or fewer are wanted. */
export function startPool(options: PoolOptions): Pool {
  const { bounds, slots, log, silentLooks = SILENT_LOOKS } = options;
  let crashes: Crashes = NO_CRASHES;
  let wishes: Wishes = [];
  let target = bounds.min;
  let stopping = false;
  let opened: Awaited<ReturnType<PoolOptions['open']>> | undefined;
  /** The workers as Postgres knew them last. */
  let known: readonly MachineWorker[] = [];
  /** For how many looks it has not known those that it knew before. */
  const silent = new Map<number, number>();

  const members = createMembers({
    ...options,
    onCrash: (pid, how) => {
      const now = performance.now();
      crashes = afterCrash(crashes, now);
      if (crashes.inRow > MAX_CRASHES && members.list().length === 0) {
        log('error', `workers crashed ${crashes.inRow} times in a row (last with ${how}): the pool gives up`);
        options.onGaveUp();
        return;
      }
      const pause = Math.ceil(Math.max(0, crashes.restartAt - now) / 1_000);
      log('warn', `worker process ${pid} ended unexpectedly (${how}); another one takes its place in ${pause} s`);
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

  const change = (): void => {
    if (stopping) return;
    const list = members.list().map((member) => {
      const running = known.find(({ pid }) => pid === member.pid)?.running ?? {};
      return { ...member, running: Object.values(running).reduce((sum, count) => sum + count, 0) };
    });
    const { start, recall, retire } = changePool(list, target, bounds.max);
    if (performance.now() >= crashes.restartAt) for (let count = 0; count < start; count += 1) members.start();
    recall.forEach(members.recall);
    retire.forEach(members.retire);
  };

  /** One whose process lives and that Postgres has not heard of for long hangs: its steps belong to others by now. */
  const killSilent = (): void => {
    for (const { pid } of known) silent.set(pid, -1);
    const pids = new Set(members.list().map(({ pid }) => pid));
    for (const [pid, looks] of silent) {
      silent.set(pid, looks + 1);
      if (!pids.has(pid)) silent.delete(pid);
      else if (looks + 1 === silentLooks) {
        log('warn', `worker process ${pid} gives no sign of life: it is killed`);
        members.kill(pid);
      }
    }
  };

  const look = async (): Promise<void> => {
    opened ??= await options.open();
    const list = members.list();
    known = await machineWorkers(
      opened.db,
      hostname(),
      list.map(({ pid }) => pid),
    );
    killSilent();
    // What a retiring worker runs needs no place on another one.
    const active = known.filter(({ pid }) => list.some((one) => one.pid === pid && !one.retiring));
    const wanted = wantedWorkers(await demandOf(active), slots, bounds);
    const before = target;
    ({ target, wishes } = settle(wishes, wanted, performance.now() / 1_000, options.coolDownSeconds));
    if (target !== before) log('info', `${target} workers are wanted, after ${before}`);
  };
  let looking = false;
  const tick = (): void => {
    // Also while Postgres is away: what is there goes on as it is, and a worker that crashed is replaced.
    change();
    if (looking) return;
    looking = true;
    look()
      .then(change)
      .catch((error: unknown) => log('warn', `looking how many workers are wanted: ${messageOf(error)}`))
      .finally(() => {
        looking = false;
      });
  };

  const timer = setInterval(tick, LOOK_MS);
  tick();
  return {
    stop: async () => {
      stopping = true;
      clearInterval(timer);
      // A look that is under way is not waited for: Postgres may be away.
      await members.stop(options.stopSeconds * 1_000);
      opened?.catalog.close();
      await opened?.db.close();
    },
  };
}
