/** Ends of Submissions, read in the order of their transactions, so that none is missed and none is seen twice. */
import type { SubmissionState } from '../../domain/states';
import type { TriggerSpec } from '../../domain/firing';
import type { Sql } from '../database';

export interface Ending {
  readonly tx: string;
  readonly submissionId: string;
  readonly seq: number;
  readonly state: SubmissionState;
  readonly job: string;
  /** Milliseconds. */
  readonly at: number;
  /** Completions that led to this Submission, one after the other. */
  readonly depth: number;
}

export interface EndingCursor {
  readonly tx: string;
  readonly submissionId: string;
  readonly seq: number;
}

/** Locks the place that was reached; null when another process reads. */
export async function lockEndingCursor(sql: Sql): Promise<EndingCursor | null> {
  const rows = await sql.query<EndingCursor>({
    name: 'lock-ending-cursor',
    text: `select tx::text as tx, submission_id as "submissionId", seq from ending_cursor where id = 1
           for update skip locked`,
  });
  return rows[0] ?? null;
}

export async function moveEndingCursor(sql: Sql, cursor: EndingCursor): Promise<void> {
  await sql.query(
    {
      name: 'move-ending-cursor',
      text: `update ending_cursor set tx = $1::text::xid8, submission_id = $2, seq = $3 where id = 1`,
    },
    [cursor.tx, cursor.submissionId, cursor.seq],
  );
}

/** Ends behind the cursor whose transactions, and all before them, are over. */
export function endingsAfter(sql: Sql, after: EndingCursor, limit: number): Promise<Ending[]> {
  return sql.query(
    {
      name: 'endings-after',
      text: `
      select e.tx::text as tx, e.submission_id as "submissionId", e.seq, e.state, s.job_name as job,
        (extract(epoch from e.at) * 1000)::float8 as at, coalesce(max(f.depth), 0) as depth
      from event e join submission s on s.id = e.submission_id left join firing f on f.submission_id = s.id
      where e.type = 'SUBMISSION_STATE' and e.state in ('SUCCEEDED', 'FAILED', 'CANCELLED')
        and (e.tx, e.submission_id, e.seq) > ($1::text::xid8, $2::bigint, $3::int)
        and e.tx < pg_snapshot_xmin(pg_current_snapshot())
      group by e.tx, e.submission_id, e.seq, e.state, s.job_name, e.at
      order by e.tx, e.submission_id, e.seq limit $4`,
    },
    [after.tx, after.submissionId, after.seq, limit],
  );
}

/** A Trigger that waits for ends. Those before `sinceTx` were before it. */
export interface CompletionTrigger {
  readonly name: string;
  readonly spec: TriggerSpec & { readonly on: Extract<TriggerSpec['on'], { kind: 'COMPLETION' }> };
  readonly sinceTx: string;
  readonly paused: boolean;
}

export function completionTriggers(sql: Sql): Promise<CompletionTrigger[]> {
  return sql.query({
    name: 'completion-triggers',
    text: `select f.name, v.spec, f.since_tx::text as "sinceTx", f.paused
           from firer f join definition_version v on v.id = f.version_id
           where f.kind = 'TRIGGER' and f.removed_at is null and v.spec->'on'->>'kind' = 'COMPLETION'`,
  });
}
