/** What can only be told once the Tasks of a Job are known: do its names exist, do its links fit, does it end. */
import type { InputPort, JobSpec, Link, Parameter, StepSpec, TaskSpec } from './definitions';
import { checkFileTraits } from './fileTraits';
import { orderSteps } from './graph';
import { camelCase, uniqueNames } from './naming';
import { checkValue, isAssignable } from './typing';
import { formatType, holdsFiles, isOptional, optionalType } from './values';
import type { ValueType } from './values';
import { unreachable } from './errors';

/** One thing to mend. The path leads into the Job: `['steps', 'count', 'in', 'text']`. */
export interface JobProblem {
  readonly path: readonly string[];
  readonly message: string;
  readonly hint: string;
}

/** Everything that is wrong with a Job, given its Tasks; nothing when it can run. */
export function checkJob(job: JobSpec, taskByName: ReadonlyMap<string, TaskSpec>): JobProblem[] {
  const look: Look = {
    inputs: new Map(job.inputs.map((input) => [input.name, input.type])),
    steps: new Map(job.steps.map((step) => [step.name, step])),
    tasks: taskByName,
  };
  return [
    ...(job.steps.length === 0
      ? [{ path: ['steps'], message: 'the job has no steps', hint: 'Add at least one.' }]
      : []),
    ...duplicates('inputs', job.inputs),
    ...duplicates('steps', job.steps),
    ...duplicates('outputs', job.outputs),
    ...job.steps.flatMap((step) => checkStep(step, look)),
    ...checkOrder(job),
    ...checkFileTraits(job, (step) => taskByName.get(step.task)),
    ...unusedInputs(job),
    ...job.outputs.flatMap((output) => {
      const path = ['outputs', output.name];
      const found = outputType(output.source.step, output.source.port, look, path);
      if (Array.isArray(found)) return found;
      return found ? fit(found, output.type, path) : [];
    }),
  ];
}

/** A data port or Parameter of a Task, as a link sees it: null is welcome where a default or nothing may stand. */
export function targetType(port: InputPort | Parameter): ValueType {
  return needsValue(port) ? port.type : optionalType(port.type);
}

interface Look {
  readonly inputs: ReadonlyMap<string, ValueType>;
  readonly steps: ReadonlyMap<string, StepSpec>;
  readonly tasks: ReadonlyMap<string, TaskSpec>;
}

function needsValue(port: InputPort | Parameter): boolean {
  if (port.default !== undefined) return false;
  return 'required' in port ? port.required : !isOptional(port.type);
}

function duplicates(section: string, items: readonly { readonly name: string }[]): JobProblem[] {
  const names = items.map(({ name }) => name);
  const twice = [...new Set(names.filter((name, index) => names.indexOf(name) !== index))].map((name) => ({
    path: [section, name],
    message: `'${name}' stands twice in ${section}`,
    hint: 'Give each its own name.',
  }));
  if (section === 'steps') return twice;
  const { collisions } = uniqueNames(names, camelCase);
  const alike = collisions.map(({ name, sources }) => ({
    path: [section, sources[1] ?? name],
    message: `${sources.join(' and ')} are both '${name}' in GraphQL`,
    hint: 'Rename one of them.',
  }));
  return [...twice, ...alike];
}

function checkStep(step: StepSpec, look: Look): JobProblem[] {
  const path = ['steps', step.name];
  const others = [
    ...step.after.flatMap((name) => unknownStep(name, look, [...path, 'after'])),
    ...(step.when ? unknownStep(step.when.step, look, [...path, 'when', 'step']) : []),
  ];
  const task = look.tasks.get(step.task);
  if (!task) {
    const message = `there is no task '${step.task}'`;
    return [...others, { path: [...path, 'task'], message, hint: known('tasks', look.tasks.keys(), step.task) }];
  }
  const ports: readonly (InputPort | Parameter)[] = [...task.inputs, ...task.parameters];
  const byName = new Map(ports.map((port) => [port.name, port]));
  const links = Object.entries(step.links).flatMap(([name, link]) => {
    const at = [...path, 'in', name];
    const port = byName.get(name);
    if (port) return checkLink(link, port, look, at);
    const hint = known(`inputs and parameters of ${task.name}`, byName.keys(), name);
    return [{ path: at, message: `task '${task.name}' has no input or parameter '${name}'`, hint }];
  });
  const missing = ports
    .filter((port) => needsValue(port) && step.links[port.name] === undefined)
    .map((port) => missingLink(port, step, look));
  return [...others, ...links, ...missing];
}

