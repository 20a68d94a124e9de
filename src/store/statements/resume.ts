/** Opens again what did not succeed, in one statement, however much it is. The Submission is locked by the caller. */
import type { SubmissionEvent } from '../../domain/events';
import type { WaitLimits } from '../../domain/timeouts';
import type { Sql } from '../database';
import { EVENT_JSON, type Committed } from './changes';
import { RANK_BASE, RANK_STEP } from './fairRank';
import { laneOf } from './lanes';

/** More Events than these are not told one by one: whoever follows them reads them. */
const TOLD = 50;
/** Doorbells for what is ready again: workers that wake take as much as they can. */
const DOORBELLS = 16;

/** What the statement must know of a node of the Submission's Job, or of one nested in it. */
export interface ResumedNode extends WaitLimits {
  readonly job: string;
  readonly node: number;
  readonly planned: boolean;
  /** How long a nested Job may take that it runs. */
  readonly innerSeconds?: number;
}

/** A node and one that must end before it. */
export interface ResumedEdge {
  readonly job: string;
  readonly node: number;
  readonly before: number;
  /** The way in which that one ends may mean that the node is skipped. */
  readonly decides: boolean;
}

/** A StepRun that is open again, beside one before it that has ended and may mean that it is skipped. */
export interface Decided {
  readonly id: string;
  readonly cause: { readonly node: number; readonly state: 'SUCCEEDED' | 'SKIPPED'; readonly exitCode: number | null };
}

export interface Reopened extends Committed {
  /** How many StepRuns are open again. */
  readonly count: number;
  /** Not queued yet, since what ended before them may mean that they are skipped. */
  readonly decided: readonly Decided[];
  /** Scatters and nested Jobs that are open again and of which every part has ended well. */
  readonly whole: readonly string[];
}

/**
 * StepRuns that failed or were cancelled wait again, or are ready, by what stands before them in their scope; scatters and
 * nested Jobs that had started go on with the parts that are open. Attempts go on counting, so that a late word of an
 * earlier worker still counts for nothing; tries and losses start anew. An Attempt that ran out of memory is remembered:
 * the next one has more.
 */
export async function reopenRows(
  sql: Sql,
  submissionId: string,
  graph: { readonly nodes: readonly ResumedNode[]; readonly edges: readonly ResumedEdge[] },
  options: { readonly message: string; readonly lowWater: number; readonly timeoutSeconds: number | null },
): Promise<Reopened> {
  // Postgres knows nothing of how many rows the parts of the statement have, and would take few: loops within loops.
  await sql.query({ name: 'reopen-by-hashing', text: `set local enable_nestloop = off` });
  const [row] = await sql.query<{
    events: SubmissionEvent[];
    outbox: Committed['outbox'];
    count: number;
    due: boolean;
    decided: Decided[];
    whole: string[];
  }>({ name: 'reopen-rows', text: REOPEN }, [
    submissionId,
    JSON.stringify(graph.nodes),
    JSON.stringify(graph.edges),
    options.message,
    options.lowWater,
    options.timeoutSeconds,
  ]);
  await sql.query({ name: 'reopen-hashed', text: `set local enable_nestloop to default` });
  if (!row) throw new Error('a select without from returned no row');
  return row;
}

/** Seconds that a Submission may take, as it was stored; null when it may take as long as it takes. */
export async function submissionTimeout(sql: Sql, submissionId: string): Promise<number | null> {
  const rows = await sql.query<{ seconds: number | null }>(
    { name: 'submission-timeout', text: `select timeout_seconds as seconds from submission where id = $1` },
    [submissionId],
  );
  return rows[0]?.seconds ?? null;
}

/** Who submitted it. */
export async function submitterOf(sql: Sql, submissionId: string): Promise<string> {
  const rows = await sql.query<{ submitter: string }>(
    { name: 'submission-submitter', text: `select submitter from submission where id = $1` },
    [submissionId],
  );
  return rows[0]?.submitter ?? '';
}

