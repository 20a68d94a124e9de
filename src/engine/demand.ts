/** What there is to do for workers, for those who decide how many there shall be. */
import { needsOf } from '../domain/admit';
import { startable } from '../domain/scaling';
import type { Sql } from '../store/database';
import { backlogs, type Backlog } from '../store/statements/lanes';
import { limitUsage } from '../store/statements/limits';

/**
 * What would start from these queues if there were slots enough, by lane: pauses and limits hold back the rest. Each lane is
 * counted up to `limit`. It is a reading, made without locks.
 */
export async function startableWork(sql: Sql, queues: readonly string[], limit: number): Promise<Backlog[]> {
  const waiting = await backlogs(sql, queues, limit);
  const keys = [...new Set(waiting.flatMap(({ lane }) => Object.keys(needsOf(lane))))];
  return startable(waiting, keys.length > 0 ? await limitUsage(sql, keys) : new Map<string, never>());
}
