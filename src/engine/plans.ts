/** Job versions as plans: immutable, so each process reads each once and keeps the latest used. */
import type { JobPlan } from '../domain/compileJob';
import { compileJob } from '../domain/compileJob';
import type { BackendSpec, JobSpec, TaskSpec } from '../domain/definitions';
import { StepcastError } from '../domain/errors';
import type { Library } from '../domain/signature';
import type { Sql } from '../store/database';
import { readBundle } from './readBundle';

/** What a JOB version stores: the Job with every Task, Backend and Job it uses, so that a Submission never meets a newer one. */
export interface JobBundle {
  readonly job: JobSpec;
  readonly tasks: readonly TaskSpec[];
  readonly backends: readonly BackendSpec[];
  /** The Jobs that its Steps run, at any depth. */
  readonly jobs: readonly JobSpec[];
}

export interface JobVersion {
  readonly id: string;
  readonly version: number;
  readonly bundle: JobBundle;
  readonly plan: JobPlan;
}

export interface Plans {
  /** NOT_FOUND when there is none. In a transaction give its `sql`: waiting for a second connection could wait for ever. */
  byId(jobVersionId: string, sql?: Sql): Promise<JobVersion>;
}

const MAX_CACHED_PLANS = 500;

export function createPlans(db: Sql): Plans {
  const cache = new Map<string, Promise<JobVersion>>();
  const load = async (id: string, sql: Sql): Promise<JobVersion> => {
    const rows = await sql.query<{ version: number; spec: unknown }>(
      { name: 'job-version', text: `select version, spec from definition_version where id = $1 and kind = 'JOB'` },
      [id],
    );
    const row = rows[0];
    if (!row) throw new StepcastError('NOT_FOUND', `There is no job version ${id}`);
    const bundle = readBundle(row.spec);
    return { id, version: row.version, bundle, plan: planOf(bundle) };
  };
  return {
    byId: (id, sql = db) => {
      const known = cache.get(id);
      if (known) {
        cache.delete(id);
        cache.set(id, known);
        return known;
      }
      const loading = load(id, sql);
      loading.catch(() => cache.delete(id));
      cache.set(id, loading);
      const oldest = cache.keys().next();
      if (cache.size > MAX_CACHED_PLANS && !oldest.done) cache.delete(oldest.value);
      return loading;
    },
  };
}

export function planOf(bundle: JobBundle): JobPlan {
  return compileJob(bundle.job, libraryOf(bundle.tasks, bundle.jobs));
}

/** Tasks and Jobs by name. */
export function libraryOf(tasks: readonly TaskSpec[], jobs: readonly JobSpec[]): Library {
  return { tasks: new Map(tasks.map((task) => [task.name, task])), jobs: new Map(jobs.map((job) => [job.name, job])) };
}
