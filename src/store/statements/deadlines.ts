/** Moments by which something must have started or ended. The columns are set where their rows become ready. */
import type { Sql, Statement } from '../database';

/** Something whose deadline has passed: a Submission, a StepRun that took too long, or one that nobody started. */
export interface PassedDeadline {
  readonly kind: 'SUBMISSION' | 'STEP' | 'QUEUE';
  readonly submissionId: string;
  /** Of a SUBMISSION it is none. */
  readonly stepRunId: string | null;
}

/** Each part goes through a partial index of its own, which holds only rows that have a deadline. */
export const PASSED_DEADLINES: Statement = {
  name: 'passed-deadlines',
  text: `
  (select 'SUBMISSION' as kind, id as "submissionId", null::bigint as "stepRunId" from submission
   where deadline <= now() and state in ('QUEUED', 'RUNNING') and paused_at is null order by deadline limit $1)
  union all
  (select 'STEP', r.submission_id, r.id from step_run r join submission s on s.id = r.submission_id
   where r.deadline <= now() and r.state in ('QUEUED', 'RUNNING', 'RETRYING')
     and ((r.state = 'RUNNING' and r.kind = 'TASK') or s.paused_at is null) order by r.deadline limit $1)
  union all
  (select 'QUEUE', submission_id, id from step_run
   where queue_deadline <= now() and state = 'QUEUED' and not held order by queue_deadline limit $1)`,
};

/**
 * What is out of time, up to `limit` of each kind, the longest first. While a Submission is paused its clocks stand still,
 * but for those of Tasks that run.
 */
export function passedDeadlines(sql: Sql, limit: number): Promise<PassedDeadline[]> {
  return sql.query(PASSED_DEADLINES, [limit]);
}

/** False: another process was first. Otherwise the Submission is not found again. The caller holds its lock. */
export async function takeDeadline(sql: Sql, submissionId: string): Promise<boolean> {
  const rows = await sql.query(
    {
      name: 'take-deadline',
      text: `update submission set deadline = null where id = $1 and deadline <= now() returning id`,
    },
    [submissionId],
  );
  return rows.length > 0;
}

/**
 * Which of these StepRuns are still out of time. Those that run are not found again, and their workers are asked to stop
 * them. The caller holds the lock.
 */
export async function takeStepDeadlines(
  sql: Sql,
  stepRunIds: readonly string[],
): Promise<ReadonlyMap<string, 'STEP' | 'QUEUE'>> {
  const rows = await sql.query<{ id: string; kind: 'STEP' | 'QUEUE' }>(
    {
      name: 'take-step-deadlines',
      text: `
      with stopped as (
        update step_run set deadline = null, failure = 'STEP_TIMEOUT', cancel_requested = cancel_requested or kind = 'TASK'
        where id = any($1::bigint[]) and state = 'RUNNING' and deadline <= now()
        returning id
      )
      select id, 'STEP' as kind from stopped
      union all
      select id, case when deadline <= now() then 'STEP' else 'QUEUE' end from step_run
      where id = any($1::bigint[]) and ((state in ('QUEUED', 'RETRYING') and deadline <= now())
        or (state = 'QUEUED' and not held and queue_deadline <= now()))`,
    },
    [stepRunIds],
  );
  return new Map(rows.map((row) => [row.id, row.kind]));
}
