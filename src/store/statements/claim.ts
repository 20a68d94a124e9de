/** How a worker takes work. Bee-Queue only wakes it; which StepRun it gets is decided here, by rank. */
import type { SubmissionEvent } from '../../domain/events';
import type { Values } from '../../domain/values';
import type { Sql } from '../database';

export interface ClaimedStepRun {
  readonly id: string;
  readonly submissionId: string;
  readonly jobVersionId: string;
  readonly node: number;
  readonly name: string;
  readonly attempt: number;
  readonly queue: string;
  /** The Submission's inputs. */
  readonly inputs: Values;
}

/**
 * Locks the Submissions of the best-ranked ready StepRuns and returns the candidates. Another worker may have taken
 * some of them by the time the lock is held: `takeStepRuns` leaves those out.
 */
export async function lockCandidates(sql: Sql, queues: readonly string[], limit: number): Promise<string[]> {
  const rows = await sql.query<{ ids: string[] }>(
    {
      name: 'lock-candidates',
      text: `
      with best as materialized (
        select id, submission_id from step_run
        where state = 'QUEUED' and queue = any($1::text[])
        order by rank_at, id limit $2
      ), locked as materialized (
        select id from submission where id in (select submission_id from best) order by id for update
      )
      select coalesce(array_agg(b.id::text), '{}') as ids from best b join locked l on l.id = b.submission_id`,
    },
    [queues, limit],
  );
  return rows[0]?.ids ?? [];
}

/** Marks the candidates that are still QUEUED as RUNNING on this worker, with a new Attempt each, and tells it in Events. */
export async function takeStepRuns(
  sql: Sql,
  workerId: string,
  ids: readonly string[],
): Promise<{ claimed: ClaimedStepRun[]; events: SubmissionEvent[] }> {
  const rows = await sql.query<{ claimed: ClaimedStepRun[]; events: SubmissionEvent[] }>(
    {
      name: 'take-step-runs',
      text: `
      with alive as (
        select id from worker where id = $1 and state = 'ALIVE'
      ), taken as (
        update step_run r set state = 'RUNNING', attempt = r.attempt + 1, worker_id = $1, message = '', percent = null,
          started_at = coalesce(r.started_at, clock_timestamp()), finished_at = null
        where r.id = any($2::bigint[]) and r.state = 'QUEUED' and exists (select from alive)
        returning r.id, r.submission_id, r.node, r.name, r.attempt, r.queue
      ), attempts as (
        insert into attempt (step_run_id, number, worker_id, state) select id, attempt, $1, 'RUNNING' from taken
      ), started as (
        select s.id, s.event_seq, s.state = 'QUEUED' as first
        from submission s where s.id in (select submission_id from taken)
      ), numbered as (
        select t.*, s.event_seq + s.first::int + row_number() over (partition by t.submission_id order by t.id) as seq
        from taken t join started s on s.id = t.submission_id
      ), bumped as (
        update submission s set
          event_seq = s.event_seq + (s.state = 'QUEUED')::int + (select count(*) from taken t where t.submission_id = s.id),
          state = case when s.state = 'QUEUED' then 'RUNNING' else s.state end,
          started_at = coalesce(s.started_at, clock_timestamp())
        where s.id in (select submission_id from taken)
      ), events as (
        insert into event (submission_id, seq, type, state, step_run_id, step_name, attempt)
        select id, event_seq + 1, 'SUBMISSION_STATE', 'RUNNING', null::bigint, null, null::int from started where first
        union all
        select submission_id, seq, 'STEP_STATE', 'RUNNING', id, name, attempt from numbered
        returning *
      )
      select
        (select coalesce(jsonb_agg(jsonb_build_object('id', t.id::text, 'submissionId', t.submission_id::text,
          'jobVersionId', s.job_version_id::text, 'node', t.node, 'name', t.name, 'attempt', t.attempt, 'queue', t.queue,
          'inputs', s.inputs) order by t.id), '[]')
          from taken t join submission s on s.id = t.submission_id) as claimed,
        (select coalesce(jsonb_agg(jsonb_build_object('submissionId', submission_id::text, 'seq', seq, 'type', type,
          'state', state, 'stepRunId', step_run_id::text, 'stepName', step_name, 'attempt', attempt, 'percent', percent,
          'message', message, 'at', to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))
          order by submission_id, seq), '[]') from events) as events`,
    },
    [workerId, ids],
  );
  return rows[0] ?? { claimed: [], events: [] };
}
