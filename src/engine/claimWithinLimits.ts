/** Taking work when some of it stands under limits: who holds the limits' locks counts what runs, and chooses. */
import { admit, lacking, needsOf } from '../domain/admit';
import type { Database } from '../store/database';
import { takeStepRuns, type Claimed } from '../store/statements/claim';
import { laneHeads, waitingLanes } from '../store/statements/lanes';
import { limitUsage, lockLimits } from '../store/statements/limits';

/**
 * Takes up to `limit` StepRuns, with and without limits, those whose turn it is first. No limit is passed, however many
 * workers ask at once: what is in use is counted after the locks are there, in the same transaction that takes.
 */
export function claimWithinLimits(
  db: Database,
  workerId: string,
  queues: readonly string[],
  limit: number,
): Promise<Claimed> {
  return db.transaction(async (sql) => {
    const lanes = await waitingLanes(sql, queues);
    const keys = [...new Set(lanes.flatMap(({ lane }) => Object.keys(needsOf(lane))))];
    if (keys.length > 0) await lockLimits(sql, keys);
    const usage = keys.length > 0 ? await limitUsage(sql, keys) : new Map<string, never>();
    // The first of a lane without room is looked at as well: it keeps for itself what it waits for.
    const counted = lanes.map((lane) => ({
      ...lane,
      count: lacking(needsOf(lane.lane), usage).length > 0 ? 1 : limit,
    }));
    const heads = await laneHeads(sql, counted);
    const candidates = heads.map(({ id, lane }) => ({ id, needs: needsOf(lane) }));
    return takeStepRuns(sql, workerId, admit(candidates, usage, limit));
  });
}
