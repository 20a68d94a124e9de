/** How many workers there should be, by what waits and what runs. Pure; who asks starts and stops them. */
import { needsOf, occupied, roomFor, type Usage } from './admit';
import type { BackendKindFacts } from './backendOptions';

type Place = BackendKindFacts['place'];

/** Steps that wait together: of one queue, priority and set of limits. */
export interface Waiting {
  readonly lane: string;
  readonly ready: number;
}

/** Of what waits, as much as could start if there were slots enough, in the same order: limits hold back the rest. */
export function startable<T extends Waiting>(waiting: readonly T[], usage: ReadonlyMap<string, Usage>): T[] {
  let current = usage;
  return waiting.flatMap((one) => {
    const needs = needsOf(one.lane);
    const ready = Math.min(one.ready, roomFor(needs, current));
    if (ready === 0) return [];
    current = occupied(needs, current, ready);
    return [{ ...one, ready }];
  });
}

/** What there is to do at one place. */
export interface Demand {
  /** Steps that would start if there were a free slot. */
  readonly ready: number;
  /** How long the oldest of them has been ready; 0 when there is none. */
  readonly oldestSeconds: number;
  readonly running: number;
}

export const NO_DEMAND: Demand = { ready: 0, oldestSeconds: 0, running: 0 };

/** Both together. */
export const plus = (one: Demand, other: Demand): Demand => ({
  ready: one.ready + other.ready,
  oldestSeconds: Math.max(one.oldestSeconds, other.oldestSeconds),
  running: one.running + other.running,
});

export interface WorkerBounds {
  readonly min: number;
  readonly max: number;
}

/** Steps that are ready for less than this are left to the workers there are: a new one takes about as long to start. */
export const PATIENCE_SECONDS = 2;

/**
 * How many workers are wanted now: so many that each step has a slot that runs or has waited long enough, at the place
 * where most are needed. `slots` is how many steps one worker takes at each place.
 */
export function wantedWorkers(
  demand: Readonly<Record<Place, Demand>>,
  slots: Readonly<Record<Place, number>>,
  { min, max }: WorkerBounds,
): number {
  const needed = (place: Place): number => {
    const { ready, oldestSeconds, running } = demand[place];
    const steps = running + (oldestSeconds >= PATIENCE_SECONDS ? ready : 0);
    return Math.ceil(steps / Math.max(1, slots[place]));
  };
  return Math.min(max, Math.max(min, needed('here'), needed('elsewhere')));
}

/** What was wanted lately, each with less after it: what is no longer the most of any time to come is forgotten. */
export type Wishes = readonly { readonly at: number; readonly wanted: number }[];

/**
 * How many workers there shall be: more at once, fewer only when no more were wanted for the whole cool-down. Times are
 * seconds of any clock that does not go back.
 */
export function settle(
  wishes: Wishes,
  wanted: number,
  now: number,
  coolDownSeconds: number,
): { readonly target: number; readonly wishes: Wishes } {
  const recent = wishes.filter((wish) => now - wish.at < coolDownSeconds && wish.wanted > wanted);
  const kept = [...recent, { at: now, wanted }];
  return { target: kept[0]?.wanted ?? wanted, wishes: kept };
}

/** A worker process of a pool. */
export interface Member {
  readonly pid: number;
  /** It takes nothing new and leaves when what it runs has ended. */
  readonly retiring: boolean;
  /** Steps that it runs. */
  readonly running: number;
}

/** What to do so that `target` members take work. */
export interface PoolChange {
  readonly start: number;
  readonly recall: readonly number[];
  readonly retire: readonly number[];
}

/**
 * From members in the order of their start. Those that are retiring are recalled before new ones start, and count as
 * long as they are there: there are never more than `max` processes. The least busy retire first, the youngest among equals.
 */
export function changePool(members: readonly Member[], target: number, max: number): PoolChange {
  const active = members.filter(({ retiring }) => !retiring);
  const lacking = target - active.length;
  if (lacking <= 0) {
    const least = [...active].reverse().sort((one, other) => one.running - other.running);
    return { start: 0, recall: [], retire: least.slice(0, -lacking).map(({ pid }) => pid) };
  }
  const recall = members.filter(({ retiring }) => retiring).slice(0, lacking);
  const start = Math.min(lacking - recall.length, max - members.length);
  return { start: Math.max(0, start), recall: recall.map(({ pid }) => pid), retire: [] };
}
