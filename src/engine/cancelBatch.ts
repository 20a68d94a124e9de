/** Cancels all of a Batch that has not ended. */
import type { EngineDependencies } from './complete';
import { cancelSubmission } from './cancel';
import { openOfBatch } from '../store/statements/admission';

/** Submissions that are looked for at once. */
const PAGE = 200;
/** Submissions that are cancelled at the same time. */
const AT_ONCE = 4;

/** Returns how many Submissions it cancelled; each on its own, so that a large Batch holds no lock for long. */
export async function cancelBatch(engine: EngineDependencies, batchId: string, reason: string): Promise<number> {
  let cancelled = 0;
  for (let after: string | undefined = '0'; after !== undefined;) {
    const ids: string[] = await openOfBatch(engine.db, batchId, after, PAGE);
    const left = [...ids];
    const next = async (): Promise<void> => {
      for (let id = left.shift(); id !== undefined; id = left.shift())
        if (await cancelSubmission(engine, id, reason)) cancelled += 1;
    };
    await Promise.all(Array.from({ length: AT_ONCE }, next));
    after = ids.length === PAGE ? ids.at(-1) : undefined;
  }
  return cancelled;
}
