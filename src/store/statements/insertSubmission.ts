/** Storing a Submission: itself, its StepRuns, first Events, first messages and input artifacts, in one statement. */
import type { SubmissionEvent } from '../../domain/events';
import type { StepRunKind } from '../../domain/states';
import type { WaitLimits } from '../../domain/timeouts';
import type { FileValue, Values } from '../../domain/values';
import type { Sql } from '../database';
import { EVENT_JSON, type Committed } from './changes';
import { RANK_BASE, RANK_STEP } from './fairRank';
import { laneOf } from './lanes';

export interface NewStepRun extends WaitLimits {
  readonly node: number;
  readonly name: string;
  readonly taskName: string;
  readonly queue: string;
  /** Predecessors; with none it is ready at once. */
  readonly waiting: number;
  readonly kind: StepRunKind;
  /** The planner looks at it before it is queued. */
  readonly planned: boolean;
  /** Units of named resources that it occupies while it runs; null for none. */
  readonly uses: Readonly<Record<string, number>> | null;
}

export interface NewSubmission {
  readonly jobVersionId: string;
  readonly jobName: string;
  readonly priority: number;
  readonly inputs: Values;
  readonly submitter: string;
  readonly label: string;
  readonly idempotencyKey: string | null;
  /** Hash of what was asked for: the same key with another request is a mistake of the caller. */
  readonly requestDigest: string;
  readonly batchId: string | null;
  /** Its steps may take the results of equal work. */
  readonly reuse: boolean;
  /** The Submission whose results its steps take where they fit. */
  readonly reuseFrom: string | null;
  /** Steps that run in any case, with all that stands after them. */
  readonly rerun: readonly string[];
  /** Until it must have ended; null: it may take as long as it takes. */
  readonly timeoutSeconds: number | null;
  readonly stepRuns: readonly NewStepRun[];
  readonly files: readonly { readonly port: string; readonly position: number; readonly file: FileValue }[];
}

export interface InsertedSubmission extends Committed {
  readonly id: string;
}

