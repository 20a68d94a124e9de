/** Rows that the planner shall look at. */
import type { Value, Values } from '../../domain/values';
import type { Sql } from '../database';
import { STEP_RUN_VIEW, type StepRunView } from './locks';

export interface DueRow extends StepRunView {
  readonly jobVersionId: string;
  /** Values resolved earlier: an element's own, or what the elements of a scatter share. */
  readonly inputs: Values | null;
}

/** A planner that has died in the middle is followed by another after this time. */
const LEASE_SECONDS = 15;

/** Takes up to `limit` rows that are due; no other planner gets them for a while. Those of paused Submissions wait. */
export function takeDue(sql: Sql, limit: number): Promise<DueRow[]> {
  return sql.query<DueRow>(
    {
      name: 'take-due',
      text: `
      with due as (
        select id from step_run r where due_at <= now()
          and not exists (select from submission s where s.id = r.submission_id and s.paused_at is not null)
        order by due_at, id limit $1 for update of r skip locked
      ), taken as (
        update step_run set due_at = now() + make_interval(secs => $2::float) where id in (select id from due) returning *
      )
      select ${STEP_RUN_VIEW}, inputs,
        (select job_version_id from submission s where s.id = taken.submission_id) as "jobVersionId"
      from taken order by id`,
    },
    [limit, LEASE_SECONDS],
  );
}

/** Part of the lists that a scatter goes over: `count` items of each, from index `from` on. */
export async function scatterItems(
  sql: Sql,
  stepRunId: string,
  from: number,
  count: number,
): Promise<Readonly<Record<string, readonly Value[]>>> {
  const rows = await sql.query<{ items: Record<string, Value[]> }>(
    {
      name: 'scatter-items',
      text: `select coalesce(jsonb_object_agg(key, jsonb_path_query_array(value, '$[$from to $to]',
               jsonb_build_object('from', $2::int, 'to', $2::int + $3::int - 1))), '{}') as items
             from step_run, jsonb_each(scatter) where id = $1`,
    },
    [stepRunId, from, count],
  );
  return rows[0]?.items ?? {};
}
