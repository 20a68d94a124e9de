/** Turns a Job into the graph the engine runs: names become indices, links become edges. Pure; the Job is checked before. */
import type { JobSpec, Link, PlainLink, Scatter, Source, TaskSpec } from './definitions';
import { StepcastError } from './errors';
import type { Expression } from './expression';
import { jobSignature, taskSignature, type Library, type Port } from './signature';
import type { Pick as PickRule } from './definitions';
import type { Value } from './values';

/** A Step in the graph. */
export interface PlanNode {
  /** Its place in `JobPlan.nodes`, in the order of definition. */
  readonly index: number;
  readonly name: string;
  readonly run: { readonly kind: 'task'; readonly task: TaskSpec } | { readonly kind: 'job'; readonly job: string };
  /** What it takes, in the order of definition. */
  readonly ports: readonly Port[];
  /** Values that only its expressions see: links to names that what it runs does not have. */
  readonly extras: readonly Port[];
  /** Names of what it gives. */
  readonly outputs: readonly string[];
  /** By port; glob links list the Steps they look at by index, latest last. */
  readonly links: Readonly<Record<string, PlanLink>>;
  readonly when: PlanWhen | null;
  readonly scatter: Scatter | null;
  /** Nodes that must end first, ascending, each once. Their number is the node's initial counter. */
  readonly predecessors: readonly number[];
  readonly successors: readonly number[];
  /** Predecessors that feed an input which has no default and takes no null: if one is skipped, so is this node. */
  readonly requires: readonly number[];
  /** The planner must look at it before it can run: it scatters, runs a Job, or something is computed for it. */
  readonly planned: boolean;
  /** The queue of its Task; empty when it is no Task. */
  readonly queue: string;
}

export type PlanWhen =
  | { readonly kind: 'exit'; readonly node: number; readonly exitCodes: readonly number[] }
  | { readonly kind: 'expression'; readonly expression: Expression };

export type PlanSource =
  | { readonly kind: 'input'; readonly input: string }
  | { readonly kind: 'output'; readonly node: number; readonly port: string };

export type PlainPlanLink =
  | PlanSource
  | { readonly kind: 'value'; readonly value: Value }
  | { readonly kind: 'glob'; readonly glob: string; readonly nodes: readonly number[]; readonly inputs: boolean }
  | {
      readonly kind: 'merge';
      readonly sources: readonly PlanSource[];
      readonly how: 'nested' | 'flat';
      readonly pick?: PickRule;
    };

export type PlanLink =
  | PlainPlanLink
  | { readonly kind: 'expression'; readonly expression: Expression; readonly source: PlainPlanLink | null };

export interface JobPlan {
  readonly job: JobSpec;
  readonly nodes: readonly PlanNode[];
  readonly outputs: readonly { readonly name: string; readonly link: PlainPlanLink }[];
  /** Plans of the Jobs that its Steps run, at any depth, by name; the same map in each of them. */
  readonly nested: ReadonlyMap<string, JobPlan>;
}

/** The queue of Tasks that run inside the worker, without a process. */
export const INLINE_QUEUE = '@inline';

/** The name that the rows of a Submission's own Job carry in place of a nested Job's. */
export const ROOT_JOB = '';

/** The plan that a StepRun belongs to: of the Submission's Job, or of a Job nested in it. */
export function planIn(root: JobPlan, job: string): JobPlan {
  const plan = job === ROOT_JOB ? root : root.nested.get(job);
  if (!plan) throw new StepcastError('INTERNAL', `Job "${root.job.name}" holds no job "${job}"`);
  return plan;
}

/** Compiles a checked Job (see `checkJob`). Throws INTERNAL when a name does not resolve: the check was left out. */
export function compileJob(job: JobSpec, library: Library): JobPlan {
  const nested = new Map<string, JobPlan>();
  const compile = (one: JobSpec): JobPlan => {
    for (const step of one.steps) {
      if (step.run.kind !== 'job' || nested.has(step.run.job)) continue;
      const inner = library.jobs.get(step.run.job);
      if (!inner) throw new StepcastError('INTERNAL', `Job "${one.name}" runs an unknown job "${step.run.job}"`);
      nested.set(inner.name, compile(inner));
    }
    return compileOne(one, library, nested);
  };
  return compile(job);
}

