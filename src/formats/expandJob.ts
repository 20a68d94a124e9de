/** From the written form of a Job to its full form. What its Steps run is needed: it gives outputs their types. */
import type { Constraints, JobInput, JobOutput, JobSpec, Link, StepSpec } from '../domain/definitions';
import { ancestorsOf, predecessorsOf } from '../domain/graph';
import { allInnerJobs } from '../domain/nesting';
import { withPortTraits } from '../domain/fileTraits';
import { mergedType, signatureOf, stepOutputType, type Library } from '../domain/signature';
import { checkValue } from '../domain/typing';
import { holdsFiles, optionalType, scalar } from '../domain/values';
import type { Value, ValueType } from '../domain/values';
import { boundsOf, checkedDefault, declaredType } from './expandPort';
import { maxRunningOf } from './expandLimits';
import { expandOrdered } from './expandOrdered';
import { traitsOf } from './expandTraits';
import { sourceLink, stepOf } from './expandStep';
import { staysInside } from './outputGlob';
import type { JobForm } from './forms/jobForm';
import type { Path, Report } from './problem';

/** A Job with the way back from its names to what was written. */
export interface ExpandedJob {
  readonly job: JobSpec;
  place(path: Path): Path;
}

/** The full form; what is wrong goes to the report. Tasks that are not known are left to `checkJob`. */
export function expandJob(form: JobForm, library: Library, report: Report): ExpandedJob {
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
    return {
      name,
      description: value.description,
      type: known,
      validators: value.validate,
      ...bounds,
      ...fallback,
      ...traitsOf(value, known, path, report),
    };
  });
  const { steps, inputs, all } = stepsOf(form, declared, library);
  const tightened = inputs.map((input) => withPortTraits(withPortBounds(input, steps, library), steps, library));
  checkDefaults(tightened, form, report);
  checkExample(form, tightened, report);
  const outputs = outputsOf(form, steps, tightened, library, all);
  const job: JobSpec = {
    name: form.name,
    description: form.description,
    inputs: tightened,
    steps,
    outputs,
    ...(form.timeout === undefined ? {} : { timeoutSeconds: form.timeout }),
    ...(form.example ? { example: form.example } : {}),
    ...maxRunningOf(form),
  };
  return { job, place: placeIn(form, steps) };
}

interface Steps {
  readonly steps: readonly StepSpec[];
  readonly inputs: readonly JobInput[];
  /** Without `outputs`, every Step's results are results of the Job. */
  readonly all: boolean;
}

function stepsOf(form: JobForm, declared: readonly JobInput[], library: Library): Steps {
  if ('ordered' in form.steps) return { ...expandOrdered(form.steps.ordered, declared, library.tasks), all: true };
  const steps = form.steps.linked.map(({ name, value }) => stepOf(name, value));
  return { steps: steps.map((step) => withGlobLinks(step, steps, library)), inputs: declared, all: false };
}

/** A port that names a glob and is not linked looks through the files of the Job and of all that its Step waits for. */
function withGlobLinks(step: StepSpec, steps: readonly StepSpec[], library: Library): StepSpec {
  const ports = signatureOf(step.run, library)?.ports ?? [];
  const open = ports.filter((port) => port.glob !== undefined && !step.links[port.name]);
  if (open.length === 0) return step;
  const before = ancestorsOf(predecessorsOf(step), steps);
  const earlier = steps.filter(({ name }) => before.has(name) && name !== step.name).map(({ name }) => name);
  const links = open.map(({ name, glob = '*' }): [string, Link] => [
    name,
    { kind: 'glob', glob, steps: earlier, inputs: true },
  ]);
  return { ...step, links: { ...step.links, ...Object.fromEntries(links) } };
}

/** An input keeps the bounds of every port that it is linked to, so that a bad value is refused at once. */
function withPortBounds(input: JobInput, steps: readonly StepSpec[], library: Library): JobInput {
  const linked = steps.flatMap((step) =>
    (signatureOf(step.run, library)?.ports ?? []).filter((port) => {
      const link = step.links[port.name];
      const isScattered = step.scatter?.ports.includes(port.name) === true;
      return link?.kind === 'input' && link.input === input.name && !isScattered;
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

function outputsOf(
  form: JobForm,
  steps: readonly StepSpec[],
  inputs: readonly JobInput[],
  library: Library,
  all: boolean,
): JobOutput[] {
  const absent = mayBeAbsent(steps, library);
  const stepByName = new Map(steps.map((step) => [step.name, step]));
  const portOf = (name: string, port: string) => {
    const step = stepByName.get(name);
    const found = step && signatureOf(step.run, library)?.outputs.find((output) => output.name === port);
    return found && step && { ...found, type: stepOutputType(found.type, step) };
  };
  const typeOf = (source: JobOutput['source']): ValueType => {
    switch (source.kind) {
      case 'input':
        return inputs.find(({ name }) => name === source.input)?.type ?? scalar('Any');
      case 'output': {
        const type = portOf(source.step, source.port)?.type ?? scalar('Any');
        return absent.has(source.step) ? optionalType(type) : type;
      }
      case 'merge':
        return mergedType(source.sources.map(typeOf), source.how, source.pick);
    }
  };
  const output = (name: string, source: JobOutput['source'], description: string): JobOutput => {
    const told = source.kind === 'output' ? (portOf(source.step, source.port)?.description ?? '') : '';
    return { name, description: description || told, type: typeOf(source), source };
  };
  if (form.outputs) {
    return form.outputs.map(({ name, value }) => output(name, sourceLink(value.sources), value.description));
  }
  const needed = new Set(steps.flatMap(predecessorsOf));
  const sources = steps
    .filter((step) => all || !needed.has(step.name))
    .flatMap((step) =>
      (signatureOf(step.run, library)?.outputs ?? []).map((port) => ({ step: step.name, port: port.name })),
    );
  const isAlone = (port: string): boolean => sources.filter((source) => source.port === port).length === 1;
  return sources.map(({ step, port }) =>
    output(isAlone(port) ? port : `${step}-${port}`, { kind: 'output', step, port }, ''),
  );
}

/** Steps that may end without results: skipped, after a skipped one, or cut off by an early end. */
function mayBeAbsent(steps: readonly StepSpec[], library: Library): ReadonlySet<string> {
  // A task may end the whole submission early, also from within a nested job.
  const inner = allInnerJobs({ steps }, library.jobs).flatMap((job) => job.steps);
  const endsEarly = [...steps, ...inner].some(({ run }) => {
    const spec = run.kind === 'task' ? library.tasks.get(run.task) : undefined;
    return spec !== undefined && (spec.missingOutput === 'TERMINATE' || spec.exitRules.terminate.length > 0);
  });
  // Elements with conditions of their own give lists with gaps; the Step itself is never skipped.
  const conditional = new Set(
    steps.filter(({ when, scatter }) => when && !(scatter && when.kind === 'expression')).map(({ name }) => name),
  );
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
