/** What a worker runs, and how much more it can take. */
import type { BackendKindFacts } from '../src/domain/backendOptions';
import type { RunningAttempt } from '../src/backends/backend';
import type { Work } from '../src/engine/claim';
import { attemptKey } from './strays';

/** `here`: the work uses this machine. `elsewhere`: the worker only waits for it. */
export type Place = BackendKindFacts['place'];
export const PLACES: readonly Place[] = ['here', 'elsewhere'];

interface Slot {
  readonly work: Work;
  readonly place: Place;
  /** Null while it is being started. */
  attempt: RunningAttempt | null;
}

export interface Slots {
  readonly size: number;
  /** How many more it can take at a place. */
  free(place: Place): number;
  /** Occupies a slot; the worker knows of the work from now on. */
  take(work: Work, place: Place): void;
  started(work: Work, attempt: RunningAttempt): void;
  release(work: Work): void;
  running(): readonly { readonly work: Work; readonly attempt: RunningAttempt }[];
}

export function createSlots(concurrency: Readonly<Record<Place, number>>): Slots {
  const slots = new Map<string, Slot>();
  const taken = { here: 0, elsewhere: 0 };
  return {
    get size() {
      return slots.size;
    },
    free: (place) => Math.max(0, concurrency[place] - taken[place]),
    take: (work, place) => {
      slots.set(attemptKey(work), { work, place, attempt: null });
      taken[place] += 1;
    },
    started: (work, attempt) => {
      const slot = slots.get(attemptKey(work));
      if (slot) slot.attempt = attempt;
    },
    release: (work) => {
      const slot = slots.get(attemptKey(work));
      if (slot && slots.delete(attemptKey(work))) taken[slot.place] -= 1;
    },
    running: () => [...slots.values()].flatMap(({ work, attempt }) => (attempt ? [{ work, attempt }] : [])),
  };
}
