/** Equal work: who does or did it, who waits for it, and what a re-run takes from an earlier Submission. */
import type { Values } from '../../domain/values';
import type { Sql } from '../database';
import type { ClaimedStepRun } from './claim';

/** An Attempt that is about to do the work of a fingerprint. */
export interface WorkClaim {
  readonly fingerprint: string;
  readonly stepRunId: string;
  readonly attempt: number;
  readonly taskName: string;
}

/** Claims work that nobody has claimed before; returns the StepRuns that now do it. */
export async function claimWork(sql: Sql, claims: readonly WorkClaim[]): Promise<ReadonlySet<string>> {
  const rows = await sql.query<{ id: string }>(
    {
      name: 'claim-work',
      // In the order of fingerprints, so that two workers with the same ones never wait for each other in a circle.
      text: `insert into equal_work (fingerprint, step_run_id, attempt, task_name)
             select fingerprint, "stepRunId", attempt, "taskName" from jsonb_to_recordset($1::jsonb)
               as x(fingerprint text, "stepRunId" bigint, attempt int, "taskName" text)
             order by fingerprint, "stepRunId"
             on conflict (fingerprint) do nothing
             returning step_run_id as id`,
    },
    [JSON.stringify(claims)],
  );
  return new Set(rows.map(({ id }) => id));
}

/** A StepRun that succeeded, with what is needed to take its result. */
export interface EarlierRun {
  readonly stepRunId: string;
  readonly name: string;
  readonly jobName: string;
  readonly submissionId: string;
  readonly exitCode: number | null;
  readonly outputs: Values;
}

/** How it stands with work that was claimed before. */
export interface ClaimedWork {
  readonly fingerprint: string;
  readonly stepRunId: string;
  readonly attempt: number;
  readonly name: string;
  readonly jobName: string;
  readonly submissionId: string;
  /** Its Attempt runs. */
  readonly isRunning: boolean;
  /** What it gave; null unless it succeeded. */
  readonly done: EarlierRun | null;
}

/** The columns of a row as a claim gives it. */
const CLAIMED = `r.id, r.submission_id as "submissionId", p.job_version_id as "jobVersionId", r.scope_id as "scopeId",
  r.parent_id as "parentId", r.job, r.node, r.scatter_index as "scatterIndex", r.name, r.attempt, r.queue, r.inputs,
  r.out_of_memory as "outOfMemory", p.reuse, p.reuse_from as "reuseFrom", p.rerun`;

const EARLIER_RUN = `jsonb_build_object('stepRunId', r.id::text, 'name', r.name, 'jobName', p.job_name,
  'submissionId', p.id::text, 'exitCode', r.exit_code, 'outputs', coalesce(r.outputs, '{}'))`;

/**
 * A statement of its own, after `claimWork`: whoever put an entry there had taken the StepRun before, so that this sees it
 * run.
 */
export function lookAtWork(sql: Sql, fingerprints: readonly string[]): Promise<ClaimedWork[]> {
  return sql.query<ClaimedWork>(
    {
      name: 'look-at-work',
      text: `select e.fingerprint, e.step_run_id as "stepRunId", e.attempt, r.name, p.job_name as "jobName",
               p.id as "submissionId", r.state = 'RUNNING' and r.attempt = e.attempt as "isRunning",
               case when r.state = 'SUCCEEDED' and r.attempt = e.attempt then ${EARLIER_RUN} end as done
             from equal_work e join step_run r on r.id = e.step_run_id join submission p on p.id = r.submission_id
             where e.fingerprint = any($1::text[])`,
    },
    [fingerprints],
  );
}

/** Takes work over from an Attempt that does it no more. False when somebody else was faster. */
export async function takeWorkOver(sql: Sql, claim: WorkClaim, from: ClaimedWork): Promise<boolean> {
  const rows = await sql.query(
    {
      name: 'take-work-over',
      text: `update equal_work set step_run_id = $2, attempt = $3, task_name = $4, used_at = now()
             where fingerprint = $1 and step_run_id = $5 and attempt = $6 returning fingerprint`,
    },
    [claim.fingerprint, claim.stepRunId, claim.attempt, claim.taskName, from.stepRunId, from.attempt],
  );
  return rows.length > 0;
}

/** Makes runs that succeeded, without having looked for earlier ones, the ones whose results are taken from now on. */
export async function replaceWork(sql: Sql, claims: readonly WorkClaim[]): Promise<void> {
  await sql.query(
    {
      name: 'replace-work',
      text: `insert into equal_work as e (fingerprint, step_run_id, attempt, task_name)
             select distinct on (fingerprint) fingerprint, "stepRunId", x.attempt, "taskName"
             from jsonb_to_recordset($1::jsonb) as x(fingerprint text, "stepRunId" bigint, attempt int, "taskName" text)
             join step_run r on r.id = x."stepRunId" and r.attempt = x.attempt and r.state = 'SUCCEEDED'
             order by fingerprint, "stepRunId" desc
             on conflict (fingerprint) do update set step_run_id = excluded.step_run_id, attempt = excluded.attempt,
               task_name = excluded.task_name, used_at = now()`,
    },
    [JSON.stringify(claims)],
  );
}

/** An entry that is used is noted so often, in hours: the sweep needs no better. */
const NOTED_AFTER_HOURS = 1;

