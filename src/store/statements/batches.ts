/** How the Submissions of a Batch stand. */
import type { SubmissionState } from '../../domain/states';
import type { Sql } from '../database';

/** By state, those on their way out left out. */
export function batchStates(sql: Sql, batchId: string): Promise<{ state: SubmissionState; count: number }[]> {
  return sql.query(
    {
      name: 'batch-states',
      text: `select state, count(*)::int as count from submission
             where batch_id = $1 and delete_requested_at is null group by state order by state`,
    },
    [batchId],
  );
}
