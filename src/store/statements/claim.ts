/** How a worker takes work. Bee-Queue only wakes it; which StepRun it gets is decided here, by rank. */
import type { Resources } from '../../domain/definitions';
import type { SubmissionEvent } from '../../domain/events';
import type { Values } from '../../domain/values';
import type { Sql } from '../database';

/** How long an older, less urgent step must have waited to go before a newer one of the next higher priority. */
export const AGING_SECONDS = 60;

/**
 * SQL: when the turn of a step comes, against those of other queues and priorities. That goes by how long it has waited;
 * within a queue and priority the rank decides, so none comes before those that stand before it.
 */
const TURN = `max(ready_at) over (partition by queue, priority order by rank_at, id)
            + make_interval(secs => priority * ${AGING_SECONDS})`;

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
  /** Its Attempts that used too much memory. */
  readonly outOfMemory: number;
}

/**
 * Takes the best-ranked ready StepRuns for this worker: they are RUNNING, with a new Attempt each, and Events tell it.
 * One statement: `locked` waits for whoever holds a Submission and then sees its newest row, and so does the update of
 * what others may have taken meanwhile (READ COMMITTED looks again at a row that changed while it waited).
 */
export async function claimStepRuns(
  sql: Sql,
  workerId: string,
  queues: readonly string[],
  limit: number,
): Promise<{ claimed: ClaimedStepRun[]; events: SubmissionEvent[] }> {
  const rows = await sql.query<{ claimed: ClaimedStepRun[]; events: SubmissionEvent[] }>(
    {
      name: 'claim-step-runs',
      text: `
      with line as materialized (
        select q.queue, p.priority from unnest($2::text[]) as q(queue), generate_series(0, 2) as p(priority)
        where exists (select from worker where id = $1 and state = 'ALIVE')
          and not exists (select from queue_pause z where z.queue = q.queue and z.priority = p.priority)
      ), head as materialized (
        select l.queue, l.priority, c.* from line l cross join lateral (
          select r.id, r.submission_id, r.rank_at, r.ready_at from step_run r
          where r.state = 'QUEUED' and not r.held and r.queue = l.queue and r.priority = l.priority and r.lane = ''
          order by r.rank_at, r.id limit $3
        ) c
      ), best as materialized (
        select id, submission_id from (
          select *, ${TURN} as turn from head
        ) as waiting
        order by turn, priority, rank_at, id limit $3
      ), locked as materialized (
        select id, event_seq, state, job_version_id, inputs from submission
        where id in (select submission_id from best) order by id for update
      ), taken as (
        update step_run r set state = 'RUNNING', attempt = r.attempt + 1, worker_id = $1, message = '', percent = null,
          started_at = coalesce(r.started_at, clock_timestamp()), finished_at = null
        from best b join locked l on l.id = b.submission_id
        where r.id = b.id and r.state = 'QUEUED'
        returning r.id, r.submission_id, r.node, r.name, r.attempt, r.queue, r.out_of_memory
      ), attempts as (
        insert into attempt (step_run_id, number, worker_id, state) select id, attempt, $1, 'RUNNING' from taken
      ), started as (
        select id, event_seq, state = 'QUEUED' as first from locked where id in (select submission_id from taken)
      ), numbered as (
        select t.*, s.event_seq + s.first::int + row_number() over (partition by t.submission_id order by t.id) as seq
        from taken t join started s on s.id = t.submission_id
      ), bumped as (
        update submission s set
          event_seq = l.event_seq + l.first::int + (select count(*) from taken t where t.submission_id = s.id),
          state = case when l.first then 'RUNNING' else s.state end,
          started_at = coalesce(s.started_at, clock_timestamp())
        from started l where s.id = l.id
      ), events as (
        insert into event (submission_id, seq, type, state, step_run_id, step_name, attempt)
        select id, event_seq + 1, 'SUBMISSION_STATE', 'RUNNING', null::bigint, null, null::int from started where first
        union all
        select submission_id, seq, 'STEP_STATE', 'RUNNING', id, name, attempt from numbered
        returning *
      )
      select
        (select coalesce(jsonb_agg(jsonb_build_object('id', t.id::text, 'submissionId', t.submission_id::text,
          'jobVersionId', l.job_version_id::text, 'node', t.node, 'name', t.name, 'attempt', t.attempt, 'queue', t.queue,
          'inputs', l.inputs, 'outOfMemory', t.out_of_memory) order by t.id), '[]')
          from taken t join locked l on l.id = t.submission_id) as claimed,
        (select coalesce(jsonb_agg(jsonb_build_object('submissionId', submission_id::text, 'seq', seq, 'type', type,
          'state', state, 'stepRunId', step_run_id::text, 'stepName', step_name, 'attempt', attempt, 'percent', percent,
          'message', message, 'at', to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))
          order by submission_id, seq), '[]') from events) as events`,
    },
    [workerId, queues, limit],
  );
  return rows[0] ?? { claimed: [], events: [] };
}

/** Notes what Attempts were given; those of Tasks that declare nothing need no note. */
export async function noteResources(
  sql: Sql,
  notes: readonly { readonly stepRunId: string; readonly attempt: number; readonly resources: Resources }[],
): Promise<void> {
  const given = notes.filter(({ resources }) => Object.keys(resources).length > 0);
  if (given.length === 0) return;
  await sql.query(
    {
      name: 'note-resources',
      text: `update attempt a set resources = x.resources
             from jsonb_to_recordset($1::jsonb) as x("stepRunId" bigint, attempt int, resources jsonb)
             where a.step_run_id = x."stepRunId" and a.number = x.attempt`,
    },
    [JSON.stringify(given.map(({ stepRunId, attempt, resources }) => ({ stepRunId, attempt, resources })))],
  );
}
