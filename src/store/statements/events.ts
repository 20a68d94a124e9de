/** Reading Events: one Submission's by number, everybody's in the order of commits. */
import type { SubmissionEvent } from '../../domain/events';
import { storableText } from '../../domain/text';
import type { Database, Sql, Statement } from '../database';
import { lockSubmissions } from './locks';

const COLUMNS = `submission_id as "submissionId", seq, type, state, step_run_id as "stepRunId", step_name as "stepName",
  attempt, percent, message, to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as at`;

export function eventsAfter(sql: Sql, submissionId: string, after: number, limit: number): Promise<SubmissionEvent[]> {
  return sql.query(
    {
      name: 'events-after',
      text: `select ${COLUMNS} from event where submission_id = $1 and seq > $2 order by seq limit $3`,
    },
    [submissionId, after, limit],
  );
}

/** The newest Event number of each Submission, and whether it ended. Submissions that are gone are left out. */
export function latestSeqs(sql: Sql, submissionIds: readonly string[]): Promise<{ id: string; seq: number }[]> {
  return sql.query(
    {
      name: 'latest-seqs',
      text: `select id, event_seq as seq from submission where id = any($1::bigint[])`,
    },
    [submissionIds],
  );
}

/** A place in the stream of all Events: transaction, Submission, number. */
export interface ActivityCursor {
  readonly tx: string;
  readonly submissionId: string;
  readonly seq: number;
}

export interface ActivityEvent {
  readonly event: SubmissionEvent;
  readonly cursor: ActivityCursor;
}

/**
 * Events of all Submissions after the cursor. Only transactions older than every one still under way are read: what is
 * read never gets a predecessor later, so a cursor skips nothing, though transactions commit out of order.
 */
export async function activityAfter(sql: Sql, cursor: ActivityCursor, limit: number): Promise<ActivityEvent[]> {
  const rows = await sql.query<SubmissionEvent & { tx: string }>(
    {
      name: 'activity-after',
      text: `select tx::text as tx, ${COLUMNS} from event
             where (tx, submission_id, seq) > ($1::xid8, $2::bigint, $3::int)
               and tx < pg_snapshot_xmin(pg_current_snapshot())
             order by event.tx, submission_id, event.seq limit $4`,
    },
    [cursor.tx, cursor.submissionId, cursor.seq, limit],
  );
  return rows.map(({ tx, ...event }) => ({ event, cursor: { tx, submissionId: event.submissionId, seq: event.seq } }));
}

/** The end of the stream: a cursor after everything that has happened so far. */
export async function activityEnd(sql: Sql): Promise<ActivityCursor> {
  const rows = await sql.query<{ tx: string }>({
    name: 'activity-end',
    text: `select (pg_snapshot_xmin(pg_current_snapshot())::text::numeric - 1)::text as tx`,
  });
  // Past every Event of that transaction: ids and numbers are smaller than these.
  return { tx: rows[0]?.tx ?? '0', submissionId: '9223372036854775807', seq: 2_147_483_647 };
}

/** Progress of one Attempt. */
export interface Progress {
  readonly submissionId: string;
  readonly stepRunId: string;
  readonly attempt: number;
  /** 0–100. */
  readonly percent: number;
  readonly message: string;
}

/**
 * Numbers Events that change no state (progress) and stores them, where the Attempt still owns its StepRun. The
 * Submissions are locked first, as by every other change: a number that was read before the lock would be given out twice.
 */
export function appendProgress(db: Database, progress: readonly Progress[]): Promise<SubmissionEvent[]> {
  return db.transaction(async (sql) => {
    await lockSubmissions(sql, [...new Set(progress.map((one) => one.submissionId))]);
    return sql.query<SubmissionEvent>(APPEND_PROGRESS, [
      JSON.stringify(
        progress.map((one) => ({ ...one, percent: Math.floor(one.percent), message: storableText(one.message) })),
      ),
    ]);
  });
}

const APPEND_PROGRESS: Statement = {
  name: 'append-progress',
  text: `
      with owned as (
        update step_run r set percent = x.percent, message = x.message
        from jsonb_to_recordset($1::jsonb) as x("stepRunId" bigint, attempt int, percent smallint, message text)
        where r.id = x."stepRunId" and r.attempt = x.attempt and r.state = 'RUNNING'
        returning r.id, r.submission_id, r.name, r.attempt, r.percent, r.message
      ), numbered as (
        select o.*, s.event_seq + row_number() over (partition by o.submission_id order by o.id) as seq
        from owned o join submission s on s.id = o.submission_id
      ), bumped as (
        update submission s set event_seq = s.event_seq + (select count(*) from owned o where o.submission_id = s.id)
        where s.id in (select submission_id from owned)
      )
      insert into event (submission_id, seq, type, step_run_id, step_name, attempt, percent, message)
      select submission_id, seq, 'STEP_PROGRESS', id, name, attempt, percent, message from numbered
      returning ${COLUMNS}`,
};
