/** Ends all of a Submission that has not ended, in one statement, however much it is. The Submission is locked by the caller. */
import type { SubmissionEvent } from '../../domain/events';
import type { Sql } from '../database';
import { EVENT_JSON, type Committed } from './changes';

/** More Events than these are not told one by one: whoever follows them reads them. */
const TOLD = 50;

export interface WoundDown extends Committed {
  /** How many StepRuns ended here. */
  readonly ended: number;
  /** StepRuns that run and shall be stopped by their workers. */
  readonly cancel: readonly string[];
}

/**
 * What waits ends as `state`, what runs is asked to stop if `stopRunning`. Rows that scatter or run a Job end as well:
 * those above `failedId` as FAILED, since it failed in them.
 */
export async function windDownRows(
  sql: Sql,
  submissionId: string,
  rest: {
    readonly state: 'SKIPPED' | 'CANCELLED';
    readonly reason: string;
    readonly stopRunning: boolean;
    readonly failedId: string | null;
  },
): Promise<WoundDown> {
  const rows = await sql.query<{ events: SubmissionEvent[]; ended: number; cancel: string[] }>(
    {
      name: 'wind-down',
      text: `
      with recursive above as (
        select parent_id as id from step_run where id = $5::bigint
        union all
        select r.parent_id from step_run r join above a on r.id = a.id
      ), asked as (
        update step_run set cancel_requested = true
        where submission_id = $1 and state = 'RUNNING' and kind = 'TASK' and $4 and not cancel_requested
        returning id
      ), ended as (
        update step_run set state = case when id in (select id from above) then 'FAILED' else $2 end, message = $3,
          due_at = null, finished_at = clock_timestamp()
        where submission_id = $1 and (state in ('PENDING', 'QUEUED', 'RETRYING') or (state = 'RUNNING' and kind <> 'TASK'))
        returning id, submission_id, name, attempt, state
      ), numbered as (
        select e.*, row_number() over (order by id) as nth from ended e
      ), events as (
        insert into event (submission_id, seq, type, state, step_run_id, step_name, attempt, message)
        select n.submission_id, s.event_seq + n.nth, 'STEP_STATE', n.state, n.id, n.name, nullif(n.attempt, 0), $3
        from numbered n join submission s on s.id = n.submission_id order by n.id
        returning *
      ), counted as (
        update submission s set event_seq = s.event_seq + (select count(*) from ended),
          unfinished = s.unfinished - (select count(*) from ended)
        where s.id = $1
      )
      select
        (select coalesce(jsonb_agg(${EVENT_JSON} order by seq), '[]')
          from (select * from events order by seq desc limit ${TOLD}) as told) as events,
        (select count(*)::int from ended) as ended,
        (select coalesce(jsonb_agg(id::text), '[]') from asked) as cancel`,
    },
    [submissionId, rest.state, rest.reason, rest.stopRunning, rest.failedId],
  );
  const row = rows[0] ?? { events: [], ended: 0, cancel: [] };
  return { ...row, outbox: [] };
}

/**
 * Asks the workers to stop what runs of one StepRun: itself, or the parts of a scatter or nested Job at any depth. Returns
 * what they shall stop. It looks from what runs, which is little, upwards.
 */
export async function stopBelow(sql: Sql, submissionId: string, stepRunId: string): Promise<string[]> {
  const rows = await sql.query<{ id: string }>(
    {
      name: 'stop-below',
      text: `
      with recursive up as (
        select id as running, id from step_run where submission_id = $1 and state = 'RUNNING' and kind = 'TASK'
        union all
        select u.running, r.parent_id from up u join step_run r on r.id = u.id where r.parent_id is not null
      )
      update step_run set cancel_requested = true where id in (select running from up where id = $2) returning id`,
    },
    [submissionId, stepRunId],
  );
  return rows.map((row) => row.id);
}
