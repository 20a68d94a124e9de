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
      text: `
      select regexp_replace(name, '\\[\\d+\\]', '', 'g') as step, scatter_index >= 0 as element, state,
        count(*)::int as count, coalesce(sum(width - expanded), 0)::int as unexpanded, min(id)::text as "stepRunId",
        max(percent) as percent, (extract(epoch from min(started_at)) * 1000)::float8 as "startedAt",
        (extract(epoch from max(finished_at)) * 1000)::float8 as "finishedAt"
      from step_run where submission_id = $1 group by 1, 2, 3`,
    },
    [submissionId],
  );
}
