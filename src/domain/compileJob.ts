/** Turns a Job into the graph the engine runs: names become indices, links become edges. Pure; the Job is checked before. */
import type { JobSpec, Link, TaskSpec } from './definitions';
import { StepcastError } from './errors';
import { isOptional } from './values';

/** A Step in the graph. */
export interface PlanNode {
  /** Its place in `JobPlan.nodes`, in the order of definition. */
  readonly index: number;
  readonly name: string;
  readonly task: TaskSpec;
  /** By port or Parameter name; glob links list the Steps they look at by index, latest last. */
  readonly links: Readonly<Record<string, PlanLink>>;
  readonly when: { readonly node: number; readonly exitCodes: readonly number[] } | null;
  /** Nodes that must end first, ascending, each once. Their number is the node's initial counter. */
  readonly predecessors: readonly number[];
  readonly successors: readonly number[];
  /** Predecessors that feed an input which has no default and takes no null: if one is skipped, so is this node. */
  readonly requires: readonly number[];
}

export type PlanLink =
  | { readonly kind: 'input'; readonly input: string }
  | { readonly kind: 'output'; readonly node: number; readonly port: string }
  | { readonly kind: 'value'; readonly value: Extract<Link, { kind: 'value' }>['value'] }
  | { readonly kind: 'glob'; readonly glob: string; readonly nodes: readonly number[]; readonly inputs: boolean };

export interface JobPlan {
  readonly job: JobSpec;
  readonly nodes: readonly PlanNode[];
  /** Nodes that the Job's outputs come from, ascending, each once. */
  readonly outputNodes: readonly number[];
}

/** Compiles a checked Job (see `checkJob`). Throws INTERNAL when a name does not resolve: the check was left out. */
export function compileJob(job: JobSpec, taskByName: ReadonlyMap<string, TaskSpec>): JobPlan {
  const indexByName = new Map(job.steps.map((step, index) => [step.name, index]));
  const indexOf = (name: string): number => {
    const index = indexByName.get(name);
    if (index === undefined) throw new StepcastError('INTERNAL', `Job "${job.name}" names no step "${name}"`);
    return index;
  };
  const planLink = (link: Link): PlanLink => {
    switch (link.kind) {
      case 'output':
        return { kind: 'output', node: indexOf(link.step), port: link.port };
      case 'glob':
        return { kind: 'glob', glob: link.glob, nodes: link.steps.map(indexOf), inputs: link.inputs };
      default:
        return link;
    }
  };

  const drafts = job.steps.map((step, index) => {
    const task = taskByName.get(step.task);
    if (!task) throw new StepcastError('INTERNAL', `Job "${job.name}" runs an unknown task "${step.task}"`);
    const links = Object.fromEntries(Object.entries(step.links).map(([port, link]) => [port, planLink(link)]));
    const when = step.when ? { node: indexOf(step.when.step), exitCodes: step.when.exitCodes } : null;
    const sources = Object.values(links).flatMap(sourcesOf);
    const predecessors = ascending([...sources, ...step.after.map(indexOf), ...(when ? [when.node] : [])]);
    return { index, name: step.name, task, links, when, predecessors, requires: requiredSources(task, links) };
  });

  const successors: number[][] = drafts.map(() => []);
  for (const draft of drafts) for (const earlier of draft.predecessors) successors[earlier]?.push(draft.index);

  return {
    job,
    nodes: drafts.map((draft) => ({ ...draft, successors: successors[draft.index] ?? [] })),
    outputNodes: ascending(job.outputs.map((output) => indexOf(output.source.step))),
  };
}

function sourcesOf(link: PlanLink): readonly number[] {
  if (link.kind === 'output') return [link.node];
  return link.kind === 'glob' ? link.nodes : [];
}

/** Only port-to-port links bind: a glob looks at several Steps, and any of them may be left out. */
function requiredSources(task: TaskSpec, links: Readonly<Record<string, PlanLink>>): number[] {
  const required = [
    ...task.inputs.filter((port) => port.default === undefined && !isOptional(port.type)).map((port) => port.name),
    ...task.parameters.filter((one) => one.required && one.default === undefined).map((one) => one.name),
  ];
  return ascending(required.flatMap((name) => (links[name]?.kind === 'output' ? sourcesOf(links[name]) : [])));
}

const ascending = (numbers: readonly number[]): number[] => [...new Set(numbers)].sort((a, b) => a - b);
