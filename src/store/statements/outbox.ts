/** Messages that were committed and may not have been sent yet. Sending twice is harmless; not sending is not. */
import type { Sql } from '../database';
import type { Committed } from './changes';

export async function forgetSent(sql: Sql, outboxIds: readonly string[]): Promise<void> {
  await sql.query({ name: 'forget-sent', text: `delete from outbox where id = any($1::bigint[])` }, [outboxIds]);
}

/** Messages whose sender seems to have died before it sent them. */
export function unsent(sql: Sql, olderThanSeconds: number, limit: number): Promise<Committed['outbox'][number][]> {
  return sql.query(
    {
      name: 'unsent',
      text: `select id as "outboxId", queue, priority, step_run_id as "stepRunId", attempt from outbox
             where created_at < now() - make_interval(secs => $1::float) order by id limit $2`,
    },
    [olderThanSeconds, limit],
  );
}

export interface QueueDepth {
  readonly queue: string;
  readonly priority: number;
  readonly queued: number;
  readonly running: number;
  readonly oldestSeconds: number | null;
}

/** Ready and running StepRuns by queue and priority. */
export function queueDepths(sql: Sql): Promise<QueueDepth[]> {
  return sql.query({
    name: 'queue-depths',
    text: `select queue, priority, count(*) filter (where state = 'QUEUED')::int as queued,
               count(*) filter (where state = 'RUNNING')::int as running,
               extract(epoch from now() - min(ready_at) filter (where state = 'QUEUED'))::float as "oldestSeconds"
             from (select * from step_run where state = 'QUEUED' union all select * from step_run where state = 'RUNNING') as r
             group by queue, priority order by queue, priority`,
  });
}

/** How many StepRuns are ready and wait for a worker, counted no further than `limit`. */
export async function queuedCount(sql: Sql, limit: number): Promise<number> {
  const rows = await sql.query<{ count: number }>(
    {
      name: 'queued-count',
      text: `select count(*)::int as count from (
               select from step_run where state in ('QUEUED', 'PENDING', 'RETRYING') limit $1) as waiting`,
    },
    [limit],
  );
  return rows[0]?.count ?? 0;
}
