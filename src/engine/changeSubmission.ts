/** One Submission changes by what was found in the database, and not by a report: the way of the reconciler. */
import type { FailureKind } from '../domain/failure';
import type { Sql } from '../store/database';
import { lockSubmissions, type StepRunView } from '../store/statements/locks';
import type { EngineDependencies } from './complete';
import { beginTransition, endRun, failSubmission, finishAll, settle, type Transition } from './transition';

/**
 * Locks the Submission and lets `apply` change it; nothing is written when that returns 0. Returns what it returned. One
 * transaction per Submission: a large recovery never holds many locks for long.
 */
export async function changeSubmission(
  { db, plans, announcer }: EngineDependencies,
  submissionId: string,
  apply: (transition: Transition, sql: Sql) => Promise<number>,
): Promise<number> {
  const outcome = await db.transaction(async (sql) => {
    const submission = (await lockSubmissions(sql, [submissionId])).get(submissionId);
    if (!submission) return null;
    const transition = beginTransition(submission, (await plans.byId(submission.jobVersionId, sql)).plan);
    const changed = await apply(transition, sql);
    if (changed === 0) return null;
    await settle(sql, transition);
    return { changed, cancel: transition.cancel, committed: await finishAll(sql, [transition]) };
  });
  if (outcome === null) return 0;
  announcer.committed(outcome.committed);
  if (outcome.cancel.length > 0) announcer.cancelRequested(outcome.cancel);
  return outcome.changed;
}

interface StepFailure {
  readonly reason: string;
  readonly failure?: FailureKind;
  readonly lost?: number;
  /** What runs beside it is stopped as well. */
  readonly stopRunning?: boolean;
}

/** A StepRun fails for good without the word of a worker, and its Submission with it. */
export async function failStep(
  sql: Sql,
  transition: Transition,
  view: StepRunView,
  { reason, stopRunning = false, ...more }: StepFailure,
): Promise<void> {
  endRun(transition, view, 'FAILED', { ...more, message: reason });
  await failSubmission(sql, transition, view, reason, { stopRunning });
}