function compileOne(job: JobSpec, library: Library, nested: ReadonlyMap<string, JobPlan>): JobPlan {
  const indexByName = new Map(job.steps.map((step, index) => [step.name, index]));
  const indexOf = (name: string): number => {
    const index = indexByName.get(name);
    if (index === undefined) throw new StepcastError('INTERNAL', `Job "${job.name}" names no step "${name}"`);
    return index;
  };
  const planSource = (source: Source): PlanSource =>
    source.kind === 'input' ? source : { kind: 'output', node: indexOf(source.step), port: source.port };
  const planPlain = (link: PlainLink): PlainPlanLink => {
    switch (link.kind) {
      case 'output':
        return planSource(link);
      case 'glob':
        return { kind: 'glob', glob: link.glob, nodes: link.steps.map(indexOf), inputs: link.inputs };
      case 'merge':
        return { ...link, sources: link.sources.map(planSource) };
      default:
        return link;
    }
  };
  const planLink = (link: Link): PlanLink =>
    link.kind === 'expression' ? { ...link, source: link.source && planPlain(link.source) } : planPlain(link);

  const drafts = job.steps.map((step, index): Omit<PlanNode, 'successors'> => {
    const { run, ports, outputs, queue } = runnable(job, step.run, library);
    const extras = Object.keys(step.links).filter((name) => !ports.some((port) => port.name === name));
    const links = Object.fromEntries(Object.entries(step.links).map(([port, link]) => [port, planLink(link)]));
    const when: PlanWhen | null =
      step.when?.kind === 'exit'
        ? { kind: 'exit', node: indexOf(step.when.step), exitCodes: step.when.exitCodes }
        : (step.when ?? null);
    const sources = Object.values(links).flatMap(nodesOf);
    const predecessors = ascending([
      ...sources,
      ...step.after.map(indexOf),
      ...(when?.kind === 'exit' ? [when.node] : []),
    ]);
    const planned =
      run.kind === 'job' ||
      step.scatter !== undefined ||
      when?.kind === 'expression' ||
      Object.values(links).some((link) => link.kind === 'expression');
    return {
      index,
      name: step.name,
      run,
      ports,
      extras: extras.map(extraPort),
      outputs,
      links,
      when,
      scatter: step.scatter ?? null,
      predecessors,
      requires: requiredSources(ports, links, step.scatter),
      planned,
      queue,
    };
  });

  const successors: number[][] = drafts.map(() => []);
  for (const draft of drafts) for (const earlier of draft.predecessors) successors[earlier]?.push(draft.index);

  return {
    job,
    nodes: drafts.map((draft) => ({ ...draft, successors: successors[draft.index] ?? [] })),
    outputs: job.outputs.map((output) => ({ name: output.name, link: planPlain(output.source) })),
    nested,
  };
}

const extraPort = (name: string): Port => ({
  name,
  type: { kind: 'Any' },
  required: false,
  isParameter: false,
});

function runnable(
  job: JobSpec,
  run: JobSpec['steps'][number]['run'],
  library: Library,
): Pick<PlanNode, 'run' | 'ports' | 'outputs' | 'queue'> {
  if (run.kind === 'job') {
    const inner = library.jobs.get(run.job);
    if (!inner) throw new StepcastError('INTERNAL', `Job "${job.name}" runs an unknown job "${run.job}"`);
    const { ports, outputs } = jobSignature(inner);
    return { run, ports, outputs: outputs.map(({ name }) => name), queue: '' };
  }
  const task = library.tasks.get(run.task);
  if (!task) throw new StepcastError('INTERNAL', `Job "${job.name}" runs an unknown task "${run.task}"`);
  const { ports, outputs } = taskSignature(task);
  const queue = task.command.kind === 'expression' ? INLINE_QUEUE : task.backend;
  return { run: { kind: 'task', task }, ports, outputs: outputs.map(({ name }) => name), queue };
}

/** The nodes that a link reads from. */
export function nodesOf(link: PlanLink): readonly number[] {
  switch (link.kind) {
    case 'output':
      return [link.node];
    case 'glob':
      return link.nodes;
    case 'merge':
      return link.sources.flatMap(nodesOf);
    case 'expression':
      return link.source ? nodesOf(link.source) : [];
    case 'input':
    case 'value':
      return [];
  }
}

/** Only a link from one port binds: of several Steps, any may be left out, and an expression may do without. */
function requiredSources(
  ports: readonly Port[],
  links: Readonly<Record<string, PlanLink>>,
  scatter: Scatter | undefined,
): number[] {
  const required = ports.filter((port) => port.required || scatter?.ports.includes(port.name));
  return ascending(required.flatMap(({ name }) => (links[name]?.kind === 'output' ? nodesOf(links[name]) : [])));
}

const ascending = (numbers: readonly number[]): number[] => [...new Set(numbers)].sort((a, b) => a - b);