const REOPEN = `
  with sub as materialized (
    select id, job_name, event_seq, generation + 1 as generation from submission where id = $1
  ), node as materialized (
    select * from jsonb_to_recordset($2::jsonb) as x(job text, node int, planned boolean, "queueSeconds" float,
      "stepSeconds" float, "innerSeconds" float)
  ), edge as materialized (
    select * from jsonb_to_recordset($3::jsonb) as x(job text, node int, before int, decides boolean)
  ), again as materialized (
    select id, kind, parent_id, scope_id, job, node, scatter_index, queue, priority, submitter, task_name, uses, width,
      expanded, kind <> 'TASK' and started_at is not null as started
    from step_run where submission_id = $1 and state in ('FAILED', 'CANCELLED')
  ), earlier as materialized (
    select a.id, p.node, p.state, p.exit_code, e.decides
    from again a join edge e on e.job = a.job and e.node = a.node
    join step_run p on p.submission_id = $1 and p.scope_id = a.scope_id and p.node = e.before and p.scatter_index = -1
    where a.scatter_index = -1 and not a.started
  ), before as (
    select id, count(*) filter (where state in ('FAILED', 'CANCELLED'))::int as waiting,
      bool_or(decides and state in ('SUCCEEDED', 'SKIPPED')) as decided
    from earlier group by id
  ), below as (
    select parent_id as id, count(*)::int as left from again where parent_id is not null group by parent_id
  ), next as materialized (
    select a.*, coalesce(b.waiting, 0) as waiting, coalesce(w.left, 0) as left, n."queueSeconds", n."stepSeconds",
      n."innerSeconds", a.started and (a.kind = 'JOB' or a.expanded = a.width) as whole,
      case when a.started then 'RUNNING'
        when a.scatter_index >= 0 then case when a.kind = 'TASK' then 'QUEUED' else 'PENDING' end
        when coalesce(b.waiting, 0) > 0 or coalesce(b.decided, false) or n.planned then 'PENDING'
        else 'QUEUED' end as state,
      case when a.started then a.kind = 'SCATTER' and a.expanded < a.width and coalesce(w.left, 0) <= $5
        when a.scatter_index >= 0 then a.kind = 'JOB'
        else n.planned and coalesce(b.waiting, 0) = 0 and not coalesce(b.decided, false) end as due
    from again a join node n on n.job = a.job and n.node = a.node
    left join before b on b.id = a.id left join below w on w.id = a.id
  ), ready as (
    select r.*, ${laneOf('r', 'sub.job_name')} as lane from next r cross join sub where r.state = 'QUEUED'
  ), base as materialized (
    select k.*, ${RANK_BASE} as rank_at
    from (select distinct queue, priority, submitter, lane from ready) k
  ), ranked as (
    select y.id, y.lane, b.rank_at + ${RANK_STEP}
      * row_number() over (partition by queue, priority, submitter, lane order by y.id) as rank_at
    from ready y join base b using (queue, priority, submitter, lane)
  ), reopened as (
    update step_run r set state = x.state, generation = sub.generation, waiting = x.waiting, left_count = x.left,
      failures = 0, lost = 0, cancel_requested = false, worker_id = null, exit_code = null, failure = null,
      outputs = null, percent = null, message = '', held = false, waits_for = null, reused_from = null, lane = coalesce(k.lane, ''), rank_at = k.rank_at,
      due_at = case when x.due then now() end,
      ready_at = case when x.state = 'QUEUED' then now() end,
      queue_deadline = case when x.state = 'QUEUED' then now() + make_interval(secs => x."queueSeconds") end,
      deadline = case x.state when 'QUEUED' then now() + make_interval(secs => x."stepSeconds")
        when 'RUNNING' then case when x.kind = 'JOB' then now() + make_interval(secs => x."innerSeconds") end end,
      started_at = case when x.state = 'RUNNING' then clock_timestamp() end,
      finished_at = null
    from next x left join ranked k on k.id = x.id cross join sub
    where r.id = x.id and r.submission_id = $1
    returning r.id, r.name, r.attempt, r.state, r.queue, r.priority
  ), numbered as (
    select r.*, row_number() over (order by id) as nth from reopened r
  ), events as (
    insert into event (submission_id, seq, type, state, step_run_id, step_name, attempt, message)
    select id, event_seq + 1, 'SUBMISSION_RESUMED', null, null::bigint, null, null::int, $4 from sub
    union all
    select id, event_seq + 2, 'SUBMISSION_STATE', 'QUEUED', null, null, null, '' from sub
    union all
    select sub.id, sub.event_seq + 2 + n.nth, 'STEP_STATE', n.state, n.id, n.name, nullif(n.attempt, 0), ''
    from numbered n cross join sub
    returning *
  ), submissions as (
    update submission s set state = 'QUEUED', ending = null, message = '', outputs = null, finished_at = null,
      paused_at = null, generation = sub.generation, unfinished = (select count(*) from reopened),
      event_seq = s.event_seq + 2 + (select count(*) from reopened),
      timeout_seconds = $6::float, deadline = now() + make_interval(secs => $6::float)
    from sub where s.id = sub.id
  ), messages as (
    insert into outbox (queue, priority, step_run_id, attempt)
    select queue, priority, id, attempt + 1 from (
      select *, row_number() over (partition by queue, priority order by id) as bell from reopened where state = 'QUEUED'
    ) as ready where bell <= ${DOORBELLS}
    returning id, queue, priority, step_run_id, attempt
  )
  select
    (select coalesce(jsonb_agg(${EVENT_JSON} order by seq), '[]')
      from (select * from events order by seq desc limit ${TOLD}) as told) as events,
    (select coalesce(jsonb_agg(jsonb_build_object('outboxId', id::text, 'queue', queue, 'priority', priority,
      'stepRunId', step_run_id::text, 'attempt', attempt) order by id), '[]') from messages) as outbox,
    (select count(*)::int from reopened) as count,
    (select coalesce(bool_or(due), false) from next) as due,
    (select coalesce(jsonb_agg(jsonb_build_object('id', e.id::text, 'cause',
      jsonb_build_object('node', e.node, 'state', e.state, 'exitCode', e.exit_code))), '[]')
      from earlier e where e.decides and e.state in ('SUCCEEDED', 'SKIPPED')) as decided,
    (select coalesce(jsonb_agg(id::text order by id), '[]') from next where whole and next.left = 0) as whole`;