/** Null: the idempotency key is in use already. */
export async function insertSubmission(sql: Sql, submission: NewSubmission): Promise<InsertedSubmission | null> {
  const rows = await sql.query<{ id: string; events: SubmissionEvent[]; outbox: Committed['outbox'] }>(
    {
      name: 'insert-submission',
      text: `
      with nodes as (
        select * from jsonb_to_recordset($9::jsonb) as x(node int, name text, "taskName" text, queue text, waiting int,
          kind text, planned boolean, uses jsonb, "queueSeconds" float, "stepSeconds" float)
      ), ready as (
        select r.*, ${laneOf('r', '$2::text')} as lane from (
          select node, "taskName" as task_name, queue, '' as job, $5 as submitter, uses from nodes where waiting = 0 and not planned
        ) r
      ), base as materialized (
        select k.*, ${RANK_BASE} as rank_at
        from (select distinct queue, $3::smallint as priority, submitter, lane from ready) k
      ), sub as (
        insert into submission (job_version_id, job_name, state, priority, inputs, submitter, label, idempotency_key,
          request_digest, batch_id, reuse, reuse_from, rerun, event_seq, unfinished, timeout_seconds, deadline)
        select $1::bigint, $2, 'QUEUED', $3::smallint, $4::jsonb, $5, $6, $7, $8, $10::bigint, $13, $14::bigint, $15::text[],
          1 + (select count(*) from ready), (select count(*) from nodes), $12::float,
          now() + make_interval(secs => $12::float)
        on conflict (submitter, idempotency_key) where idempotency_key is not null do nothing
        returning id, priority, submitter
      ), steps as (
        insert into step_run (submission_id, node, name, task_name, kind, state, waiting, queue, priority, submitter, uses,
          lane, ready_at, rank_at, due_at, queue_deadline, deadline)
        select sub.id, n.node, n.name, n."taskName", n.kind,
          case when n.waiting = 0 and not n.planned then 'QUEUED' else 'PENDING' end, n.waiting,
          n.queue, sub.priority, sub.submitter, n.uses, coalesce(y.lane, ''), case when n.waiting = 0 then now() end,
          b.rank_at + ${RANK_STEP} * row_number() over (partition by y.queue, y.lane order by n.node),
          case when n.waiting = 0 and n.planned then now() end,
          case when y.node is not null then now() + make_interval(secs => n."queueSeconds") end,
          case when y.node is not null then now() + make_interval(secs => n."stepSeconds") end
        from nodes n cross join sub left join ready y on y.node = n.node left join base b on b.queue = y.queue and b.lane = y.lane
        order by n.node
        returning id, submission_id, node, name, state, queue, priority
      ), events as (
        insert into event (submission_id, seq, type, state, step_run_id, step_name)
        select id, 1, 'SUBMISSION_STATE', 'QUEUED', null::bigint, null from sub
        union all
        select submission_id, 1 + row_number() over (order by node), 'STEP_STATE', 'QUEUED', id, name
        from steps where state = 'QUEUED'
        returning *
      ), messages as (
        insert into outbox (queue, priority, step_run_id, attempt)
        select queue, priority, id, 1 from steps where state = 'QUEUED'
        returning id, queue, priority, step_run_id, attempt
      ), files as (
        insert into artifact (submission_id, port, position, name, sha256, size, media_type)
        select sub.id, x.port, x.position, x.file->>'name', x.file->>'sha256', (x.file->>'size')::bigint, x.file->>'mediaType'
        from jsonb_to_recordset($11::jsonb) as x(port text, position int, file jsonb) cross join sub
      )
      select sub.id,
        (select coalesce(jsonb_agg(${EVENT_JSON} order by seq), '[]') from events) as events,
        (select coalesce(jsonb_agg(jsonb_build_object('outboxId', id::text, 'queue', queue, 'priority', priority,
          'stepRunId', step_run_id::text, 'attempt', attempt) order by id), '[]') from messages) as outbox
      from sub`,
    },
    [
      submission.jobVersionId,
      submission.jobName,
      submission.priority,
      JSON.stringify(submission.inputs),
      submission.submitter,
      submission.label,
      submission.idempotencyKey,
      submission.requestDigest,
      JSON.stringify(submission.stepRuns),
      submission.batchId,
      JSON.stringify(submission.files),
      submission.timeoutSeconds,
      submission.reuse,
      submission.reuseFrom,
      submission.rerun,
    ],
  );
  const due = submission.stepRuns.some((step) => step.planned && step.waiting === 0);
  return rows[0] ? { ...rows[0], due } : null;
}

/** What an idempotency key stands for already. */
export interface EarlierSubmission {
  readonly id: string;
  readonly requestDigest: string;
  readonly batchId: string | null;
}

export async function findByIdempotencyKey(
  sql: Sql,
  submitter: string,
  key: string,
): Promise<EarlierSubmission | null> {
  const rows = await sql.query<EarlierSubmission>(
    {
      name: 'find-by-idempotency-key',
      text: `select id, request_digest as "requestDigest", batch_id as "batchId" from submission
             where submitter = $1 and idempotency_key = $2`,
    },
    [submitter, key],
  );
  return rows[0] ?? null;
}

export async function insertBatch(
  sql: Sql,
  submitter: string,
  { label, matrixInputs = [] }: { readonly label: string; readonly matrixInputs?: readonly string[] },
): Promise<string> {
  const rows = await sql.query<{ id: string }>(
    {
      name: 'insert-batch',
      text: `insert into batch (submitter, label, matrix_inputs) values ($1, $2, $3) returning id`,
    },
    [submitter, label, matrixInputs],
  );
  const id = rows[0]?.id;
  if (id === undefined) throw new Error('insert returned no row');
  return id;
}

/** Takes a Batch away that got no Submission. */
export async function deleteBatch(sql: Sql, id: string): Promise<void> {
  await sql.query({ name: 'delete-batch', text: `delete from batch where id = $1` }, [id]);
}
