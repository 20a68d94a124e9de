/** Pause and go on: what runs is left alone, nothing new starts. From any API process, at once for all workers. */
import { StepcastError } from '../domain/errors';
import { submissionStateEvent } from '../domain/events';
import { isFinalSubmission } from '../domain/states';
import { storableText } from '../domain/text';
import type { Database, Sql } from '../store/database';
import { applyChanges, type Committed } from '../store/statements/changes';
import { lockSubmissions, type LockedSubmission } from '../store/statements/locks';
import {
  holdSubmission,
  pauseQueues,
  releaseSubmission,
  unpauseQueues,
  type Released,
} from '../store/statements/pause';
import type { Announcer } from './announcer';

interface PauseDependencies {
  readonly db: Database;
  readonly announcer: Announcer;
}

/**
 * Holds back all of a Submission that has not started. CONFLICT when it is paused already, has ended, or is being
 * cancelled; NOT_FOUND when there is none.
 */
export function pauseSubmission(dependencies: PauseDependencies, submissionId: string, why: string): Promise<void> {
  return change(dependencies, submissionId, 'SUBMISSION_PAUSED', storableText(why), async (sql, { paused }) => {
    if (paused) throw new StepcastError('CONFLICT', 'It is paused already.');
    await holdSubmission(sql, submissionId);
    return { outbox: [], due: false };
  });
}

/** Lets a paused Submission go on. CONFLICT when it is not paused. */
export function unpauseSubmission(dependencies: PauseDependencies, submissionId: string): Promise<void> {
  return change(dependencies, submissionId, 'SUBMISSION_UNPAUSED', '', async (sql, { paused }) => {
    if (!paused) throw new StepcastError('CONFLICT', 'It is not paused.');
    return releaseSubmission(sql, submissionId);
  });
}

async function change(
  { db, announcer }: PauseDependencies,
  submissionId: string,
  type: 'SUBMISSION_PAUSED' | 'SUBMISSION_UNPAUSED',
  message: string,
  apply: (sql: Sql, submission: LockedSubmission) => Promise<Released>,
): Promise<void> {
  const committed = await db.transaction(async (sql): Promise<Committed> => {
    const submission = (await lockSubmissions(sql, [submissionId])).get(submissionId);
    if (!submission) throw new StepcastError('NOT_FOUND', 'There is no such submission.');
    if (isFinalSubmission(submission.state))
      throw new StepcastError('CONFLICT', `It has ended already, as ${submission.state}.`);
    if (submission.state === 'CANCELLING') throw new StepcastError('CONFLICT', 'It is being cancelled.');
    const released = await apply(sql, submission);
    const event = { ...submissionStateEvent(submissionId, '', message), type, state: null };
    const { events } = await applyChanges(sql, {
      stepRuns: [],
      attempts: [],
      events: [event],
      submissions: [{ id: submissionId, finished: 0 }],
      outbox: [],
      artifacts: [],
    });
    return { events, ...released };
  });
  announcer.committed(committed);
}

/** Nothing is taken any more from the Backend's queues of these priorities. CONFLICT when all of them are paused already. */
export async function pauseBackend(
  { db }: Pick<PauseDependencies, 'db'>,
  backend: string,
  priorities: readonly number[],
  why: string,
): Promise<void> {
  const changed = await pauseQueues(db, backend, priorities, storableText(why));
  if (changed === 0) throw new StepcastError('CONFLICT', `${JSON.stringify(backend)} is paused already.`);
}

/** The Backend's queues of these priorities go on. CONFLICT when none of them is paused. */
export async function unpauseBackend(
  { db, announcer }: PauseDependencies,
  backend: string,
  priorities: readonly number[],
): Promise<void> {
  const { count, outbox } = await db.transaction((sql) => unpauseQueues(sql, backend, priorities));
  if (count === 0) throw new StepcastError('CONFLICT', `${JSON.stringify(backend)} is not paused.`);
  announcer.committed({ events: [], outbox });
}
