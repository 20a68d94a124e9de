/** How many StepRuns of one Submission stand where: what its graph shows. */
import type { CountedRuns } from '../../domain/graphRuns';
import type { Sql } from '../database';

/**
 * A row per Step and state, however many StepRuns there are. The name of a StepRun leads to it, with the numbers of
 * elements in brackets; without them it is that of its Step. Times are in milliseconds since 1970.
 */
export function countedRuns(sql: Sql, submissionId: string): Promise<CountedRuns[]> {
  return sql.query(
    {
      name: 'counted-runs',
      // Looking at names is the costly part: elements of one scatter are counted together before one of them is looked at.
      text: `
      with counted as (
        select ${stepOf('name')} as step, false as element, state, ${COUNTS}
        from step_run where submission_id = $1 and scatter_index < 0 group by 1, 3
        union all
        select ${stepOf('min(name)')}, true, state, ${COUNTS}
        from step_run where submission_id = $1 and scatter_index >= 0 group by scope_id, node, state
      )
      select step, element, state, sum(count)::int as count, coalesce(sum(unexpanded), 0)::int as unexpanded,
        min(id)::text as "stepRunId", max(percent) as percent,
        (extract(epoch from min(started_at)) * 1000)::float8 as "startedAt",
        (extract(epoch from max(finished_at)) * 1000)::float8 as "finishedAt"
      from counted group by 1, 2, 3`,
    },
    [submissionId],
  );
}

const stepOf = (name: string): string => `regexp_replace(${name}, '\\[\\d+\\]', '', 'g')`;
const COUNTS = `count(*) as count, sum(width - expanded) as unexpanded, min(id) as id, max(percent) as percent,
          min(started_at) as started_at, max(finished_at) as finished_at`;
