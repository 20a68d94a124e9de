/** How the parts of one StepRun stand: the elements of a scatter, or the steps of a nested Job. */
import type { StateCounts } from '../../domain/graphRuns';
import type { StepRunState } from '../../domain/states';
import type { Sql } from '../database';

export interface PartsPlace {
  readonly submissionId: string;
  readonly scopeId: string;
  /** The Step whose elements are meant; null for the steps of a Job. */
  readonly node: number | null;
}

/** Numbers by state, at most one row for each, however many parts there are; states without parts are left out. */
export async function partCounts(sql: Sql, place: PartsPlace): Promise<Partial<StateCounts>> {
  const { submissionId, scopeId, node } = place;
  const rows = await sql.query<{ state: StepRunState; count: number }>(
    node === null
      ? {
          name: 'part-counts-of-job',
          text: `select state, count(*)::int as count from step_run
                 where submission_id = $1 and scope_id = $2 and scatter_index < 0 group by state`,
        }
      : {
          name: 'part-counts-of-scatter',
          text: `select state, count(*)::int as count from step_run
                 where submission_id = $1 and scope_id = $2 and node = $3 and scatter_index >= 0 group by state`,
        },
    node === null ? [submissionId, scopeId] : [submissionId, scopeId, node],
  );
  return Object.fromEntries(rows.map(({ state, count }) => [state, count]));
}
