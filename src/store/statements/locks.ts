/** Reading what a transition decides on. The Submission's lock comes first, always: it orders everything else. */
import type { FailureKind } from '../../domain/failure';
import type { Ending, StepRunState, SubmissionState } from '../../domain/states';
import type { Values } from '../../domain/values';
import type { Sql } from '../database';

export interface LockedSubmission {
  readonly id: string;
  readonly jobVersionId: string;
  readonly state: SubmissionState;
  readonly ending: Ending | null;
  readonly message: string;
  readonly unfinished: number;
  readonly deleteRequested: boolean;
}

/** Locks Submissions in the order of their ids, so that two batches never wait for each other in a circle. */
export async function lockSubmissions(sql: Sql, ids: readonly string[]): Promise<Map<string, LockedSubmission>> {
  const rows = await sql.query<LockedSubmission & { id: string }>(
    {
      name: 'lock-submissions',
      text: `select id, job_version_id as "jobVersionId", state, ending, message, unfinished,
               delete_requested_at is not null as "deleteRequested"
             from submission where id = any($1::bigint[]) order by id for update`,
    },
    [ids],
  );
  return new Map(rows.map((row) => [row.id, row]));
}

export interface StepRunView {
  readonly id: string;
  readonly submissionId: string;
  readonly node: number;
  readonly name: string;
  readonly state: StepRunState;
  readonly waiting: number;
  readonly attempt: number;
  readonly failures: number;
  readonly lost: number;
  readonly workerId: string | null;
  readonly exitCode: number | null;
  readonly queue: string;
  readonly priority: number;
  readonly cancelRequested: boolean;
  /** Of its latest failed Attempt, or why it is being stopped. */
  readonly failure: FailureKind | null;
}

const VIEW = `id, submission_id as "submissionId", node, name, state, waiting, attempt, failures, lost, worker_id as "workerId",
  exit_code as "exitCode", queue, priority, cancel_requested as "cancelRequested", failure`;

export function stepRunsById(sql: Sql, ids: readonly string[]): Promise<StepRunView[]> {
  return sql.query<StepRunView>(
    { name: 'step-runs-by-id', text: `select ${VIEW} from step_run where id = any($1::bigint[]) order by id` },
    [ids],
  );
}

/** The StepRuns of the given nodes: `submissionIds[i]` with `nodes[i]`. */
export function stepRunsByNode(
  sql: Sql,
  submissionIds: readonly string[],
  nodes: readonly number[],
): Promise<StepRunView[]> {
  return sql.query<StepRunView>(
    {
      name: 'step-runs-by-node',
      text: `select ${VIEW} from step_run
             where (submission_id, node) in (select * from unnest($1::bigint[], $2::int[])) order by id`,
    },
    [submissionIds, nodes],
  );
}

/** StepRuns that have not ended, of one Submission. */
export function openStepRuns(sql: Sql, submissionId: string): Promise<StepRunView[]> {
  return sql.query<StepRunView>(
    {
      name: 'open-step-runs',
      text: `select ${VIEW} from step_run where submission_id = $1
             and state in ('PENDING', 'QUEUED', 'RUNNING', 'RETRYING') order by id`,
    },
    [submissionId],
  );
}

/** Asks the workers that run these StepRuns to stop them; they see it with their next heartbeat at the latest. */
export async function requestCancel(sql: Sql, ids: readonly string[]): Promise<void> {
  await sql.query(
    { name: 'request-cancel', text: `update step_run set cancel_requested = true where id = any($1::bigint[])` },
    [ids],
  );
}

/** Outputs by node of one Submission; null for a node that was skipped. */
export async function outputsByNode(
  sql: Sql,
  submissionId: string,
  nodes: readonly number[],
): Promise<Map<number, Values | null>> {
  const rows = await sql.query<{ node: number; outputs: Values | null }>(
    {
      name: 'outputs-by-node',
      text: `select node, outputs from step_run where submission_id = $1 and node = any($2::int[])`,
    },
    [submissionId, nodes],
  );
  return new Map(rows.map((row) => [row.node, row.outputs]));
}
