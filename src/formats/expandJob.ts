/** From the written form of a Job to its full form. The Tasks are needed: they give outputs their types. */
import type { Constraints, JobInput, JobOutput, JobSpec, Link, StepSpec } from '../domain/definitions';
import { ancestorsOf, predecessorsOf } from '../domain/graph';
import { checkValue } from '../domain/typing';
import { holdsFiles, optionalType, scalar } from '../domain/values';
import type { Value } from '../domain/values';
import { boundsOf, checkedDefault, declaredType } from './expandPort';
import { expandOrdered } from './expandOrdered';
import { stepOf } from './expandStep';
import type { TaskByName } from './expandStep';
import { staysInside } from './outputGlob';
import type { JobForm } from './forms/jobForm';
import type { Path, Report } from './problem';

/** A Job with the way back from its names to what was written. */
export interface ExpandedJob {
  readonly job: JobSpec;
  place(path: Path): Path;
}

/** The full form; what is wrong goes to the report. Tasks that are not known are left to `checkJob`. */
export function expandJob(form: JobForm, tasks: TaskByName, report: Report): ExpandedJob {
  const declared = form.inputs.map(({ name, value, key }): JobInput => {
    const path = ['inputs', key];
    const type = declaredType(value, path, report);
    if (!type) report.add(path, `the type of '${name}' is missing`, 'Add it, such as {type: File}.');
    const bounds = boundsOf(value);
    const known = type ?? scalar('Any');
    if (value.validate.length > 0 && !holdsFiles(known)) {
      report.add(
        [...path, 'validate'],
        'only files are validated',
        'Bound a value by min, max, min-length, max-length or allowed.',
      );
    }
    const fallback = checkedDefault(known, bounds, value.default, path, report);
    return { name, description: value.description, type: known, validators: value.validate, ...bounds, ...fallback };
  });
  const { steps, inputs, all } = stepsOf(form, declared, tasks);
  const tightened = inputs.map((input) => withPortBounds(input, steps, tasks));
  checkDefaults(tightened, form, report);
  checkExample(form, tightened, report);
  const outputs = outputsOf(form, steps, tasks, all);
  const job: JobSpec = {
    name: form.name,
    description: form.description,
    inputs: tightened,
    steps,
    outputs,
    ...(form.timeout === undefined ? {} : { timeoutSeconds: form.timeout }),
    ...(form.example ? { example: form.example } : {}),
  };
  return { job, place: placeIn(form, steps) };
}

interface Steps {
  readonly steps: readonly StepSpec[];
  readonly inputs: readonly JobInput[];
  /** Without `outputs`, every Step's results are results of the Job. */
  readonly all: boolean;
}

function stepsOf(form: JobForm, declared: readonly JobInput[], tasks: TaskByName): Steps {
  if ('ordered' in form.steps) return { ...expandOrdered(form.steps.ordered, declared, tasks), all: true };
  const steps = form.steps.linked.map(({ name, value }) => stepOf(name, value));
  return { steps: steps.map((step) => withGlobLinks(step, steps, tasks)), inputs: declared, all: false };
}

/** A port that names a glob and is not linked looks through the files of the Job and of all that its Step waits for. */
function withGlobLinks(step: StepSpec, steps: readonly StepSpec[], tasks: TaskByName): StepSpec {
  const open = (tasks.get(step.task)?.inputs ?? []).filter((port) => port.glob !== undefined && !step.links[port.name]);
  if (open.length === 0) return step;
  const before = ancestorsOf(predecessorsOf(step), steps);
  const earlier = steps.filter(({ name }) => before.has(name) && name !== step.name).map(({ name }) => name);
  const links = open.map(({ name, glob = '*' }): [string, Link] => [
    name,
    { kind: 'glob', glob, steps: earlier, inputs: true },
  ]);
  return { ...step, links: { ...step.links, ...Object.fromEntries(links) } };
}

/** An input keeps the bounds of every Parameter that it is linked to, so that a bad value is refused at once. */
function withPortBounds(input: JobInput, steps: readonly StepSpec[], tasks: TaskByName): JobInput {
  const linked = steps.flatMap((step) =>
    (tasks.get(step.task)?.parameters ?? []).filter((parameter) => {
      const link = step.links[parameter.name];
      return link?.kind === 'input' && link.input === input.name;
    }),
  );
  return linked.reduce<JobInput>((sum, parameter) => ({ ...sum, ...tighter(sum, parameter) }), input);
}

function tighter(left: Constraints, right: Constraints): Constraints {
  const pick = (of: (...values: number[]) => number, ...values: (number | undefined)[]): number | undefined => {
    const given = values.filter((value) => value !== undefined);
    return given.length === 0 ? undefined : of(...given);
  };
  const bounds = {
    min: pick(Math.max, left.min, right.min),
    max: pick(Math.min, left.max, right.max),
    minLength: pick(Math.max, left.minLength, right.minLength),
    maxLength: pick(Math.min, left.maxLength, right.maxLength),
    allowed: left.allowed ?? right.allowed,
  };
  return Object.fromEntries(Object.entries(bounds).filter(([, value]) => value !== undefined));
}

