/** Changes StepRuns that were found without a lock: each is looked at again under the lock of its Submission. */
import type { Sql } from '../store/database';
import { stepRunsById, type StepRunView } from '../store/statements/locks';
import { changeSubmission } from './changeSubmission';
import type { EngineDependencies } from './complete';
import type { Transition } from './transition';

/** False: nothing changes, since the StepRun is not as it was found. */
export type Apply = (transition: Transition, view: StepRunView, sql: Sql) => Promise<boolean>;

/** One transaction per Submission: a large recovery never holds many locks for long. Returns how many changed. */
export async function changeStepRuns(
  engine: EngineDependencies,
  found: readonly { readonly id: string; readonly submissionId: string }[],
  apply: Apply,
): Promise<number> {
  let count = 0;
  for (const submissionId of new Set(found.map((one) => one.submissionId))) {
    const ids = found.filter((one) => one.submissionId === submissionId).map((one) => one.id);
    count += await changeSubmission(engine, submissionId, async (transition, sql) => {
      let changed = 0;
      for (const view of await stepRunsById(sql, ids)) if (await apply(transition, view, sql)) changed += 1;
      return changed;
    });
  }
  return count;
}
