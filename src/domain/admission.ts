/** What becomes of a submission by how many others of its submitter are open: as asked, less urgent, or refused. Pure. */
import { PRIORITIES, priorityOf, priorityRank, type Priority } from './states';

/** Open submissions of one submitter; null: no bound. */
export interface AdmissionLimits {
  /** Beyond it, a new one has the next lower priority than asked for. */
  readonly lowerBeyond: number | null;
  /** Beyond it, a new one is refused. */
  readonly refuseBeyond: number | null;
}

export const NO_ADMISSION_LIMITS: AdmissionLimits = { lowerBeyond: null, refuseBeyond: null };

/** The priority of a new submission whose submitter has `open` others. */
export function admittedPriority(asked: Priority, open: number, { lowerBeyond }: AdmissionLimits): Priority {
  if (lowerBeyond === null || open < lowerBeyond) return asked;
  return priorityOf(Math.min(priorityRank(asked) + 1, PRIORITIES.length - 1));
}

/** How many of `count` new submissions are too many, when `open` are open already. */
export function tooMany(open: number, count: number, { refuseBeyond }: AdmissionLimits): number {
  return refuseBeyond === null ? 0 : Math.max(0, open + count - refuseBeyond);
}

/** What of a submitter ended lately. */
export interface Recent {
  readonly count: number;
  /** How long ago the first of them ended. */
  readonly seconds: number;
}

/** Told when nothing has ended lately from which one could tell. */
const UNKNOWN_SECONDS = 60;
const LEAST_SECONDS = 1;
const MOST_SECONDS = 3_600;

/** When there should be room for `excess` more, going by how fast others ended; from a second to an hour. */
export function retryAfterSeconds(excess: number, recent: Recent): number {
  if (recent.count === 0) return UNKNOWN_SECONDS;
  const each = Math.max(recent.seconds, LEAST_SECONDS) / recent.count;
  return Math.min(Math.max(Math.ceil(excess * each), LEAST_SECONDS), MOST_SECONDS);
}