function checkDefaults(inputs: readonly JobInput[], form: JobForm, report: Report): void {
  for (const input of inputs) {
    const written = form.inputs.find(({ name }) => name === input.name);
    if (!written || input.default === undefined || input.default === null) continue;
    // Type and own bounds are checked before: what is left are the bounds of the parameters it is linked to.
    const own = checkValue(input.type, boundsOf(written.value), input.default);
    const reasons = checkValue(input.type, input, input.default).filter((reason) => !own.includes(reason));
    for (const reason of reasons)
      report.add(['inputs', written.key, 'default'], `the default: ${reason}`, 'Change the default.');
  }
}

/** In an example a File is its path beside the job file. */
function checkExample(form: JobForm, inputs: readonly JobInput[], report: Report): void {
  for (const [name, value] of Object.entries(form.example ?? {})) {
    const path = ['example', name];
    const input = inputs.find((candidate) => candidate.name === name);
    if (!input) {
      report.add(
        path,
        `the job has no input '${name}'`,
        `Its inputs are ${inputs.map((one) => one.name).join(', ') || 'none'}.`,
      );
    } else if (holdsFiles(input.type)) checkExamplePaths(value, path, report);
    else
      for (const reason of checkValue(input.type, input, value))
        report.add(path, `the example: ${reason}`, 'Change the example.');
  }
}

function checkExamplePaths(value: Value, path: Path, report: Report): void {
  for (const file of Array.isArray(value) ? value : [value]) {
    if (file === null || (typeof file === 'string' && staysInside(file))) continue;
    report.add(
      path,
      'the example of a file is not a path beside this file',
      'Write such as data/input.txt, without `..`.',
    );
  }
}

function outputsOf(form: JobForm, steps: readonly StepSpec[], tasks: TaskByName, all: boolean): JobOutput[] {
  const absent = mayBeAbsent(steps, tasks);
  const portOf = (step: string, port: string) =>
    tasks.get(steps.find(({ name }) => name === step)?.task ?? '')?.outputs.find(({ name }) => name === port);
  const output = (name: string, step: string, port: string, description: string): JobOutput => {
    const source = portOf(step, port);
    const type = source?.type ?? scalar('Any');
    return {
      name,
      description: description || (source?.description ?? ''),
      type: absent.has(step) ? optionalType(type) : type,
      source: { step, port },
    };
  };
  if (form.outputs) {
    return form.outputs.map(({ name, value }) => {
      const [step = '', port = ''] = value.from.split('.');
      return output(name, step, port, value.description);
    });
  }
  const needed = new Set(steps.flatMap(predecessorsOf));
  const sources = steps
    .filter((step) => all || !needed.has(step.name))
    .flatMap((step) => (tasks.get(step.task)?.outputs ?? []).map((port) => ({ step: step.name, port: port.name })));
  const isAlone = (port: string): boolean => sources.filter((source) => source.port === port).length === 1;
  return sources.map(({ step, port }) => output(isAlone(port) ? port : `${step}-${port}`, step, port, ''));
}

/** Steps that may end without results: skipped, after a skipped one, or cut off by an early end. */
function mayBeAbsent(steps: readonly StepSpec[], tasks: TaskByName): ReadonlySet<string> {
  const endsEarly = steps.some(({ task }) => {
    const spec = tasks.get(task);
    return spec !== undefined && (spec.missingOutput === 'TERMINATE' || spec.exitRules.terminate.length > 0);
  });
  const conditional = new Set(steps.filter(({ when }) => when).map(({ name }) => name));
  const isAbsent = (step: StepSpec): boolean =>
    endsEarly || [...ancestorsOf([step.name], steps)].some((name) => conditional.has(name));
  return new Set(steps.filter(isAbsent).map(({ name }) => name));
}

/** `['steps', 'count', …]` is a key of a map or an index of a list, as it was written. */
function placeIn(form: JobForm, steps: readonly StepSpec[]): (path: Path) => Path {
  const keyOf = (section: string, name: string): string | number => {
    if (section === 'inputs') return form.inputs.find((entry) => entry.name === name)?.key ?? name;
    if (section === 'outputs') return form.outputs?.find((entry) => entry.name === name)?.key ?? name;
    if ('linked' in form.steps) return form.steps.linked.find((entry) => entry.name === name)?.key ?? name;
    const { ordered } = form.steps;
    const sorted = ordered
      .map((step, index) => ({ step, index }))
      .sort((left, right) => left.step.order - right.step.order);
    return sorted[steps.findIndex((step) => step.name === name)]?.index ?? name;
  };
  return ([section, name, ...rest]) => {
    if (typeof section !== 'string') return [];
    return typeof name === 'string' ? [section, keyOf(section, name), ...rest] : [section];
  };
}
