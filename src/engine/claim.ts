/** A worker takes ready StepRuns, with the values they run on. */
import { resolveInputs } from '../domain/resolveInputs';
import { resourcesOf } from '../domain/resources';
import type { BackendSpec, Resources, TaskSpec } from '../domain/definitions';
import { StepcastError } from '../domain/errors';
import type { Values } from '../domain/values';
import type { Database } from '../store/database';
import { claimStepRuns, noteResources, type ClaimedStepRun } from '../store/statements/claim';
import { outputsByNode } from '../store/statements/locks';
import type { Announcer } from './announcer';
import type { Plans } from './plans';

/** A StepRun that this worker now owns, ready to run. */
export interface Work {
  readonly stepRunId: string;
  readonly submissionId: string;
  readonly name: string;
  readonly attempt: number;
  readonly task: TaskSpec;
  readonly backend: BackendSpec;
  readonly values: Values;
  /** What it may use. */
  readonly resources: Resources;
  /** Why it cannot run: required inputs without a value. */
  readonly problems: readonly string[];
}

/** Takes up to `limit` of the best-ranked ready StepRuns of the queues; none when there is nothing to do. */
export async function claim(
  { db, plans, announcer }: { db: Database; plans: Plans; announcer: Announcer },
  workerId: string,
  queues: readonly string[],
  limit: number,
): Promise<Work[]> {
  const { claimed, events } = await claimStepRuns(db, workerId, queues, limit);
  if (events.length > 0) announcer.committed({ events, outbox: [] });
  const works = await Promise.all(claimed.map((one) => toWork(db, plans, one)));
  await noteResources(db, works);
  return works;
}

async function toWork(db: Database, plans: Plans, claimed: ClaimedStepRun): Promise<Work> {
  const { plan, bundle } = await plans.byId(claimed.jobVersionId);
  const node = plan.nodes[claimed.node];
  if (!node) throw new StepcastError('INTERNAL', `Job version ${claimed.jobVersionId} has no node ${claimed.node}`);
  const sources = [
    ...new Set(
      Object.values(node.links).flatMap((link) =>
        link.kind === 'output' ? [link.node] : link.kind === 'glob' ? link.nodes : [],
      ),
    ),
  ];
  const outputs = sources.length > 0 ? await outputsByNode(db, claimed.submissionId, sources) : new Map<number, null>();
  const { values, problems } = resolveInputs(node, claimed.inputs, (index) => outputs.get(index) ?? null);
  const backend = bundle.backends.find((one) => one.name === node.task.backend);
  if (!backend)
    throw new StepcastError('INTERNAL', `Job version ${claimed.jobVersionId} lacks backend ${node.task.backend}`);
  return {
    stepRunId: claimed.id,
    submissionId: claimed.submissionId,
    name: claimed.name,
    attempt: claimed.attempt,
    task: node.task,
    backend,
    values,
    resources: resourcesOf(node.task, claimed.outOfMemory),
    problems,
  };
}
