/** A Job made ready to run: names are resolved to indices and every Step counts what it waits for. */
import type { JobInput, JobSpec, Link, TaskSpec } from './definitions';
import { StepcastError, unreachable } from './errors';
import { linkedSteps, orderSteps, predecessorsOf } from './graph';
import type { Value } from './values';

/** A Link whose Steps are indices into the plan. */
export type PlannedLink =
  | { readonly kind: 'input'; readonly input: string }
  | { readonly kind: 'output'; readonly step: number; readonly port: string }
  | { readonly kind: 'value'; readonly value: Value }
  /** The Steps stand in the order they run. */
  | { readonly kind: 'glob'; readonly glob: string; readonly steps: readonly number[]; readonly inputs: boolean };

/** A Step of a plan. */
export interface PlanNode {
  readonly index: number;
  readonly name: string;
  readonly task: TaskSpec;
  readonly links: Readonly<Record<string, PlannedLink>>;
  /** The Step is skipped unless the other ended with one of these exit codes. */
  readonly when?: { readonly step: number; readonly exitCodes: readonly number[] };
  /** Indices of Steps that must end first, ascending, each once. */
  readonly predecessors: readonly number[];
  /** Indices of Steps that wait for this one, ascending. */
  readonly successors: readonly number[];
  /** How many predecessors there are: at 0 the Step is ready. */
  readonly waiting: number;
}

/** What the engine runs. */
export interface JobPlan {
  readonly job: string;
  readonly inputs: readonly JobInput[];
  /** In the order of the Job's Steps. */
  readonly nodes: readonly PlanNode[];
  /** Indices of nodes, every one after all that it waits for. */
  readonly order: readonly number[];
  readonly outputs: readonly { readonly name: string; readonly step: number; readonly port: string }[];
}

/** The plan of a Job that `checkJob` found nothing wrong with; INVALID_DEFINITION when a name or the order fails. */
export function compileJob(job: JobSpec, taskByName: ReadonlyMap<string, TaskSpec>): JobPlan {
  const ordered = orderSteps(job.steps);
  if (!ordered.ok) throw invalid(job, `its steps wait for each other: ${ordered.cycle.join(' → ')}`);
  const indices = new Map(job.steps.map(({ name }, index) => [name, index]));
  const rank = new Map(ordered.order.map((index, position) => [index, position]));
  const indexOf = (name: string): number => {
    const index = indices.get(name);
    if (index === undefined) throw invalid(job, `there is no step '${name}'`);
    return index;
  };
  const byRank = (left: number, right: number): number => (rank.get(left) ?? 0) - (rank.get(right) ?? 0);
  const plannedLink = (link: Link): PlannedLink => {
    switch (link.kind) {
      case 'input':
      case 'value':
        return link;
      case 'output':
        return { kind: 'output', step: indexOf(link.step), port: link.port };
      case 'glob':
        return { ...link, steps: linkedSteps(link).map(indexOf).sort(byRank) };
      default:
        return unreachable(link);
    }
  };
  const predecessors = job.steps.map((step) => ascending(predecessorsOf(step).map(indexOf)));
  const successors: number[][] = job.steps.map(() => []);
  predecessors.forEach((list, index) => list.forEach((earlier) => successors[earlier]?.push(index)));
  const nodes = job.steps.map((step, index): PlanNode => {
    const task = taskByName.get(step.task);
    if (!task) throw invalid(job, `there is no task '${step.task}'`);
    const waitsFor = predecessors[index] ?? [];
    return {
      index,
      name: step.name,
      task,
      links: Object.fromEntries(Object.entries(step.links).map(([port, link]) => [port, plannedLink(link)])),
      ...(step.when ? { when: { step: indexOf(step.when.step), exitCodes: step.when.exitCodes } } : {}),
      predecessors: waitsFor,
      successors: successors[index] ?? [],
      waiting: waitsFor.length,
    };
  });
  const outputs = job.outputs.map(({ name, source }) => ({ name, step: indexOf(source.step), port: source.port }));
  return { job: job.name, inputs: job.inputs, nodes, order: ordered.order, outputs };
}

function ascending(numbers: readonly number[]): number[] {
  return [...numbers].sort((left, right) => left - right);
}

function invalid(job: JobSpec, reason: string): StepcastError {
  return new StepcastError('INVALID_DEFINITION', `Job '${job.name}' cannot run: ${reason}.`);
}