/** Notes that results were taken, so that they are kept longer. */
export async function noteTaken(sql: Sql, fingerprints: readonly string[]): Promise<void> {
  await sql.query(
    {
      name: 'note-taken',
      text: `update equal_work set used_at = now() where fingerprint in (
               select fingerprint from equal_work where fingerprint = any($1::text[])
                 and used_at < now() - make_interval(hours => ${NOTED_AFTER_HOURS})
               for update skip locked)`,
    },
    [fingerprints],
  );
}

export interface WaitingStepRun {
  readonly id: string;
  readonly submissionId: string;
}

/**
 * StepRuns whose wait for equal work is over: all that wait for a result that is there, one for each work that nobody
 * does, to do it. `fingerprints` null: whatever is waited for.
 */
export function waitersToWake(
  sql: Sql,
  fingerprints: readonly string[] | null,
  limit: number,
): Promise<WaitingStepRun[]> {
  const asked = fingerprints === null ? WAITED_FOR : `select unnest($2::text[]) as fingerprint`;
  return sql.query<WaitingStepRun>(
    {
      name: fingerprints === null ? 'waiters-to-wake' : 'waiters-to-wake-for',
      text: `
      with recursive asked as (${asked})
      select w.id, w.submission_id as "submissionId"
      from asked a
      left join equal_work e on e.fingerprint = a.fingerprint
      left join step_run r on r.id = e.step_run_id and r.attempt = e.attempt
      cross join lateral (
        select id, submission_id from step_run
        where state = 'RETRYING' and waits_for = a.fingerprint order by id
        limit case when r.state = 'SUCCEEDED' then $1 else 1 end
      ) w
      where a.fingerprint is not null and r.state is distinct from 'RUNNING'
      limit $1`,
    },
    fingerprints === null ? [limit] : [limit, fingerprints],
  );
}

/** Each fingerprint that is waited for, once, by steps through the index. There are never more than Attempts that run. */
const WAITED_FOR = `
        (select waits_for as fingerprint from step_run where state = 'RETRYING' and waits_for is not null
          order by waits_for limit 1)
        union all
        select (select waits_for from step_run where state = 'RETRYING' and waits_for > a.fingerprint
          order by waits_for limit 1)
        from asked a where a.fingerprint is not null`;

/**
 * StepRuns of an earlier Submission that have one of the names and succeeded, as a claim gives them, so that their values
 * can be read; with what they gave.
 */
export function succeededParts(
  sql: Sql,
  submissionId: string,
  names: readonly string[],
): Promise<(ClaimedStepRun & { readonly done: EarlierRun })[]> {
  return sql.query(
    {
      name: 'succeeded-parts',
      text: `
      with found as (
        select * from step_run where submission_id = $1 and scope_id = 0 and scatter_index = -1 and name = any($2::text[])
        union all
        select * from step_run where submission_id = $1 and parent_id is not null and name = any($2::text[])
      )
      select ${CLAIMED}, ${EARLIER_RUN} as done
      from found r join submission p on p.id = r.submission_id
      where r.kind = 'TASK' and r.state = 'SUCCEEDED'`,
    },
    [submissionId, names],
  );
}

/** A StepRun as it is compared with others. */
export interface WorkRow extends ClaimedStepRun {
  readonly jobName: string;
  readonly message: string;
  readonly cached: boolean;
  readonly reusedFrom: string | null;
  readonly waitsFor: string | null;
}

const WORK_ROW = `${CLAIMED}, p.job_name as "jobName", r.message, r.cached, r.reused_from as "reusedFrom",
  case when r.state = 'RETRYING' then r.waits_for end as "waitsFor"`;

/** A StepRun that runs a Task and was taken by a worker before; null otherwise. */
export async function workOf(sql: Sql, stepRunId: string): Promise<WorkRow | null> {
  const rows = await sql.query<WorkRow>(
    {
      name: 'work-of',
      text: `select ${WORK_ROW} from step_run r join submission p on p.id = r.submission_id
             where r.id = $1 and r.kind = 'TASK' and r.attempt > 0`,
    },
    [stepRunId],
  );
  return rows[0] ?? null;
}

/** Newer runs than these many are not gone through. */
const MAX_LOOKED_AT = 50;

/** Runs of the Task that succeeded before the StepRun came to be, whose results can be taken; newest first. */
export function remembered(sql: Sql, taskName: string, before: string, limit: number): Promise<WorkRow[]> {
  return sql.query<WorkRow>(
    {
      name: 'remembered-work',
      text: `
      select ${WORK_ROW} from (
        select step_run_id, attempt from equal_work where task_name = $1 and step_run_id < $2
        order by step_run_id desc limit ${MAX_LOOKED_AT}
      ) e join step_run r on r.id = e.step_run_id and r.attempt = e.attempt and r.state = 'SUCCEEDED'
      join submission p on p.id = r.submission_id
      order by r.id desc limit $3`,
    },
    [taskName, before, limit],
  );
}

/** Entries that one pass of a sweep removes. */
const SWEPT_AT_ONCE = 5_000;

/** Removes entries that nobody used for so many days, and the least used above the number that is kept; returns how many. */
export async function sweepReuse(sql: Sql, keep: { readonly days: number; readonly entries: number }): Promise<number> {
  const rows = await sql.query(
    {
      name: 'sweep-reuse',
      text: `
      delete from equal_work where fingerprint in (
        (select fingerprint from equal_work where used_at < now() - make_interval(days => $1)
          order by used_at limit ${SWEPT_AT_ONCE})
        union all
        (select fingerprint from equal_work order by used_at desc, step_run_id desc offset $2 limit ${SWEPT_AT_ONCE})
      ) returning fingerprint`,
    },
    [keep.days, keep.entries],
  );
  return rows.length;
}
