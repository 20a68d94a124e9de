/** The values a Step starts with: its links followed, its defaults filled in, its types checked. */
import picomatch from 'picomatch';
import type { JobPlan, PlanNode, PlannedLink } from './compileJob';
import type { Constraints, InputPort, Parameter } from './definitions';
import { unreachable } from './errors';
import { checkValue } from './typing';
import { filesIn, isOptional, requiredType } from './values';
import type { FileValue, Value, Values } from './values';

/** Values for every data port and Parameter of the Task. With problems, they are not to be used. */
export interface ResolvedInputs {
  readonly values: Values;
  /** For people: which port lacks what. */
  readonly problems: string[];
  /** Ports that need a value and get none because the Step they are linked to was skipped. */
  readonly absent: string[];
}

/**
 * Follows the links of a node. `outputsOf` gives what an earlier Step produced; null when it was skipped, and then its
 * outputs are null.
 */
export function resolveInputs(
  node: PlanNode,
  plan: JobPlan,
  submissionInputs: Values,
  outputsOf: (stepIndex: number) => Values | null,
): ResolvedInputs {
  const sources = { plan, inputs: withDefaults(plan, submissionInputs), outputsOf };
  const values: Record<string, Value> = {};
  const problems: string[] = [];
  const absent: string[] = [];
  const ports: readonly (InputPort | Parameter)[] = [...node.task.inputs, ...node.task.parameters];
  for (const port of ports) {
    const link = node.links[port.name];
    const found = link === undefined ? null : follow(link, port, sources);
    const value = found ?? port.default ?? null;
    values[port.name] = value;
    if (value === null && isNeeded(port)) {
      problems.push(`Input '${port.name}' of step '${node.name}' has no value: ${whyMissing(link, sources)}`);
      if (link?.kind === 'output' && outputsOf(link.step) === null) absent.push(port.name);
    } else if (value !== null) {
      const bounds: Constraints = 'required' in port ? port : {};
      const reasons = checkValue(port.type, bounds, value);
      problems.push(...reasons.map((reason) => `Input '${port.name}' of step '${node.name}': ${reason}.`));
    }
  }
  return { values, problems, absent };
}

/** The values of a Job's inputs with the defaults of those that were left out; null where there is none. */
export function withDefaults(plan: Pick<JobPlan, 'inputs'>, given: Values): Values {
  return Object.fromEntries(plan.inputs.map((input) => [input.name, given[input.name] ?? input.default ?? null]));
}

interface Sources {
  readonly plan: JobPlan;
  readonly inputs: Values;
  readonly outputsOf: (stepIndex: number) => Values | null;
}

function isNeeded(port: InputPort | Parameter): boolean {
  return 'required' in port ? port.required || !isOptional(port.type) : !isOptional(port.type);
}

function follow(link: PlannedLink, port: InputPort | Parameter, sources: Sources): Value {
  switch (link.kind) {
    case 'input':
      return sources.inputs[link.input] ?? null;
    case 'output':
      return sources.outputsOf(link.step)?.[link.port] ?? null;
    case 'value':
      return link.value;
    case 'glob':
      return matching(link, port, sources);
    default:
      return unreachable(link);
  }
}

type GlobLink = Extract<PlannedLink, { kind: 'glob' }>;

/** One File: the first match of the latest Step that has one, the Job's own files last. A list: all, the Job's files first. */
function matching(link: GlobLink, port: InputPort | Parameter, sources: Sources): Value {
  const matches = picomatch(link.glob, { dot: true });
  const groups = fileGroups(link, sources).map((files) => files.filter(({ name }) => matches(name)));
  if (requiredType(port.type).kind === 'array') {
    const all = groups.flat();
    return all.length === 0 && isOptional(port.type) ? null : all;
  }
  return groups.findLast((files) => files.length > 0)?.[0] ?? null;
}

/** The files of the Job's inputs, then of each Step in the order they run. */
function fileGroups(link: GlobLink, { plan, inputs, outputsOf }: Sources): FileValue[][] {
  const own = link.inputs ? plan.inputs.map(({ name }) => inputs[name] ?? null) : [];
  const produced = link.steps.map((index) => {
    const outputs = outputsOf(index) ?? {};
    return (plan.nodes[index]?.task.outputs ?? []).map(({ name }) => outputs[name] ?? null);
  });
  return [own, ...produced].map((values) => distinct(values.flatMap((value) => filesIn(value))));
}

/** Two outputs of one Step may find the same file. */
function distinct(files: readonly FileValue[]): FileValue[] {
  return [...new Map(files.map((file) => [`${file.sha256}/${file.name}`, file])).values()];
}

/** How many file names a message lists. */
const MAX_NAMES = 10;

function whyMissing(link: PlannedLink | undefined, sources: Sources): string {
  if (link === undefined) return 'it is not linked, and has no default.';
  switch (link.kind) {
    case 'input':
      return `the job's input '${link.input}' was left out.`;
    case 'output': {
      const name = sources.plan.nodes[link.step]?.name ?? '';
      const how = sources.outputsOf(link.step) === null ? 'was skipped' : `gave no '${link.port}'`;
      return `step '${name}' ${how}.`;
    }
    case 'value':
      return 'it is linked to the value null.';
    case 'glob': {
      const names = fileGroups(link, sources).flatMap((files) => files.map(({ name }) => name));
      const shown = `${names.slice(0, MAX_NAMES).join(', ')}${names.length > MAX_NAMES ? ', …' : ''}`;
      return `no file matches '${link.glob}'. ${names.length === 0 ? 'There are no files yet.' : `There are: ${shown}.`}`;
    }
    default:
      return unreachable(link);
  }
}
