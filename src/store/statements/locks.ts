/** Reading what a transition decides on. The Submission's lock comes first, always: it orders everything else. */
import type { FailureKind } from '../../domain/failure';
import type { Ending, StepRunKind, StepRunState, SubmissionState } from '../../domain/states';
import type { Sql } from '../database';

export interface LockedSubmission {
  readonly id: string;
  readonly jobVersionId: string;
  readonly state: SubmissionState;
  readonly ending: Ending | null;
  readonly message: string;
  readonly unfinished: number;
  readonly deleteRequested: boolean;
  readonly paused: boolean;
}

/** Locks Submissions in the order of their ids, so that two batches never wait for each other in a circle. */
export async function lockSubmissions(sql: Sql, ids: readonly string[]): Promise<Map<string, LockedSubmission>> {
  const rows = await sql.query<LockedSubmission & { id: string }>(
    {
      name: 'lock-submissions',
      text: `select id, job_version_id as "jobVersionId", state, ending, message, unfinished,
               delete_requested_at is not null as "deleteRequested", paused_at is not null as paused
             from submission where id = any($1::bigint[]) order by id for update`,
    },
    [ids],
  );
  return new Map(rows.map((row) => [row.id, row]));
}

/** A StepRun as transitions see it. */
export interface StepRunView {
  readonly id: string;
  readonly submissionId: string;
  readonly kind: StepRunKind;
  /** The row that waits for it: a scatter, or the run of a nested Job. */
  readonly parentId: string | null;
  /** The run of a nested Job whose step it is; ROOT_SCOPE for the Submission's own steps. */
  readonly scopeId: string;
  /** The nested Job whose node it is; empty for the Submission's own. */
  readonly job: string;
  readonly node: number;
  /** -1: no element of a scatter. */
  readonly scatterIndex: number;
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
  /** Of a scatter: its elements in all; null before that is known. */
  readonly width: number | null;
  /** Of a scatter: elements that are rows already. */
  readonly expanded: number;
  /** Rows below it that have not ended. */
  readonly left: number;
  /** Of its latest failed Attempt, or why it is being stopped. */
  readonly failure: FailureKind | null;
}

export const STEP_RUN_VIEW = `id, submission_id as "submissionId", kind, parent_id as "parentId", scope_id as "scopeId", job, node,
  scatter_index as "scatterIndex", name, state, waiting, attempt, failures, lost, worker_id as "workerId",
  exit_code as "exitCode", queue, priority, cancel_requested as "cancelRequested", width, expanded, left_count as "left",
  failure`;

export function stepRunsById(sql: Sql, ids: readonly string[]): Promise<StepRunView[]> {
  return sql.query<StepRunView>(
    { name: 'step-runs-by-id', text: `select ${STEP_RUN_VIEW} from step_run where id = any($1::bigint[]) order by id` },
    [ids],
  );
}

/** The rows of nodes, not those of their elements: `scopeIds[i]` with `nodes[i]`. */
export function stepRunsByNode(
  sql: Sql,
  submissionId: string,
  scopeIds: readonly string[],
  nodes: readonly number[],
): Promise<StepRunView[]> {
  return sql.query<StepRunView>(
    {
      name: 'step-runs-by-node',
      // One look into the index for each node, also among a hundred thousand rows that the statistics do not know yet.
      text: `select r.* from (select distinct * from unnest($2::bigint[], $3::int[]) as x(scope, node)) x
             cross join lateral (
               select ${STEP_RUN_VIEW} from step_run
               where submission_id = $1 and scope_id = x.scope and step_run.node = x.node and scatter_index = -1 offset 0
             ) r order by r.id`,
    },
    [submissionId, scopeIds, nodes],
  );
}
