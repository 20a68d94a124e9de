/** A worker takes ready StepRuns, with the values they run on. */
import type { BackendSpec, Resources, TaskSpec } from '../domain/definitions';
import { StepcastError } from '../domain/errors';
import { checkedInputs, linkedValues } from '../domain/resolveInputs';
import { runsAgain, topLevelStep } from '../domain/rerun';
import { resourcesOf } from '../domain/resources';
import type { Values } from '../domain/values';
import type { Database, Sql } from '../store/database';
import { claimStepRuns, noteResources, type ClaimedStepRun } from '../store/statements/claim';
import type { Announcer } from './announcer';
import { claimWithinLimits } from './claimWithinLimits';
import type { JobVersion, Plans } from './plans';
import { loadShared, loadValues, nodeOf } from './values';

/** A StepRun that this worker now owns, ready to run. */
export interface Work {
  readonly stepRunId: string;
  readonly submissionId: string;
  readonly name: string;
  readonly attempt: number;
  readonly task: TaskSpec;
  /** Null for a Task that runs inside the worker. */
  readonly backend: BackendSpec | null;
  readonly values: Values;
  /** What it may use. */
  readonly resources: Resources;
  /** Whether it may take the result of equal work, and of which earlier Submission in the first place. */
  readonly reuse: WorkReuse;
  /** Why it cannot run: required inputs without a value. */
  readonly problems: readonly string[];
}

/** What its Submission says about taking results. */
export interface WorkReuse {
  readonly allowed: boolean;
  /** It stands in the part of a re-run that runs in any case. */
  readonly rerun: boolean;
  readonly fromSubmission: string | null;
}

/** Takes up to `limit` of the best-ranked ready StepRuns of the queues; none when there is nothing to do. */
export async function claim(
  { db, plans, announcer }: { db: Database; plans: Plans; announcer: Announcer },
  workerId: string,
  queues: readonly string[],
  limit: number,
): Promise<Work[]> {
  const unlimited = await claimStepRuns(db, workerId, queues, limit);
  const { claimed, events } = unlimited.limited ? await claimWithinLimits(db, workerId, queues, limit) : unlimited;
  if (events.length > 0) announcer.committed({ events, outbox: [] });
  const works = await worksOf(db, plans, claimed);
  await noteResources(db, works);
  return works;
}

/** The rows with the values that they run on, in their order. */
export async function worksOf(db: Sql, plans: Plans, claimed: readonly ClaimedStepRun[]): Promise<Work[]> {
  const found = await Promise.all(
    claimed.map(async (row) => {
      const version = await plans.byId(row.jobVersionId);
      return { row, version, node: nodeOf(version.plan, row) };
    }),
  );
  const elements = found.filter(({ row }) => row.scatterIndex >= 0);
  const others = found.filter(({ row }) => row.scatterIndex < 0);
  const [shared, lookup] = await Promise.all([
    loadShared(
      db,
      elements.map(({ row }) => row.parentId ?? ''),
    ),
    loadValues(
      db,
      others.map(({ row, node }) => ({
        submissionId: row.submissionId,
        scopeId: row.scopeId,
        links: Object.values(node.links),
      })),
    ),
  ]);
  return found.map(({ row, version, node }) => {
    if (node.run.kind !== 'task')
      throw new StepcastError('INTERNAL', `Step run ${row.id} runs a job and was claimed as a task`);
    const linked =
      row.scatterIndex >= 0
        ? { values: shared.get(row.parentId ?? '') ?? {}, problems: [] }
        : linkedValues(node, lookup(row));
    const { values, problems } = checkedInputs(node, { ...linked.values, ...row.inputs });
    const { task } = node.run;
    return {
      stepRunId: row.id,
      submissionId: row.submissionId,
      name: row.name,
      attempt: row.attempt,
      task,
      backend: backendOf(version, task),
      values,
      resources: resourcesOf(task, row.outOfMemory),
      reuse: {
        allowed: row.reuse,
        rerun: row.rerun.length > 0 && runsAgain(version.plan, row.rerun).has(topLevelStep(row.name)),
        fromSubmission: row.reuseFrom,
      },
      problems: [...linked.problems, ...problems],
    };
  });
}

function backendOf(version: JobVersion, task: TaskSpec): BackendSpec | null {
  if (task.command.kind === 'expression') return null;
  const backend = version.bundle.backends.find((one) => one.name === task.backend);
  if (!backend) throw new StepcastError('INTERNAL', `Job version ${version.id} lacks backend ${task.backend}`);
  return backend;
}
