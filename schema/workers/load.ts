/** What waits, what runs, what workers can take, and how many of them are wanted: for those who watch from outside. */
import { summarizeHealth, type HealthSummary } from '../../src/domain/backendHealth';
import { BACKEND_KINDS, type BackendKindFacts } from '../../src/domain/backendOptions';
import { NO_DEMAND, plus, wantedWorkers, type Demand } from '../../src/domain/scaling';
import { PRIORITIES, priorityOf, type Priority } from '../../src/domain/states';
import { startableWork } from '../../src/engine/demand';
import { backendViews } from '../../src/store/statements/backendHealth';
import { queueDepths } from '../../src/store/statements/outbox';
import { capacities, type Capacity } from '../../src/store/statements/workers';
import type { Services } from '../context';

type Place = BackendKindFacts['place'];
export type Slots = Readonly<Record<Place, number>>;

/** A Backend at one priority. */
export interface QueueLoad {
  readonly priority: Priority;
  /** Steps that are ready. */
  readonly depth: number;
  /** Those of them that would start if there were slots: not paused, not held back by a limit. */
  readonly startable: number;
  readonly running: number;
  /** How long the oldest ready one has been ready; 0 when there is none. */
  readonly oldestSeconds: number;
  /** Workers that the steps of this queue alone ask for. */
  readonly wanted: number;
}

export interface BackendLoad {
  readonly backend: string;
  readonly health: HealthSummary['state'];
  /** Live workers that can run it. */
  readonly workers: number;
  /** Steps that they take at once, shared with their other Backends of the same place. */
  readonly slots: number;
  /** Workers that its steps alone ask for. */
  readonly wanted: number;
  readonly queues: readonly QueueLoad[];
}

export interface ServiceLoad {
  readonly workers: Capacity;
  /** Workers that all steps together ask for; those do not whose engine is missing on all workers that there are. */
  readonly wanted: number;
  readonly backends: readonly BackendLoad[];
}

/** Startable steps of one queue and set of limits are counted so far. */
const MAX_COUNTED = 10_000;
/** No number of workers beyond this is asked for. */
const MAX_WANTED = 10_000;
const NONE: Capacity = { workers: 0, here: 0, elsewhere: 0 };

/** Reads it now. `usual` is what one worker takes when there is none to go by. */
export async function readLoad({ db, catalog }: Services, usual: Slots): Promise<ServiceLoad> {
  const specs = [...catalog.current().backends.values()].map(({ spec }) => spec);
  const names = specs.map(({ name }) => name);
  const [depths, startable, views, capacity] = await Promise.all([
    queueDepths(db),
    startableWork(db, names, MAX_COUNTED),
    backendViews(db, names),
    capacities(db),
  ]);
  const all = capacity.get(null) ?? NONE;
  const slots = slotsOfOne(all, usual);
  const total: Record<Place, Demand> = { here: NO_DEMAND, elsewhere: NO_DEMAND };
  const wanted = (place: Place, demand: Demand): number =>
    wantedWorkers({ here: NO_DEMAND, elsewhere: NO_DEMAND, [place]: demand }, slots, { min: 0, max: MAX_WANTED });

  const backends = specs.map(({ name, kind }): BackendLoad => {
    const { place } = BACKEND_KINDS[kind];
    const view = views.get(name);
    const health = view ? summarizeHealth(view).state : 'UNKNOWN';
    let own = NO_DEMAND;
    const queues = PRIORITIES.map((priority): QueueLoad => {
      const isThis = (one: { queue: string; priority: number }): boolean =>
        one.queue === name && priorityOf(one.priority) === priority;
      const depth = depths.find(isThis);
      const running = depth?.running ?? 0;
      // An engine that is away everywhere is no reason for more workers; one that is missing may be there on workers of its own.
      const waiting = health === 'UNAVAILABLE' ? [] : startable.filter(isThis);
      const demand = waiting.map((one) => ({ ...one, running: 0 })).reduce(plus, { ...NO_DEMAND, running });
      own = plus(own, demand);
      return {
        priority,
        depth: depth?.queued ?? 0,
        startable: demand.ready,
        running,
        oldestSeconds: depth?.oldestSeconds ?? 0,
        wanted: wanted(place, demand),
      };
    });
    total[place] = plus(total[place], health === 'MISSING' ? { ...NO_DEMAND, running: own.running } : own);
    const able = capacity.get(name) ?? NONE;
    return { backend: name, health, workers: able.workers, slots: able[place], wanted: wanted(place, own), queues };
  });
  // One at least: workers also plan, and compute expressions.
  return { workers: all, wanted: wantedWorkers(total, slots, { min: 1, max: MAX_WANTED }), backends };
}

/** What a worker more would take: as much as those there are, on average. */
function slotsOfOne({ workers, here, elsewhere }: Capacity, usual: Slots): Slots {
  if (workers === 0) return usual;
  return { here: Math.floor(here / workers), elsewhere: Math.floor(elsewhere / workers) };
}
