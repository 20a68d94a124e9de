/** Changes StepRuns that were found without a lock: each is looked at again under the lock of its Submission. */
import type { Committed } from '../store/statements/changes';
import { lockSubmissions, stepRunsById, type StepRunView } from '../store/statements/locks';
import type { Sql } from '../store/database';
import type { EngineDependencies } from './complete';
import { beginTransition, finishAll, settle, type Transition } from './transition';

/** False: nothing changes, since the StepRun is not as it was found. */
export type Apply = (transition: Transition, view: StepRunView, sql: Sql) => Promise<boolean>;

/** One transaction per Submission: a large recovery never holds many locks for long. */
export async function changeStepRuns(
  { db, plans, announcer }: EngineDependencies,
  found: readonly { id: string; submissionId: string }[],
  apply: Apply,
): Promise<number> {
  let count = 0;
  for (const submissionId of new Set(found.map((one) => one.submissionId))) {
    const ids = found.filter((one) => one.submissionId === submissionId).map((one) => one.id);
    const committed = await db.transaction(async (sql): Promise<Committed | null> => {
      const submission = (await lockSubmissions(sql, [submissionId])).get(submissionId);
      if (!submission) return null;
      const transition = beginTransition(submission, (await plans.byId(submission.jobVersionId, sql)).plan);
      let changed = 0;
      for (const view of await stepRunsById(sql, ids)) {
        if (await apply(transition, view, sql)) changed += 1;
      }
      if (changed === 0) return null;
      await settle(sql, transition);
      count += changed;
      return finishAll(sql, [transition]);
    });
    if (committed) announcer.committed(committed);
  }
  return count;
}
