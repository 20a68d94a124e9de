/**
 * Ready StepRuns with limits stand in lanes of their own, one for each set of needs, so that a claim passes by thousands
 * that have to wait at the cost of one look.
 */
import type { Sql } from '../database';

/** Lanes that one claim looks at, of each queue and priority. */
export const MAX_LANES = 1_000;

/** How long an older, less urgent step must have waited to go before a newer one of the next higher priority. */
export const AGING_SECONDS = 60;

/**
 * SQL: when the turn of a step comes, against those of other queues and priorities. That goes by how long it has waited;
 * within a queue and priority the rank decides, so none comes before those that stand before it.
 */
export const TURN = `max(ready_at) over (partition by queue, priority order by rank_at, id)
            + make_interval(secs => priority * ${AGING_SECONDS})`;

/** SQL: queues and priorities of the names in `queues` from which something may be taken. */
export const lines = (queues: string): string => `
        select q.queue, p.priority from unnest(${queues}::text[]) as q(queue), generate_series(0, 2) as p(priority)
        where not exists (select from queue_pause z where z.queue = q.queue and z.priority = p.priority)`;

/**
 * SQL: the lane of a StepRun `r` in a Submission of the Job named by `jobName`: what it needs of each limit there is, as JSON, whose keys
 * are in a canonical order; empty when no limit concerns it.
 */
export const laneOf = (r: string, jobName: string): string => `
    case when exists (select from run_limit) then coalesce((
      select jsonb_object_agg(k.key, k.amount)::text from (
        values ('task:' || ${r}.task_name, 1), ('backend:' || ${r}.queue, 1), ('job:' || ${jobName}, 1),
          ('job:' || nullif(${r}.job, ''), 1), ('user:' || ${r}.submitter, 1)
        union all
        select 'resource:' || u.key, u.value::int from jsonb_each_text(${r}.uses) u
      ) as k(key, amount)
      where exists (select from run_limit m where m.key = k.key or (m.key = 'user:*' and k.key like 'user:%'))
    ), '') else '' end`;

export interface Lane {
  readonly queue: string;
  readonly priority: number;
  readonly lane: string;
}

/** SQL: `with recursive lane`: the lanes of the names in `queues` in which something waits, and those without limits. */
const withLanes = (queues: string): string => `
      with recursive lane as (
        select queue, priority, '' as lane, 0 as nth from (${lines(queues)}) as line
        union all
        select n.queue, n.priority, x.lane, n.nth + 1 from lane n cross join lateral (
          select r.lane from step_run r
          where r.state = 'QUEUED' and not r.held and r.queue = n.queue and r.priority = n.priority and r.lane > n.lane
          order by r.lane limit 1
        ) x where n.nth < ${MAX_LANES}
      )`;

/** The lanes of the queues in which something waits; that of steps without limits is always among them. */
export function waitingLanes(sql: Sql, queues: readonly string[]): Promise<Lane[]> {
  return sql.query({ name: 'waiting-lanes', text: `${withLanes('$1')} select queue, priority, lane from lane` }, [
    queues,
  ]);
}

/** What waits in a lane. */
export interface Backlog extends Lane {
  /** Steps, counted no further than was asked for. */
  readonly ready: number;
  /** How long the oldest of those that were counted has been ready. */
  readonly oldestSeconds: number;
}

/** What waits in each lane of the queues, paused ones left out; counts up to `limit` of each. */
export function backlogs(sql: Sql, queues: readonly string[], limit: number): Promise<Backlog[]> {
  return sql.query(
    {
      name: 'backlogs',
      text: `${withLanes('$1')}
      select l.queue, l.priority, l.lane, c.ready, c."oldestSeconds" from lane l cross join lateral (
        select count(*)::int as ready, extract(epoch from now() - min(x.ready_at))::float as "oldestSeconds" from (
          select r.ready_at from step_run r
          where r.state = 'QUEUED' and not r.held and r.queue = l.queue and r.priority = l.priority and r.lane = l.lane
          order by r.rank_at, r.id limit $2
        ) x
      ) c where c.ready > 0 order by l.priority, c."oldestSeconds" desc`,
    },
    [queues, limit],
  );
}

/** The first of each lane, as many as asked for, those whose turn it is first. */
export function laneHeads(
  sql: Sql,
  lanes: readonly (Lane & { readonly count: number })[],
): Promise<{ id: string; lane: string }[]> {
  return sql.query(
    {
      name: 'lane-heads',
      text: `
      with head as (
        select l.queue, l.priority, l.lane, c.* from jsonb_to_recordset($1::jsonb) as l(queue text, priority int, lane text, count int)
        cross join lateral (
          select r.id, r.rank_at, r.ready_at from step_run r
          where r.state = 'QUEUED' and not r.held and r.queue = l.queue and r.priority = l.priority and r.lane = l.lane
          order by r.rank_at, r.id limit l.count
        ) c
      )
      select id, lane from (select *, ${TURN} as turn from head) as waiting order by turn, priority, rank_at, id`,
    },
    [JSON.stringify(lanes)],
  );
}

/** StepRuns that one statement moves to another lane. */
const MOVED_AT_ONCE = 2_000;

/**
 * Puts what is ready or runs into the lane that the limits of now give it. For when a limit comes to be; an amount that
 * changes needs nothing. StepRuns that are being changed by others at this moment are left alone: call it again.
 */
export async function moveToLanes(sql: Sql): Promise<void> {
  for (const state of ['QUEUED', 'RUNNING']) {
    for (let after: string | null = '0'; after !== null;) {
      const rows: { after: string | null }[] = await sql.query(
        {
          name: `move-to-lanes-${state.toLowerCase()}`,
          text: `
          with part as materialized (
            select id from step_run where state = '${state}' and kind = 'TASK' and id > $1 order by id limit ${MOVED_AT_ONCE}
          ), wrong as materialized (
            select r.id, w.lane from step_run r join submission p on p.id = r.submission_id
            cross join lateral (select ${laneOf('r', 'p.job_name')} as lane) w
            where r.id in (select id from part) and r.state = '${state}' and r.lane <> w.lane
            for update of r skip locked
          ), moved as (
            update step_run r set lane = w.lane from wrong w where r.id = w.id
          )
          select max(id)::text as after from part having count(*) = ${MOVED_AT_ONCE}`,
        },
        [after],
      );
      after = rows[0]?.after ?? null;
    }
  }
}
