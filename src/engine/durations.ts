/** Expected durations of Jobs and Steps, and what a Submission under way may still take. Read often: kept for seconds. */
import { LRUCache } from 'lru-cache';
import type { JobPlan } from '../domain/compileJob';
import { estimate, type Estimate, type JobHistory, type StepNow } from '../domain/estimate';
import { orderOf } from '../domain/graph';
import type { SubmissionState } from '../domain/states';
import type { Database } from '../store/database';
import { recordedDurations, unfinishedSteps, type UnfinishedStep } from '../store/statements/durations';
import type { Plans } from './plans';

export interface Durations {
  /** What earlier runs of a job version took. */
  historyOf(jobVersionId: string): Promise<JobHistory>;
  /** What the Submission may still take; null for one that ends or has ended. */
  estimateOf(submission: SubmissionNow): Promise<Estimate | null>;
}

/** A Submission as far as an estimate needs it. */
export interface SubmissionNow {
  readonly id: string;
  readonly jobVersionId: string;
  readonly state: SubmissionState;
}

const HISTORY_FOR_MS = 5_000;
const MAX_HISTORIES = 500;
/** A subscriber asks with every change; the steps are read this often at most. */
const STEPS_FOR_MS = 1_000;
const MAX_SUBMISSIONS = 2_000;

export function createDurations(db: Database, plans: Plans): Durations {
  const histories = new LRUCache<string, JobHistory>({
    max: MAX_HISTORIES,
    ttl: HISTORY_FOR_MS,
    fetchMethod: async (jobVersionId) => {
      const { plan } = await plans.byId(jobVersionId);
      const { job, steps, olderVersions } = await recordedDurations(db, jobVersionId, plan.nodes.length);
      return { job, steps: new Map(steps.map(({ name, ...durations }) => [name, durations])), olderVersions };
    },
  });
  const unfinished = new LRUCache<string, UnfinishedStep[]>({
    max: MAX_SUBMISSIONS,
    ttl: STEPS_FOR_MS,
    fetchMethod: (id) => unfinishedSteps(db, id),
  });
  const historyOf = (jobVersionId: string): Promise<JobHistory> => histories.forceFetch(jobVersionId);
  return {
    historyOf,
    estimateOf: async ({ id, jobVersionId, state }) => {
      const history = await historyOf(jobVersionId);
      switch (state) {
        case 'QUEUED':
          return ofWholeRun(history);
        case 'RUNNING': {
          const { plan } = await plans.byId(jobVersionId);
          return estimate(stepsNow(plan, await unfinished.forceFetch(id)), history);
        }
        default:
          return null;
      }
    },
  };
}

/** Before anything started, whole runs tell most: they hold the waiting between steps too. */
function ofWholeRun({ job, olderVersions }: JobHistory): Estimate {
  if (!job) return { secondsLeft: null, secondsLeftHigh: null, basis: 'NO_HISTORY' };
  return { secondsLeft: job.p50, secondsLeftHigh: job.p90, basis: olderVersions ? 'OLDER_VERSIONS' : 'THIS_VERSION' };
}

function stepsNow(plan: JobPlan, unfinished: readonly UnfinishedStep[]): StepNow[] {
  const byNode = new Map(unfinished.map((step) => [step.node, step]));
  const conditional = conditionalNodes(plan);
  return plan.nodes.map(({ index, name, predecessors }) => {
    const { ofElements = false, pending = 0, ready = 0, running = [] } = byNode.get(index) ?? {};
    const durationsOf = ofElements ? `${name}[]` : name;
    return { name: durationsOf, predecessors, conditional: conditional.has(index), pending, ready, running };
  });
}

/** Nodes with a condition, and all behind them. */
function conditionalNodes({ nodes }: JobPlan): ReadonlySet<number> {
  const found = new Set<number>();
  for (const index of orderOf(nodes.map(({ predecessors }) => predecessors))) {
    const node = nodes[index];
    if (node?.when || node?.predecessors.some((earlier) => found.has(earlier))) found.add(index);
  }
  return found;
}
