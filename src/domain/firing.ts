/**
 * What submits by itself: Schedules, which fire at times, and Triggers, which fire by a webhook or when a Submission ends.
 * Each firing is recorded once, with the Submission it became or the reason why it became none.
 */
import type { CronTimes } from './cron';
import { digestOf } from './digest';
import { unreachable } from './errors';
import type { Binding } from './binding';
import { isFinalSubmission, type Priority, type SubmissionState } from './states';

/** What happens to a firing while a Submission of an earlier one has not ended. */
export const OVERLAPS = ['SKIP', 'QUEUE', 'CANCEL_RUNNING', 'ALLOW'] as const;
export type Overlap = (typeof OVERLAPS)[number];

/** Which of the times fire that passed while no server ran. */
export const CATCH_UPS = ['NONE', 'LATEST', 'ALL'] as const;
export type CatchUp = (typeof CATCH_UPS)[number];

interface Firer {
  readonly name: string;
  readonly description: string;
  /** The Job that is submitted: always its current version. */
  readonly job: string;
  /** By input of the Job. What is missing takes the input's default. */
  readonly inputs: Readonly<Record<string, Binding>>;
  readonly priority: Priority;
  /** The label of the Submissions. */
  readonly label: string;
  /** False: it does nothing. Unlike a pause, this is a part of the definition. */
  readonly enabled: boolean;
}

export interface ScheduleSpec extends Firer, CronTimes {
  readonly overlap: Overlap;
  readonly catchUp: CatchUp;
  /** With catch-up ALL: of the missed times, the latest so many fire. */
  readonly catchUpLimit: number;
  /** Each firing starts up to so many seconds later; always the same delay for the same firing. */
  readonly jitterSeconds: number;
}

export const COMPLETIONS = ['SUCCEEDED', 'FAILED', 'ANY'] as const;
export type Completion = (typeof COMPLETIONS)[number];

export interface TriggerSpec extends Firer {
  readonly on:
    | {
        readonly kind: 'WEBHOOK';
        /** The name of the secret that signs calls; its value is a setting. */
        readonly secret: string;
        /** Calls that are taken in one minute. */
        readonly perMinute: number;
      }
    | { readonly kind: 'COMPLETION'; readonly job: string; readonly ending: Completion };
}

/** Schedules and Triggers of one server. */
export const MAX_FIRERS = 1_000;
/** Firings of one Schedule or Trigger that are kept; older ones are forgotten. */
export const FIRINGS_KEPT = 1_000;
/** Firings of one Schedule that may wait at once for an earlier Submission to end. */
export const MAX_WAITING = 100;
/** The most times that catch-up ALL may make good. */
export const MAX_CATCH_UP = 1_000;
/** Missed times that are recorded one by one as skipped. */
export const MISSED_RECORDED = 100;
/** A time that is found later than this was missed; before, the server was only busy. */
export const ON_TIME_MS = 60_000;
/** Completions in a row that may each have caused the next. */
export const MAX_CHAIN = 16;

/** The delay of one firing in seconds, below `jitterSeconds`: spread over schedules and times, but never random. */
export function jitterOf(schedule: Pick<ScheduleSpec, 'name' | 'jitterSeconds'>, time: number): number {
  if (schedule.jitterSeconds <= 0) return 0;
  const share = parseInt(digestOf([schedule.name, time]).slice(0, 8), 16) / 2 ** 32;
  return Math.floor(share * schedule.jitterSeconds * 1_000) / 1_000;
}

/** What a firing may become at once. */
export interface PlannedFiring {
  readonly time: number;
  readonly fate: { readonly kind: 'fire' } | { readonly kind: 'skip'; readonly reason: string };
}

/** The times that passed since the last look, latest last, and what becomes of each. `now` is the end of the look. */
export function planTimes(
  { catchUp, catchUpLimit }: Pick<ScheduleSpec, 'catchUp' | 'catchUpLimit'>,
  times: readonly number[],
  now: number,
): PlannedFiring[] {
  const missed = times.filter((time) => now - time > ON_TIME_MS);
  const onTime = times.slice(missed.length);
  const made = madeGood(catchUp, catchUpLimit, missed, onTime.length > 0);
  const reason = MISSED_REASONS[catchUp];
  const skipped = missed
    .slice(0, missed.length - made)
    .slice(-MISSED_RECORDED)
    .map((time): PlannedFiring => ({ time, fate: { kind: 'skip', reason } }));
  const fired = [...missed.slice(missed.length - made), ...onTime];
  return [...skipped, ...fired.map((time): PlannedFiring => ({ time, fate: { kind: 'fire' } }))];
}

