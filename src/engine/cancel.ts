/** Cancel and delete: from any API process, effective wherever the work runs. */
import { StepcastError } from '../domain/errors';
import { submissionStateEvent } from '../domain/events';
import { isFinalSubmission } from '../domain/states';
import { storableText } from '../domain/text';
import { lockSubmissions } from '../store/statements/locks';
import type { EngineDependencies } from './complete';
import { beginTransition, finishAll, settle, windDown } from './transition';

/**
 * Cancels a Submission: what waits never starts, what runs is stopped by its worker. Returns false when it had ended
 * already. NOT_FOUND when there is none.
 */
export async function cancelSubmission(
  { db, plans, announcer }: EngineDependencies,
  submissionId: string,
  why: string,
  options: { readonly deleteAfterwards?: boolean } = {},
): Promise<boolean> {
  const reason = storableText(why);
  const outcome = await db.transaction(async (sql) => {
    const submission = (await lockSubmissions(sql, [submissionId])).get(submissionId);
    if (!submission) throw new StepcastError('NOT_FOUND', 'There is no such submission.');
    if (options.deleteAfterwards) {
      await sql.query(
        {
          name: 'request-delete',
          text: `update submission set delete_requested_at = coalesce(delete_requested_at, now()) where id = $1`,
        },
        [submissionId],
      );
    }
    if (isFinalSubmission(submission.state)) return { changed: false, cancel: [], committed: null };
    const { plan } = await plans.byId(submission.jobVersionId, sql);
    const transition = beginTransition(submission, plan);
    transition.message ??= reason;
    if (submission.state !== 'CANCELLING') {
      transition.events.push({
        ...submissionStateEvent(submissionId, '', reason),
        type: 'CANCEL_REQUESTED',
        state: null,
      });
    }
    await windDown(sql, transition, 'CANCELLED', { state: 'CANCELLED', reason, stopRunning: true });
    await settle(sql, transition);
    return { changed: true, cancel: transition.cancel, committed: await finishAll(sql, [transition]) };
  });
  if (outcome.committed) announcer.committed(outcome.committed);
  if (outcome.cancel.length > 0) announcer.cancelRequested(outcome.cancel);
  return outcome.changed;
}
