/** How a worker takes work. Bee-Queue only wakes it; which StepRun it gets is decided here, by rank. */
import type { Resources } from '../../domain/definitions';
import type { SubmissionEvent } from '../../domain/events';
import type { Values } from '../../domain/values';
import type { Sql, Statement } from '../database';
import { lines, TURN } from './lanes';

export interface ClaimedStepRun {
  readonly id: string;
  readonly submissionId: string;
  readonly jobVersionId: string;
  readonly scopeId: string;
  readonly parentId: string | null;
  readonly job: string;
  readonly node: number;
  readonly scatterIndex: number;
  readonly name: string;
  readonly attempt: number;
  readonly queue: string;
  /** What the planner resolved for it: an element's own values, and computed ones. */
  readonly inputs: Values | null;
  /** Its Attempts that used too much memory. */
  readonly outOfMemory: number;
  /** Its Submission lets it take the result of equal work. */
  readonly reuse: boolean;
  /** The Submission whose results it takes where they fit. */
  readonly reuseFrom: string | null;
  /** Steps of its Submission that run again in any case, with all that stands after them. */
  readonly rerun: readonly string[];
}

/** What a worker took, and what others should hear of it. */
export interface Claimed {
  readonly claimed: readonly ClaimedStepRun[];
  readonly events: readonly SubmissionEvent[];
  /** Steps with limits wait as well: nothing was taken, since which of all goes first is decided under locks. */
  readonly limited: boolean;
}

/**
 * SQL: whether a StepRun that is known by its id is still ready. It is written so that the indexes of what is ready do not
 * fit: with few rows in its statistics the planner would read the whole queue in place of the few rows that are meant.
 */
const STILL_READY = (row: string): string => `${row}.state || '' = 'QUEUED' and (${row}.held or false) = false`;

/**
 * Takes the StepRuns that the CTE `best` names for this worker: they are RUNNING, with a new Attempt each, and Events tell
 * it. One statement: `locked` waits for whoever holds a Submission and then sees its newest row, and so does the update of
 * what others may have taken meanwhile (READ COMMITTED looks again at a row that changed while it waited).
 */
const taking = (name: string, best: string, limited: string): Statement => ({
  name,
  text: `
      with ${best}
      ), locked as materialized (
        select id, event_seq, state, job_version_id, reuse, reuse_from, rerun from submission
        where id in (select submission_id from best) order by id for update
      ), taken as (
        update step_run r set state = 'RUNNING', attempt = r.attempt + 1, worker_id = $1, message = '', percent = null,
          started_at = coalesce(r.started_at, clock_timestamp()), finished_at = null
        from best b join locked l on l.id = b.submission_id
        where r.id = b.id and ${STILL_READY('r')}
        returning r.id, r.submission_id, r.scope_id, r.parent_id, r.job, r.node, r.scatter_index, r.name, r.attempt, r.queue,
          r.inputs, r.out_of_memory
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
          'jobVersionId', l.job_version_id::text, 'scopeId', t.scope_id::text, 'parentId', t.parent_id::text, 'job', t.job,
          'node', t.node, 'scatterIndex', t.scatter_index, 'name', t.name, 'attempt', t.attempt, 'queue', t.queue,
          'inputs', t.inputs, 'outOfMemory', t.out_of_memory, 'reuse', l.reuse, 'reuseFrom', l.reuse_from::text,
          'rerun', l.rerun) order by t.id), '[]')
          from taken t join locked l on l.id = t.submission_id) as claimed,
        (select coalesce(jsonb_agg(jsonb_build_object('submissionId', submission_id::text, 'seq', seq, 'type', type,
          'state', state, 'stepRunId', step_run_id::text, 'stepName', step_name, 'attempt', attempt, 'percent', percent,
          'message', message, 'at', to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))
          order by submission_id, seq), '[]') from events) as events,
        ${limited} as limited`,
});

const CLAIM = taking(
  'claim-step-runs',
  `line as materialized (
        select * from (${lines('$2')}) as line where exists (select from worker where id = $1 and state = 'ALIVE')
      ), limited as materialized (
        select exists (
          select from line l cross join lateral (
            select from step_run r
            where r.state = 'QUEUED' and not r.held and r.queue = l.queue and r.priority = l.priority and r.lane > '' limit 1
          ) waits) as here
      ), head as materialized (
        select l.queue, l.priority, c.* from line l cross join lateral (
          select r.id, r.submission_id, r.rank_at, r.ready_at from step_run r
          where r.state = 'QUEUED' and not r.held and r.queue = l.queue and r.priority = l.priority and r.lane = ''
          order by r.rank_at, r.id limit $3
        ) c where not (select here from limited)
      ), best as materialized (
        select id, submission_id from (
          select *, ${TURN} as turn from head
        ) as waiting
        order by turn, priority, rank_at, id limit $3`,
  '(select here from limited)',
);

const TAKE = taking(
  'take-step-runs',
  `best as materialized (
        select id, submission_id from step_run
        where id = any($2::bigint[]) and ${STILL_READY('step_run')} and exists (select from worker where id = $1 and state = 'ALIVE')`,
  'false',
);

const NOTHING: Claimed = { claimed: [], events: [], limited: false };

/** Takes up to `limit` ready StepRuns of the queues, those whose turn it is first, when none that waits has limits. */
export async function claimStepRuns(
  sql: Sql,
  workerId: string,
  queues: readonly string[],
  limit: number,
): Promise<Claimed> {
  const [row] = await sql.query<Claimed>(CLAIM, [workerId, queues, limit]);
  return row ?? NOTHING;
}

/** Takes these StepRuns, as far as they still wait. The caller holds the locks of their limits. */
export async function takeStepRuns(sql: Sql, workerId: string, ids: readonly string[]): Promise<Claimed> {
  if (ids.length === 0) return NOTHING;
  const [row] = await sql.query<Claimed>(TAKE, [workerId, ids]);
  return row ?? NOTHING;
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
