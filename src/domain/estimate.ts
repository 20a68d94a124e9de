/** How much longer a Submission will take: from its graph, what has ended, what runs, and how long all that took before. */
import { remaining, type Distribution } from './durations';
import { orderOf } from './graph';

/** What earlier runs of a Job took. */
export interface JobHistory {
  /** Whole runs, from the start of the first step to the end of the last; null: none has succeeded yet. */
  readonly job: Distribution | null;
  /** Runs of single Steps by name; single elements of a Step that scatters as `name[]`. */
  readonly steps: ReadonlyMap<string, Distribution>;
  /** Too few runs of this version: runs of older versions are among these. */
  readonly olderVersions: boolean;
}

/** A Step of a Submission as it stands. */
export interface StepNow {
  /** That of its durations in the history. */
  readonly name: string;
  /** Indices of the Steps that must end first. */
  readonly predecessors: readonly number[];
  /** It may be skipped. */
  readonly conditional: boolean;
  /** Runs that wait for earlier steps. */
  readonly pending: number;
  /** Runs that are ready and wait for a worker. */
  readonly ready: number;
  /** For how many seconds each run has been running. */
  readonly running: readonly number[];
}

/** What an estimate is based on, or why there is none. */
export const ESTIMATE_BASES = ['THIS_VERSION', 'OLDER_VERSIONS', 'NO_HISTORY', 'OUTLASTED'] as const;
export type EstimateBasis = (typeof ESTIMATE_BASES)[number];

/** In seconds. Null: it cannot be told, and `basis` says why. */
export interface Estimate {
  /** As likely too low as too high. */
  readonly secondsLeft: number | null;
  /** Nine of ten steps end within it. */
  readonly secondsLeftHigh: number | null;
  readonly basis: EstimateBasis;
}

const LIKELY = 0.5;
const HIGH = 0.9;

/**
 * The time left is that of the longest way through what is left of the graph; where ready runs wait for workers, it is
 * at least all the work that is left, divided by how many run at once now. Waiting for a first worker is not in it.
 */
export function estimate(steps: readonly StepNow[], history: JobHistory): Estimate {
  const basis = history.olderVersions ? 'OLDER_VERSIONS' : 'THIS_VERSION';
  const none = (reason: EstimateBasis): Estimate => ({ secondsLeft: null, secondsLeftHigh: null, basis: reason });
  if (!history.job) return none('NO_HISTORY');
  const unknown = steps.some((step) => isLeft(step) && !durationsOf(step, history));
  if (unknown) return none('NO_HISTORY');
  const [secondsLeft, secondsLeftHigh] = [LIKELY, HIGH].map((share) => secondsAt(share, steps, history));
  if (secondsLeft == null || secondsLeftHigh == null) return none('OUTLASTED');
  return { secondsLeft, secondsLeftHigh: Math.max(secondsLeft, secondsLeftHigh), basis };
}

const isLeft = (step: StepNow): boolean => step.pending + step.ready + step.running.length > 0;

const NOTHING: Distribution = { count: 1, min: 0, p10: 0, p50: 0, p90: 0, max: 0 };

/** A Step that was skipped in every run of this very version will take no time. */
function durationsOf(step: StepNow, history: JobHistory): Distribution | undefined {
  const known = history.steps.get(step.name);
  if (known) return known;
  const neverRan = step.conditional && step.running.length === 0 && !history.olderVersions;
  return neverRan ? NOTHING : undefined;
}

/** Null: something has run for longer than ever before. */
function secondsAt(share: number, steps: readonly StepNow[], history: JobHistory): number | null {
  const left = steps.map((step) => leftOf(step, share, history));
  if (left.some((one) => one === null)) return null;
  const known = left.map((one) => one ?? { seconds: 0, work: 0 });
  const path = longestPath(
    known.map(({ seconds }) => seconds),
    steps.map(({ predecessors }) => predecessors),
  );
  const atOnce = steps.reduce((sum, step) => sum + step.running.length, 0);
  const crowded = atOnce > 0 && steps.some((step) => step.ready > 0);
  const work = known.reduce((sum, one) => sum + one.work, 0);
  return crowded ? Math.max(path, work / atOnce) : path;
}

/** What is left of one Step: until its last run ends, and the sum over all its runs. */
function leftOf(step: StepNow, share: number, history: JobHistory): { seconds: number; work: number } | null {
  const durations = durationsOf(step, history);
  if (!isLeft(step) || !durations) return { seconds: 0, work: 0 };
  const running = step.running.map((elapsed) => remaining(durations, elapsed, share));
  if (running.some((seconds) => seconds === null)) return null;
  const rest = running.map((seconds) => seconds ?? 0);
  const waiting = step.pending + step.ready;
  const one = remaining(durations, 0, share) ?? 0;
  const work = rest.reduce((sum, seconds) => sum + seconds, 0) + waiting * one;
  const longest = Math.max(0, ...rest, waiting > 0 ? one : 0);
  return { seconds: Math.max(longest, work / Math.max(1, rest.length)), work };
}

/** The greatest sum of weights on a way through the graph. */
function longestPath(weights: readonly number[], predecessors: readonly (readonly number[])[]): number {
  const ends: number[] = weights.map(() => 0);
  for (const index of orderOf(predecessors)) {
    const start = Math.max(0, ...(predecessors[index] ?? []).map((earlier) => ends[earlier] ?? 0));
    ends[index] = start + (weights[index] ?? 0);
  }
  return Math.max(0, ...ends);
}
