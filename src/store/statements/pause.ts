/** Pauses: Submissions whose ready StepRuns are held back, and queues from which nothing is taken. */
import type { Sql } from '../database';
import type { Committed } from './changes';

/** Doorbells for what goes on after a pause: workers that wake take as much as they can. */
const DOORBELLS = 16;

/** Holds back what is ready; what becomes ready later is held back by the mark on the Submission, which is locked. */
export async function holdSubmission(sql: Sql, submissionId: string): Promise<void> {
  await sql.query(
    {
      name: 'hold-submission',
      text: `
      with paused as (
        update submission set paused_at = now() where id = $1
      )
      update step_run set held = true where submission_id = $1 and state = 'QUEUED' and not held`,
    },
    [submissionId],
  );
}

/** What goes on after a pause. */
export interface Released {
  /** Doorbells to ring. */
  readonly outbox: Committed['outbox'];
  /** There is something for the planner. */
  readonly due: boolean;
}

/** Lets go what was held back, at the place in the queue that it had, with all the time that it had left. */
export async function releaseSubmission(sql: Sql, submissionId: string): Promise<Released> {
  const [row] = await sql.query<Released>(
    {
      name: 'release-submission',
      text: `
      with going as (
        update submission set deadline = deadline + (now() - paused_at), paused_at = null where id = $1
      ), paused as (
        select now() - paused_at as time from submission where id = $1
      ), delayed as (
        update step_run set deadline = deadline + (select time from paused)
        where submission_id = $1 and deadline is not null
          and (state = 'RETRYING' or (state = 'RUNNING' and kind = 'JOB'))
      ), released as (
        update step_run set held = false, due_at = case when due_at is not null then now() end,
          queue_deadline = case when held then queue_deadline + (select time from paused) else queue_deadline end,
          deadline = case when held then deadline + (select time from paused) else deadline end
        where submission_id = $1 and (held or due_at is not null)
        returning id, queue, priority, attempt, state, due_at
      ), messages as (
        insert into outbox (queue, priority, step_run_id, attempt)
        select queue, priority, id, attempt + 1 from released where state = 'QUEUED' order by id limit ${DOORBELLS}
        returning id, queue, priority, step_run_id, attempt
      )
      select (select coalesce(jsonb_agg(jsonb_build_object('outboxId', id::text, 'queue', queue, 'priority', priority,
          'stepRunId', step_run_id::text, 'attempt', attempt) order by id), '[]') from messages) as outbox,
        exists (select from released where due_at is not null) as due`,
    },
    [submissionId],
  );
  return row ?? { outbox: [], due: false };
}

export interface QueuePause {
  readonly queue: string;
  readonly priority: number;
  readonly reason: string;
  readonly pausedAt: Date;
}

/** Queues that are paused: three for each Backend at most. */
export function queuePauses(sql: Sql): Promise<QueuePause[]> {
  return sql.query({
    name: 'queue-pauses',
    text: `select queue, priority, reason, paused_at as "pausedAt" from queue_pause order by queue, priority`,
  });
}

/** Pauses the queue at these priorities; returns how many of them were not paused before. */
export async function pauseQueues(
  sql: Sql,
  queue: string,
  priorities: readonly number[],
  reason: string,
): Promise<number> {
  const rows = await sql.query(
    {
      name: 'pause-queues',
      text: `insert into queue_pause (queue, priority, reason) select $1, priority, $3 from unnest($2::smallint[]) as p(priority)
             on conflict do nothing returning priority`,
    },
    [queue, priorities, reason],
  );
  return rows.length;
}

/** Ends the pauses; returns how many there were, and doorbells to ring. */
export async function unpauseQueues(
  sql: Sql,
  queue: string,
  priorities: readonly number[],
): Promise<{ readonly count: number; readonly outbox: Committed['outbox'] }> {
  const ended = await sql.query<{ priority: number }>(
    {
      name: 'unpause-queues',
      text: `delete from queue_pause where queue = $1 and priority = any($2::smallint[]) returning priority`,
    },
    [queue, priorities],
  );
  const outbox = await sql.query<Committed['outbox'][number]>(
    {
      name: 'ring-queues',
      text: `
      insert into outbox (queue, priority, step_run_id, attempt)
      select r.queue, r.priority, r.id, r.attempt + 1 from unnest($2::smallint[]) as p(priority) cross join lateral (
        select id, queue, priority, attempt from step_run
        where state = 'QUEUED' and not held and queue = $1 and priority = p.priority and lane = ''
        order by rank_at, id limit ${DOORBELLS}
      ) r
      returning id as "outboxId", queue, priority, step_run_id as "stepRunId", attempt`,
    },
    [queue, ended.map((one) => one.priority)],
  );
  return { count: ended.length, outbox };
}
