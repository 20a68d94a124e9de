/** New StepRuns below a row that scatters or runs a Job, with their first Events. The Submission is locked by the caller. */
import type { StepRunKind } from '../../domain/states';
import type { WaitLimits } from '../../domain/timeouts';
import type { Values } from '../../domain/values';
import type { Sql } from '../database';
import { EVENT_JSON, type Committed } from './changes';
import { RANK_BASE, RANK_STEP } from './fairRank';
import { laneOf } from './lanes';

export interface NewChild extends WaitLimits {
  readonly submissionId: string;
  readonly parentId: string;
  readonly scopeId: string;
  readonly job: string;
  readonly node: number;
  /** -1: no element of a scatter. */
  readonly scatterIndex: number;
  readonly kind: StepRunKind;
  /** Its path from the Submission: `per-sample[12]/align`. */
  readonly name: string;
  readonly taskName: string;
  readonly queue: string;
  readonly state: 'PENDING' | 'QUEUED' | 'SKIPPED';
  readonly waiting: number;
  readonly inputs: Values | null;
  /** The planner looks at it next. */
  readonly due: boolean;
  readonly message: string;
  /** Units of named resources that it occupies while it runs; null for none. */
  readonly uses: Readonly<Record<string, number>> | null;
}

/** Doorbells that one statement rings per queue: workers that wake take as much as they can. */
const DOORBELLS = 4;
/** More Events than these are not told one by one: whoever follows them reads them. */
const TOLD = 50;

export interface InsertedChildren extends Committed {
  /** How many of the new rows have not ended. */
  readonly unfinished: number;
}

/**
 * Stores the rows. The Submission counts them as unfinished, save for skipped ones, and numbers their Events. What has a
 * place already is left alone, so that planning the same thing twice does no harm.
 */
export async function insertChildren(sql: Sql, children: readonly NewChild[]): Promise<InsertedChildren> {
  const rows = await sql.query<Omit<InsertedChildren, 'due'>>(
    {
      name: 'insert-children',
      text: `
      with drafts as (
        select x.*, s.priority, s.submitter, s.job_name, s.generation, s.paused_at is not null as paused from rows from (jsonb_to_recordset($1::jsonb) as ("submissionId" bigint,
          "parentId" bigint, "scopeId" bigint, job text, node int, "scatterIndex" int, kind text, name text, "taskName" text,
          queue text, state text, waiting int, inputs jsonb, due boolean, message text, uses jsonb,
          "queueSeconds" float, "stepSeconds" float)) with ordinality as x("submissionId",
          "parentId", "scopeId", job, node, "scatterIndex", kind, name, "taskName", queue, state, waiting, inputs, due,
          message, uses, "queueSeconds", "stepSeconds", ord)
        join submission s on s.id = x."submissionId"
      ), ready as (
        select r.*, ${laneOf('r', 'r.job_name')} as lane from (
          select ord, "taskName" as task_name, queue, job, priority, submitter, uses, job_name from drafts where state = 'QUEUED'
        ) r
      ), base as materialized (
        select k.*, ${RANK_BASE} as rank_at
        from (select distinct queue, priority, submitter, lane from ready) k
      ), ranked as (
        select y.ord, y.lane, b.rank_at + ${RANK_STEP}
          * row_number() over (partition by queue, priority, submitter, lane order by y.ord) as rank_at
        from ready y join base b using (queue, priority, submitter, lane)
      ), steps as (
        insert into step_run (submission_id, parent_id, scope_id, job, node, scatter_index, kind, name, task_name, queue,
          priority, submitter, uses, lane, state, waiting, inputs, message, held, due_at, ready_at, rank_at, queue_deadline,
          deadline, generation, finished_at)
        select "submissionId", "parentId", "scopeId", job, node, "scatterIndex", kind, name, "taskName", queue, priority,
          submitter, uses, coalesce(k.lane, ''), state, waiting, inputs, message, state = 'QUEUED' and paused,
          case when due then now() end, case when state = 'QUEUED' then now() end, k.rank_at,
          case when state = 'QUEUED' then now() + make_interval(secs => "queueSeconds") end,
          case when state = 'QUEUED' then now() + make_interval(secs => "stepSeconds") end, generation,
          case when state = 'SKIPPED' then clock_timestamp() end
        from drafts left join ranked k using (ord)
        order by ord
        on conflict (submission_id, scope_id, node, scatter_index) do nothing
        returning id, submission_id, name, state, queue, priority, message
      ), numbered as (
        select st.*, row_number() over (partition by submission_id order by id) as nth from steps st where state <> 'PENDING'
      ), events as (
        insert into event (submission_id, seq, type, state, step_run_id, step_name, message)
        select n.submission_id, s.event_seq + n.nth, 'STEP_STATE', n.state, n.id, n.name, n.message
        from numbered n join submission s on s.id = n.submission_id order by n.id
        returning *
      ), counted as (
        update submission s set
          event_seq = s.event_seq + (select count(*) from numbered n where n.submission_id = s.id),
          unfinished = s.unfinished + (select count(*) from steps t where t.submission_id = s.id and t.state <> 'SKIPPED')
        where s.id in (select submission_id from steps)
      ), messages as (
        insert into outbox (queue, priority, step_run_id, attempt)
        select queue, priority, id, 1 from (
          select *, row_number() over (partition by queue, priority order by id) as bell from steps where state = 'QUEUED'
        ) as ready where bell <= ${DOORBELLS}
        returning id, queue, priority, step_run_id, attempt
      )
      select
        (select coalesce(jsonb_agg(${EVENT_JSON} order by submission_id, seq), '[]')
          from (select * from events order by submission_id, seq desc limit ${TOLD}) as told) as events,
        (select coalesce(jsonb_agg(jsonb_build_object('outboxId', id::text, 'queue', queue, 'priority', priority,
          'stepRunId', step_run_id::text, 'attempt', attempt) order by id), '[]') from messages) as outbox,
        (select count(*)::int from steps where state <> 'SKIPPED') as unfinished`,
    },
    [JSON.stringify(children)],
  );
  return { ...(rows[0] ?? { events: [], outbox: [], unfinished: 0 }), due: children.some((child) => child.due) };
}