function missingLink(port: InputPort | Parameter, step: StepSpec, look: Look): JobProblem {
  const source = [...look.inputs].find(([name, type]) => name === port.name && isAssignable(type, port.type) === true);
  const example = source ? source[0] : `<an input, or step.output>`;
  return {
    path: ['steps', step.name],
    message: `'${port.name}' (${formatType(port.type)}) gets no value and has no default`,
    hint: `Add it to the step: in: {${port.name}: ${example}}.`,
  };
}

function checkLink(link: Link, port: InputPort | Parameter, look: Look, path: readonly string[]): JobProblem[] {
  switch (link.kind) {
    case 'input': {
      const type = look.inputs.get(link.input);
      if (type) return fit(type, targetType(port), path);
      const step = look.steps.get(link.input);
      const output = step && look.tasks.get(step.task)?.outputs[0]?.name;
      const hint = output
        ? `'${link.input}' is a step: write ${link.input}.${output}.`
        : known('inputs', look.inputs.keys(), link.input);
      return [{ path, message: `the job has no input '${link.input}'`, hint }];
    }
    case 'output': {
      const found = outputType(link.step, link.port, look, path);
      if (Array.isArray(found)) return found;
      return found ? fit(found, targetType(port), path) : [];
    }
    case 'value':
      return checkValue(targetType(port), 'required' in port ? port : {}, link.value).map((reason) => ({
        path,
        message: reason,
        hint: `Give a value of type ${formatType(port.type)}.`,
      }));
    case 'glob': {
      const unknown = link.steps.flatMap((name) => unknownStep(name, look, path));
      if (holdsFiles(port.type)) return unknown;
      const hint = 'Only File and File[] take what matches a pattern; link it to one output.';
      return [...unknown, { path, message: `'${port.name}' is ${formatType(port.type)} and takes no files`, hint }];
    }
    default:
      return unreachable(link);
  }
}

function fit(from: ValueType, to: ValueType, path: readonly string[]): JobProblem[] {
  const answer = isAssignable(from, to);
  if (answer === true) return [];
  const hint =
    isAssignable(from, optionalType(to)) === true
      ? `Make it optional where it is used: ${formatType(optionalType(to))}.`
      : 'Change one of the two types, or link another port.';
  return [{ path, message: `gives ${formatType(from)} where ${formatType(to)} is expected: ${answer}`, hint }];
}

/** The type of an output, the problems with its name, or undefined when its Task is unknown and that is told elsewhere. */
function outputType(
  step: string,
  port: string,
  look: Look,
  path: readonly string[],
): ValueType | JobProblem[] | undefined {
  const found = look.steps.get(step);
  if (!found) return unknownStep(step, look, path);
  const task = look.tasks.get(found.task);
  if (!task) return undefined;
  const output = task.outputs.find(({ name }) => name === port);
  if (output) return output.type;
  const names = task.outputs.map(({ name }) => name);
  return [{ path, message: `step '${step}' has no output '${port}'`, hint: known(`outputs of ${step}`, names, port) }];
}

function unknownStep(name: string, look: Look, path: readonly string[]): JobProblem[] {
  if (look.steps.has(name)) return [];
  return [{ path, message: `the job has no step '${name}'`, hint: known('steps', look.steps.keys(), name) }];
}

function checkOrder(job: JobSpec): JobProblem[] {
  const order = orderSteps(job.steps);
  if (order.ok) return [];
  const [first = ''] = order.cycle;
  const message =
    order.cycle.length === 2
      ? `step '${first}' waits for itself`
      : `steps wait for each other: ${order.cycle.join(' → ')}`;
  return [{ path: ['steps', first], message, hint: 'Remove one of these links.' }];
}

function unusedInputs(job: JobSpec): JobProblem[] {
  const links = job.steps.flatMap((step) => Object.values(step.links));
  const used = new Set(links.flatMap((link) => (link.kind === 'input' ? [link.input] : [])));
  const filesUsed = links.some((link) => link.kind === 'glob' && link.inputs);
  return job.inputs
    .filter(({ name, type }) => !used.has(name) && !(filesUsed && holdsFiles(type)))
    .map(({ name }) => ({
      path: ['inputs', name],
      message: `no step uses the input '${name}'`,
      hint: 'Link it to a step, or remove it.',
    }));
}

/** The names that would have been right; few of them, the likely ones first. */
function known(what: string, names: Iterable<string>, written: string): string {
  const list = [...names];
  if (list.length === 0) return `There are no ${what}.`;
  const alike = (name: string): boolean => name.toLowerCase().startsWith(written.slice(0, 2).toLowerCase());
  const ranked = [...list.filter(alike), ...list.filter((name) => !alike(name))];
  return `Known ${what}: ${ranked.slice(0, MAX_NAMES).join(', ')}${list.length > MAX_NAMES ? ', …' : ''}.`;
}

const MAX_NAMES = 12;