/** How many of the missed times fire: the latest ones. */
function madeGood(catchUp: CatchUp, limit: number, missed: readonly number[], anyOnTime: boolean): number {
  switch (catchUp) {
    case 'NONE':
      return 0;
    case 'LATEST':
      return anyOnTime ? 0 : Math.min(1, missed.length);
    case 'ALL':
      return Math.min(limit, missed.length);
    default:
      return unreachable(catchUp);
  }
}

const MISSED_REASONS: Readonly<Record<CatchUp, string>> = {
  NONE: 'Missed: no server ran at that time, and catch-up is NONE.',
  LATEST: 'Missed: no server ran at that time, and catch-up LATEST makes good the latest time alone.',
  ALL: 'Missed: no server ran at that time, and more times were missed than catch-up makes good.',
};

/** A Submission of an earlier firing. */
export interface EarlierRun {
  readonly submissionId: string;
  readonly state: SubmissionState;
}

export type OverlapDecision =
  | { readonly kind: 'submit' }
  | { readonly kind: 'skip'; readonly reason: string }
  | { readonly kind: 'wait'; readonly reason: string }
  | { readonly kind: 'cancel'; readonly submissionIds: readonly string[] };

/**
 * What a firing does that is due. `earlierDue` counts firings that are due before it and have not come to an end,
 * `ahead` those of them that wait as this one would.
 */
export function decideOverlap(overlap: Overlap, earlier: readonly EarlierRun[], earlierDue: number): OverlapDecision {
  if (overlap === 'ALLOW') return { kind: 'submit' };
  if (earlierDue >= MAX_WAITING)
    return { kind: 'skip', reason: `Skipped: ${MAX_WAITING} earlier firings wait already.` };
  if (earlierDue > 0) return { kind: 'wait', reason: 'Waits for an earlier firing.' };
  const open = earlier.filter(({ state }) => !isFinalSubmission(state));
  if (open.length === 0) return { kind: 'submit' };
  switch (overlap) {
    case 'SKIP':
      return { kind: 'skip', reason: 'Skipped: the submission of an earlier firing has not ended.' };
    case 'QUEUE':
      return { kind: 'wait', reason: 'Waits until the submission of an earlier firing has ended.' };
    case 'CANCEL_RUNNING': {
      const running = open.filter(({ state }) => state !== 'CANCELLING').map(({ submissionId }) => submissionId);
      return running.length === 0 ? { kind: 'submit' } : { kind: 'cancel', submissionIds: running };
    }
    default:
      return unreachable(overlap);
  }
}

/** Whether an end is one that the Trigger waits for. */
export function isAwaited(ending: Completion, state: SubmissionState): boolean {
  return ending === 'ANY' ? isFinalSubmission(state) : ending === state;
}

/** Jobs in a circle, each started by the end of the one before; null when there is none. */
export function triggerCycle(
  triggers: readonly TriggerSpec[],
): { readonly trigger: string; readonly jobs: readonly string[] } | null {
  const started = new Map<string, TriggerSpec[]>();
  for (const trigger of triggers) {
    if (trigger.on.kind === 'COMPLETION')
      started.set(trigger.on.job, [...(started.get(trigger.on.job) ?? []), trigger]);
  }
  const done = new Set<string>();
  // Without recursion: a chain may be as long as there are triggers.
  for (const root of started.keys()) {
    const path: { job: string; next: number }[] = [{ job: root, next: 0 }];
    const onPath = new Set([root]);
    while (path.length > 0) {
      const top = path[path.length - 1];
      if (!top) break;
      const trigger = done.has(top.job) ? undefined : started.get(top.job)?.[top.next];
      top.next += 1;
      if (!trigger) {
        done.add(top.job);
        onPath.delete(top.job);
        path.pop();
      } else if (onPath.has(trigger.job)) {
        const jobs = path.map(({ job }) => job);
        return { trigger: trigger.name, jobs: [...jobs.slice(jobs.indexOf(trigger.job)), trigger.job] };
      } else {
        onPath.add(trigger.job);
        path.push({ job: trigger.job, next: 0 });
      }
    }
  }
  return null;
}
