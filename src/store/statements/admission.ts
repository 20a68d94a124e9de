/** Open submissions of one submitter, and those that ended lately. */
import type { Recent } from '../../domain/admission';
import type { Sql } from '../database';

/** How many submissions of the submitter have not ended, counted no further than `limit`. */
export async function openCount(sql: Sql, submitter: string, limit: number): Promise<number> {
  const rows = await sql.query<{ count: number }>(
    {
      name: 'open-count',
      text: `select count(*)::int as count from (
               select from submission where submitter = $1 and state in ('QUEUED', 'RUNNING', 'CANCELLING') limit $2
             ) as open`,
    },
    [submitter, limit],
  );
  return rows[0]?.count ?? 0;
}

/** What ended lately is of at most so many submissions within so many seconds. */
const RECENT_COUNT = 1_000;
const RECENT_SECONDS = 600;

/** The submitter's newest ends. */
export async function recentEnds(sql: Sql, submitter: string): Promise<Recent> {
  const rows = await sql.query<Recent>(
    {
      name: 'recent-ends',
      text: `select count(*)::int as count, coalesce(extract(epoch from now() - min(finished_at)), 0)::float as seconds from (
               select finished_at from submission
               where submitter = $1 and finished_at > now() - interval '${RECENT_SECONDS} seconds'
               order by finished_at desc limit ${RECENT_COUNT}
             ) as newest`,
    },
    [submitter],
  );
  return rows[0] ?? { count: 0, seconds: 0 };
}

/** Submissions of a Batch that have not ended, behind `after`, in the order of their ids. */
export async function openOfBatch(sql: Sql, batchId: string, after: string, limit: number): Promise<string[]> {
  const rows = await sql.query<{ id: string }>(
    {
      name: 'open-of-batch',
      text: `select id from submission where batch_id = $1 and id > $2 and state in ('QUEUED', 'RUNNING')
             order by id limit $3`,
    },
    [batchId, after, limit],
  );
  return rows.map((row) => row.id);
}
