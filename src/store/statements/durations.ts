/** What earlier runs took, and what a Submission's steps are doing: read for estimates, never for decisions. */
import type { Distribution } from '../../domain/durations';
import type { Sql } from '../database';

/** Statistics are of at most so many runs of a Job, the newest. */
export const MAX_RUNS = 20;
/** With fewer runs of its own, a version also counts runs of older ones. */
export const ENOUGH_RUNS = 5;
/** Of how many older versions. */
const MAX_OLDER_VERSIONS = 10;
/** Of a step that scatters so many elements of each run are looked at. */
const MAX_ELEMENTS = 50;

export interface RecordedDurations {
  readonly job: Distribution | null;
  /** Steps of the Job itself, by name; an element of a scatter is `name[]`. */
  readonly steps: readonly (Distribution & { readonly name: string })[];
  readonly olderVersions: boolean;
}

/**
 * Durations of the newest runs that succeeded, of one job version, and of older ones while it has few. Runs that took
 * earlier results are left out, and those that were resumed. `nodes` is how many steps the version has.
 */
export async function recordedDurations(sql: Sql, jobVersionId: string, nodes: number): Promise<RecordedDurations> {
  const rows = await sql.query<RecordedDurations>(
    {
      name: 'recorded-durations',
      text: `
      with own as (
        select name, version from definition_version where id = $1
      ), versions as (
        select v.id, v.version from definition_version v join own on v.name = own.name and v.version <= own.version
        where v.kind = 'JOB' order by v.version desc limit 1 + ${MAX_OLDER_VERSIONS}
      ), runs as materialized (
        select s.id, v.id = $1 as of_own, extract(epoch from s.finished_at - s.started_at)::float as seconds
        from versions v cross join lateral (
          select id, started_at, finished_at from submission
          where job_version_id = v.id and state = 'SUCCEEDED' and generation = 1 order by id desc limit ${MAX_RUNS}) s
        order by v.version desc, s.id desc limit ${MAX_RUNS}
      ), kept as materialized (
        select * from runs where of_own or (select count(*) from runs where of_own) < ${ENOUGH_RUNS}
      ), steps as materialized (
        select r.id, s.cached, extract(epoch from s.finished_at - s.started_at)::float as seconds,
          regexp_replace(s.name, '\\[\\d+\\]$', '[]') as name
        from kept r cross join generate_series(0, $2::int - 1) as n(node) cross join lateral (
          select name, cached, started_at, finished_at from step_run
          where submission_id = r.id and scope_id = 0 and node = n.node and scatter_index < ${MAX_ELEMENTS}
            and state = 'SUCCEEDED') s
      ), by_step as (
        select name, count(*)::int as count, min(seconds) as min, max(seconds) as max,
          percentile_cont(array[0.1, 0.5, 0.9]) within group (order by seconds) as p
        from steps where not cached and seconds is not null group by name
      ), whole as (
        select count(*)::int as count, min(seconds) as min, max(seconds) as max,
          percentile_cont(array[0.1, 0.5, 0.9]) within group (order by seconds) as p
        from kept r where seconds is not null and not exists (select from steps s where s.id = r.id and s.cached)
      )
      select
        (select jsonb_build_object('count', count, 'min', min, 'p10', p[1], 'p50', p[2], 'p90', p[3], 'max', max)
          from whole where count > 0) as job,
        (select coalesce(jsonb_agg(jsonb_build_object('name', name, 'count', count, 'min', min, 'p10', p[1], 'p50', p[2],
          'p90', p[3], 'max', max)), '[]') from by_step) as steps,
        (select coalesce(bool_or(not of_own), false) from kept) as "olderVersions"`,
    },
    [jobVersionId, nodes],
  );
  return rows[0] ?? { job: null, steps: [], olderVersions: false };
}

/** The StepRuns of one Step of the Job itself that have not ended; those inside a nested Job are part of its row. */
export interface UnfinishedStep {
  readonly node: number;
  /** It scatters, and its elements are counted here; else the Step itself. */
  readonly ofElements: boolean;
  readonly pending: number;
  readonly ready: number;
  /** Seconds since each started. */
  readonly running: readonly number[];
}

/** What has not ended, by node. Elements that have no row yet are pending. */
export function unfinishedSteps(sql: Sql, submissionId: string): Promise<UnfinishedStep[]> {
  return sql.query(
    {
      name: 'unfinished-steps',
      text: `
      with open as (
        select node, state, started_at, kind = 'SCATTER' and width is not null as spread, width - expanded as unmade
        from step_run
        where submission_id = $1 and scope_id = 0 and state in ('PENDING', 'QUEUED', 'RETRYING', 'RUNNING')
      )
      select node, bool_or(spread) as "ofElements",
        (count(*) filter (where state in ('PENDING', 'RETRYING') and not spread)
          + coalesce(sum(unmade) filter (where spread), 0))::int as pending,
        count(*) filter (where state = 'QUEUED' and not spread)::int as ready,
        coalesce(array_agg(extract(epoch from clock_timestamp() - started_at)::float)
          filter (where state = 'RUNNING' and not spread), '{}') as running
      from open group by node order by node`,
    },
    [submissionId],
  );
}
