/**
 * The one statement by which a Submission changes: StepRuns, Attempts, Events, outbox, artifacts and the Submission
 * itself, in one round trip. The caller holds the lock on every `submission` row it names (see `lockSubmissions`).
 */
import type { EventDraft, SubmissionEvent } from '../../domain/events';
import type { FailureKind } from '../../domain/failure';
import type { AttemptState, Ending, StepRunState, SubmissionState } from '../../domain/states';
import type { WaitLimits } from '../../domain/timeouts';
import type { FileValue, Values } from '../../domain/values';
import type { Sql, Statement } from '../database';
import { RANK_BASE, RANK_STEP } from './fairRank';
import { laneOf } from './lanes';

/** The new state of one StepRun; what is left out stays as it is. */
export interface StepRunChange extends WaitLimits {
  readonly id: string;
  readonly state: StepRunState;
  readonly waiting?: number;
  /** Attempts that failed so far: what the retry policy counts. */
  readonly failures?: number;
  /** Attempts whose worker died so far. */
  readonly lost?: number;
  readonly message?: string;
  readonly exitCode?: number | null;
  readonly outputs?: Values;
  /** For QUEUED and RETRYING: seconds from now until it may run. */
  readonly delaySeconds?: number;
  /** The planner shall look at it next. False: it has, and need not again. */
  readonly due?: boolean;
  /** Of a row that scatters or runs a Job: rows below it that have not ended. */
  readonly left?: number;
  /** Of a scatter: its elements in all, and how many of them are rows already. */
  readonly width?: number;
  readonly expanded?: number;
  /** Values that were resolved for it: see `step_run.inputs` in the migration of scopes. */
  readonly inputs?: Values;
  /** The lists that a scatter goes over, by port. */
  readonly scatter?: Values;
  /** For FAILED: what kind of failure, when it is not that of the Attempt that ended. */
  readonly failure?: FailureKind;
  /** For SUCCEEDED: the StepRun whose result it took, in place of running. */
  readonly reusedFrom?: string;
  /** For RETRYING: the fingerprint of the work that another does; it waits for that one's end, not for a time. */
  readonly waitsFor?: string;
}

/** The end of one Attempt. */
export interface AttemptChange {
  readonly stepRunId: string;
  readonly number: number;
  readonly state: AttemptState;
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly message: string;
  readonly cpuMs: number | null;
  readonly peakMemoryBytes: number | null;
  /** For FAILED and LOST: what kind of failure. */
  readonly failure: FailureKind | null;
}

export interface SubmissionChange {
  readonly id: string;
  /** How many StepRuns became final. */
  readonly finished: number;
  readonly state?: SubmissionState;
  readonly ending?: Ending;
  readonly message?: string;
  readonly outputs?: Values;
}

/** A wake-up to send after the commit. */
export interface OutboxMessage {
  readonly queue: string;
  readonly priority: number;
  readonly stepRunId: string;
  readonly attempt: number;
}

export interface ArtifactDraft {
  readonly submissionId: string;
  readonly stepRunId: string | null;
  readonly port: string;
  readonly position: number;
  readonly file: FileValue;
}

export interface Changes {
  readonly stepRuns: readonly StepRunChange[];
  readonly attempts: readonly AttemptChange[];
  /** In the order in which they are numbered. */
  readonly events: readonly EventDraft[];
  readonly submissions: readonly SubmissionChange[];
  readonly outbox: readonly OutboxMessage[];
  readonly artifacts: readonly ArtifactDraft[];
}

/** What must be told to others once the transaction is committed. */
export interface Committed {
  readonly events: readonly SubmissionEvent[];
  readonly outbox: readonly (OutboxMessage & { readonly outboxId: string })[];
  /** There is something for the planner. */
  readonly due?: boolean;
}

/** A row of `event` as a SubmissionEvent. */
export const EVENT_JSON = `jsonb_build_object('submissionId', submission_id::text, 'seq', seq, 'type', type, 'state', state,
      'stepRunId', step_run_id::text, 'stepName', step_name, 'attempt', attempt, 'percent', percent, 'message', message,
      'at', to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))`;

const APPLY: Statement = {
  name: 'apply-changes',
  text: `
  with step as (
    select * from jsonb_to_recordset($1::jsonb) as x(
      id bigint, state text, waiting int, failures int, lost int, message text, "exitCode" int, outputs jsonb, "delaySeconds" float,
      due boolean, "left" int, width int, expanded int, inputs jsonb, scatter jsonb, failure text,
      "queueSeconds" float, "stepSeconds" float, "reusedFrom" bigint, "waitsFor" text)
  ), ended as materialized (
    select * from jsonb_to_recordset($2::jsonb) as x(
      "stepRunId" bigint, number int, state text, "exitCode" int, signal text, message text, "cpuMs" float,
      "peakMemoryBytes" bigint, failure text)
  ), ready as (
    select r.id, r.queue, r.priority, r.submitter, ${laneOf('r', 'p.job_name')} as lane, p.paused_at is not null as held
    from step_run r join submission p on p.id = r.submission_id
    where r.id = any(array(select id from step where state = 'QUEUED'))
  ), base as materialized (
    select k.*, ${RANK_BASE} as rank_at
    from (select distinct queue, priority, submitter, lane from ready) k
  ), ranked as (
    select y.id, y.held, y.lane, b.rank_at + ${RANK_STEP}
      * row_number() over (partition by queue, priority, submitter, lane order by y.id) as rank_at
    from ready y join base b using (queue, priority, submitter, lane)
  ), changed as (
    update step_run r set
      state = s.state,
      waiting = coalesce(s.waiting, r.waiting),
      failures = coalesce(s.failures, r.failures),
      lost = coalesce(s.lost, r.lost),
      message = coalesce(s.message, r.message),
      exit_code = coalesce(s."exitCode", r.exit_code),
      outputs = coalesce(s.outputs, r.outputs),
      due_at = case when s.due then now() when not s.due then null else r.due_at end,
      left_count = coalesce(s."left", r.left_count),
      width = coalesce(s.width, r.width),
      expanded = coalesce(s.expanded, r.expanded),
      inputs = coalesce(s.inputs, r.inputs),
      scatter = coalesce(s.scatter, r.scatter),
      started_at = case when s.state = 'RUNNING' then coalesce(r.started_at, clock_timestamp()) else r.started_at end,
      failure = case when s.state in ('FAILED', 'RETRYING') then coalesce(s.failure, e.failure) end,
      out_of_memory = r.out_of_memory + case when e.failure = 'OUT_OF_MEMORY' then 1 else 0 end,
      queue_deadline = case when s.state = 'QUEUED' then now() + make_interval(secs => s."queueSeconds") end,
      deadline = case when s.state in ('QUEUED', 'RETRYING', 'RUNNING')
        then coalesce(r.deadline, now() + make_interval(secs => s."stepSeconds")) end,
      worker_id = case when s.state in ('QUEUED', 'RETRYING') then null else r.worker_id end,
      cached = r.cached or s."reusedFrom" is not null,
      reused_from = coalesce(s."reusedFrom", r.reused_from),
      waits_for = s."waitsFor",
      ready_at = case when s."waitsFor" is not null then null when s.state in ('QUEUED', 'RETRYING')
        then now() + make_interval(secs => coalesce(s."delaySeconds", 0)) else r.ready_at end,
      rank_at = coalesce(k.rank_at, r.rank_at),
      held = coalesce(k.held, r.held),
      lane = coalesce(k.lane, r.lane),
      finished_at = case when s.state in ('SUCCEEDED', 'FAILED', 'SKIPPED', 'CANCELLED') then clock_timestamp() end
    from step s left join ranked k on k.id = s.id left join ended e on e."stepRunId" = s.id
    where r.id = s.id and r.id = any(array(select id from step))
  ), attempts as (
    update attempt a set state = x.state, exit_code = x."exitCode", signal = x.signal, message = x.message,
      cpu_ms = x."cpuMs", peak_memory_bytes = x."peakMemoryBytes", failure = x.failure, finished_at = clock_timestamp()
    from ended x
    where a.step_run_id = x."stepRunId" and a.number = x.number
      and a.step_run_id = any(array(select "stepRunId" from ended))
  ), drafts as (
    select x.*, row_number() over (partition by x."submissionId" order by x.ord) as nth
    from rows from (jsonb_to_recordset($3::jsonb) as (
      "submissionId" bigint, type text, state text, "stepRunId" bigint, "stepName" text, attempt int, percent smallint,
      message text)) with ordinality as x(
      "submissionId", type, state, "stepRunId", "stepName", attempt, percent, message, ord)
  ), events as (
    insert into event (submission_id, seq, type, state, step_run_id, step_name, attempt, percent, message)
    select d."submissionId", s.event_seq + d.nth, d.type, d.state, d."stepRunId", d."stepName", d.attempt, d.percent, d.message
    from drafts d join submission s on s.id = d."submissionId"
    where s.id = any(array(select "submissionId" from drafts))
    order by d.ord
    returning *
  ), submission_change as materialized (
    select * from jsonb_to_recordset($4::jsonb) as x(id bigint, finished int, state text, ending text, message text)
  ), submissions as (
    update submission s set
      event_seq = s.event_seq + (select count(*) from drafts d where d."submissionId" = s.id),
      unfinished = s.unfinished - x.finished,
      state = coalesce(x.state, s.state),
      ending = coalesce(s.ending, x.ending),
      message = coalesce(x.message, s.message),
      started_at = case when x.state = 'RUNNING' then coalesce(s.started_at, clock_timestamp()) else s.started_at end,
      finished_at = case when x.state in ('SUCCEEDED', 'FAILED', 'CANCELLED') then clock_timestamp() end
    from submission_change x
    where s.id = x.id and s.id = any(array(select id from submission_change))
  ), messages as (
    insert into outbox (queue, priority, step_run_id, attempt)
    select x.queue, x.priority, x."stepRunId", x.attempt
    from jsonb_to_recordset($5::jsonb) as x(queue text, priority smallint, "stepRunId" bigint, attempt int)
    returning id, queue, priority, step_run_id, attempt
  ), files as (
    insert into artifact (submission_id, step_run_id, port, position, name, sha256, size, media_type)
    select x."submissionId", x."stepRunId", x.port, x.position,
      x.file->>'name', x.file->>'sha256', (x.file->>'size')::bigint, x.file->>'mediaType'
    from jsonb_to_recordset($6::jsonb) as x(
      "submissionId" bigint, "stepRunId" bigint, port text, position int, file jsonb)
  )
  select
    (select coalesce(jsonb_agg(${EVENT_JSON} order by submission_id, seq), '[]') from events) as events,
    (select coalesce(jsonb_agg(jsonb_build_object('outboxId', id::text, 'queue', queue, 'priority', priority,
      'stepRunId', step_run_id::text, 'attempt', attempt) order by id), '[]') from messages) as outbox`,
};

/**
 * Applies the changes. Every Submission that has an Event must be among `submissions`, or its numbers would be given
 * out twice; that is asserted here.
 */
export async function applyChanges(sql: Sql, changes: Changes): Promise<Committed> {
  const named = new Set(changes.submissions.map((submission) => submission.id));
  const unnamed = changes.events.find((event) => !named.has(event.submissionId));
  if (unnamed) throw new Error(`Submission ${unnamed.submissionId} has an Event but no change`);
  const rows = await sql.query<{ events: SubmissionEvent[]; outbox: Committed['outbox'] }>(APPLY, [
    JSON.stringify(changes.stepRuns),
    JSON.stringify(changes.attempts),
    JSON.stringify(changes.events),
    JSON.stringify(changes.submissions),
    JSON.stringify(changes.outbox),
    JSON.stringify(changes.artifacts),
  ]);
  const due = changes.stepRuns.some((change) => change.due === true);
  return { ...(rows[0] ?? { events: [], outbox: [] }), due };
}
