/** What can only be told once the Tasks of a Job are known: do its names exist, do its links fit, does it end. */
import type { JobSpec, Link, Source, StepSpec } from './definitions';
import { checkFileTraits } from './fileTraits';
import { unreachable } from './errors';
import { mayReadInput } from './expression';
import { linkedInputs, orderSteps } from './graph';
import { camelCase, uniqueNames } from './naming';
import { known } from './nearest';
import { MAX_NESTING, nestingFault } from './nesting';
import { expressionFaults, expressionsOf } from './stepExpressions';
import { mending } from './typeHints';
import { linkedType, mergedType, signatureOf, stepOutputType, type Library, type Port } from './signature';
import { checkValue, isAssignable } from './typing';
import { formatType, holdsFiles, optionalType } from './values';
import type { ValueType } from './values';

/** One thing to mend. The path leads into the Job: `['steps', 'count', 'in', 'text']`. */
export interface JobProblem {
  readonly path: readonly string[];
  readonly message: string;
  readonly hint: string;
}

/** Everything that is wrong with a Job, given what its Steps may run; nothing when it can run. */
export function checkJob(job: JobSpec, library: Library): JobProblem[] {
  const look: Look = {
    inputs: new Map(job.inputs.map((input) => [input.name, input.type])),
    steps: new Map(job.steps.map((step) => [step.name, step])),
    library,
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
    ...checkNesting(job, library),
    ...checkFileTraits(job, library),
    ...unusedInputs(job),
    ...job.outputs.flatMap((output) => {
      const path = ['outputs', output.name];
      const found = linkType(output.source, look, path);
      if (Array.isArray(found)) return found;
      return found ? fit(found, output.type, path) : [];
    }),
  ];
}

interface Look {
  readonly inputs: ReadonlyMap<string, ValueType>;
  readonly steps: ReadonlyMap<string, StepSpec>;
  readonly library: Library;
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
  const { run } = step;
  const others = [
    ...step.after.flatMap((name) => unknownStep(name, look, [...path, 'after'])),
    ...(step.when?.kind === 'exit' ? checkExitCondition(step.when.step, look, [...path, 'when', 'step']) : []),
  ];
  const signature = signatureOf(run, look.library);
  if (!signature) {
    const [kind, name] = run.kind === 'task' ? (['task', run.task] as const) : (['job', run.job] as const);
    const all = run.kind === 'task' ? look.library.tasks : look.library.jobs;
    return [
      ...others,
      {
        path: [...path, kind],
        message: `there is no ${kind} '${name}'`,
        hint: otherKind(run, look.library) ?? known(`${kind}s`, all.keys(), name),
      },
    ];
  }
  const { ports } = signature;
  const what = run.kind === 'task' ? `task '${run.task}'` : `job '${run.job}'`;
  const byName = new Map(ports.map((port) => [port.name, port]));
  const links = Object.entries(step.links).flatMap(([name, link]) => {
    const at = [...path, 'in', name];
    const port = byName.get(name);
    if (port) return checkLink(link, port, step, look, at);
    // What only the step's own expressions read need not be an input of what it runs.
    if (isRead(step, name)) return sourceProblems(link.kind === 'expression' ? link.source : link, look, at);
    const hint = known(`inputs and parameters of ${what}`, byName.keys(), name);
    return [{ path: at, message: `${what} has no input or parameter '${name}'`, hint }];
  });
  const missing = ports
    .filter((port) => port.required && step.links[port.name] === undefined)
    .map((port) => missingLink(port, step, look));
  const computed = expressionFaults(step, [...byName.keys()]).map((fault) => ({
    ...fault,
    path: [...path, ...fault.path],
  }));
  return [...others, ...links, ...missing, ...computed, ...checkScatter(step, byName, what)];
}

/** The name is right, and what stands before it is not. */
function otherKind(run: StepSpec['run'], { tasks, jobs }: Library): string | undefined {
  if (run.kind === 'task') return jobs.has(run.task) ? `It is a job: write job: ${run.task}.` : undefined;
  return tasks.has(run.job) ? `It is a task: write task: ${run.job}.` : undefined;
}

function checkExitCondition(name: string, look: Look, path: readonly string[]): JobProblem[] {
  const step = look.steps.get(name);
  if (!step) return unknownStep(name, look, path);
  const task = step.run.kind === 'task' ? look.library.tasks.get(step.run.task) : undefined;
  const computes = task?.command.kind === 'expression';
  if (step.run.kind === 'task' && !step.scatter && !computes) return [];
  const runs = step.scatter ? 'once per element' : computes ? 'an expression' : 'a job';
  const message = `step '${name}' has no exit code: it runs ${runs}`;
  return [{ path, message, hint: "Use an expression over values instead: when: '$(inputs.count > 0)'." }];
}

function checkScatter(step: StepSpec, byName: ReadonlyMap<string, Port>, what: string): JobProblem[] {
  const { scatter } = step;
  if (!scatter) return [];
  const path = ['steps', step.name, 'scatter'];
  const twice = scatter.ports.filter((name, index) => scatter.ports.indexOf(name) !== index);
  return [
    ...twice.map((name) => ({ path, message: `'${name}' stands twice`, hint: 'Name each port once.' })),
    ...scatter.ports.flatMap((name) => {
      if (!byName.has(name) && !isRead(step, name)) {
        const hint = known(`inputs and parameters of ${what}`, byName.keys(), name);
        return [{ path, message: `${what} has no input or parameter '${name}'`, hint }];
      }
      if (step.links[name]) return [];
      return [{ path, message: `'${name}' gets no list to scatter over`, hint: `Link it: in: {${name}: …}.` }];
    }),
  ];
}

function missingLink(port: Port, step: StepSpec, look: Look): JobProblem {
  const wanted = linkedType(port, step);
  const source = [...look.inputs].find(([name, type]) => name === port.name && isAssignable(type, wanted) === true);
  const example = source ? source[0] : `<an input, or step.output>`;
  return {
    path: ['steps', step.name],
    message: `'${port.name}' (${formatType(port.type)}) gets no value and has no default`,
    hint: `Add it to the step: in: {${port.name}: ${example}}.`,
  };
}

function checkLink(link: Link, port: Port, step: StepSpec, look: Look, path: readonly string[]): JobProblem[] {
  const wanted = linkedType(port, step);
  switch (link.kind) {
    case 'input':
    case 'output':
    case 'merge': {
      const found = linkType(link, look, path);
      if (Array.isArray(found)) return found;
      return found
        ? fit(
            found,
            wanted,
            path,
            mending(link, found, port, step, (name) => look.steps.get(name)),
          )
        : [];
    }
    case 'value':
      return checkValue(wanted, wanted === port.type ? port : {}, link.value).map((reason) => ({
        path,
        message: reason,
        hint: `Give a value of type ${formatType(wanted)}.`,
      }));
    case 'glob': {
      const unknown = link.steps.flatMap((name) => unknownStep(name, look, path));
      if (holdsFiles(wanted)) return unknown;
      const hint = 'Only File and File[] take what matches a pattern; link it to one output.';
      return [...unknown, { path, message: `'${port.name}' is ${formatType(wanted)} and takes no files`, hint }];
    }
    case 'expression':
      // What it gives is known when it runs; only the names it computes from can be told now.
      return sourceProblems(link.source, look, path);
    default:
      return unreachable(link);
  }
}

function isRead(step: StepSpec, name: string): boolean {
  return expressionsOf(step).some(({ expression }) => mayReadInput(expression, name));
}

function sourceProblems(link: Link | null, look: Look, path: readonly string[]): JobProblem[] {
  if (link === null) return [];
  if (link.kind === 'glob') return link.steps.flatMap((name) => unknownStep(name, look, path));
  if (link.kind === 'value' || link.kind === 'expression') return [];
  const found = linkType(link, look, path);
  return Array.isArray(found) ? found : [];
}

/** The type that sources give, the problems with their names, or undefined when that is told elsewhere. */
function linkType(
  link: Source | Extract<Link, { kind: 'merge' }>,
  look: Look,
  path: readonly string[],
): ValueType | JobProblem[] | undefined {
  switch (link.kind) {
    case 'input':
      return inputType(link.input, look, path);
    case 'output':
      return outputType(link.step, link.port, look, path);
    case 'merge': {
      const found = link.sources.map((source) => linkType(source, look, path));
      const problems = found.flatMap((one) => (Array.isArray(one) ? one : []));
      if (problems.length > 0) return problems;
      const types = found.filter((one): one is ValueType => one !== undefined && !Array.isArray(one));
      return types.length === found.length ? mergedType(types, link.how, link.pick) : undefined;
    }
  }
}

function inputType(name: string, look: Look, path: readonly string[]): ValueType | JobProblem[] {
  const type = look.inputs.get(name);
  if (type) return type;
  const step = look.steps.get(name);
  const output = step && signatureOf(step.run, look.library)?.outputs[0]?.name;
  const hint = output ? `'${name}' is a step: write ${name}.${output}.` : known('inputs', look.inputs.keys(), name);
  return [{ path, message: `the job has no input '${name}'`, hint }];
}

function fit(from: ValueType, to: ValueType, path: readonly string[], special?: string): JobProblem[] {
  const answer = isAssignable(from, to);
  if (answer === true) return [];
  const hint =
    special ??
    (isAssignable(from, optionalType(to)) === true
      ? `Make it optional where it is used: ${formatType(optionalType(to))}.`
      : 'Change one of the two types, or link another port.');
  return [{ path, message: `gives ${formatType(from)} where ${formatType(to)} is expected: ${answer}`, hint }];
}

function outputType(
  step: string,
  port: string,
  look: Look,
  path: readonly string[],
): ValueType | JobProblem[] | undefined {
  const found = look.steps.get(step);
  if (!found) return unknownStep(step, look, path);
  const signature = signatureOf(found.run, look.library);
  if (!signature) return undefined;
  const output = signature.outputs.find(({ name }) => name === port);
  if (output) return stepOutputType(output.type, found);
  const names = signature.outputs.map(({ name }) => name);
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

/** A Job that runs itself, through any number of others, would never end. */
function checkNesting(job: JobSpec, library: Library): JobProblem[] {
  return job.steps.flatMap((step): JobProblem[] => {
    if (step.run.kind !== 'job') return [];
    const fault = nestingFault(job.name, step.run.job, library.jobs);
    if (!fault) return [];
    const way = fault.names.slice(0, MAX_NAMES).join(' → ');
    const message =
      fault.kind === 'cycle' ? `the job runs itself: ${way}` : `jobs nest deeper than ${MAX_NESTING}: ${way}`;
    return [{ path: ['steps', step.name, 'job'], message, hint: 'Let it run another job.' }];
  });
}

function unusedInputs(job: JobSpec): JobProblem[] {
  const links = [...job.steps.flatMap((step) => Object.values(step.links)), ...job.outputs.map(({ source }) => source)];
  const used = new Set(links.flatMap(linkedInputs));
  const filesUsed = links.some((link) => link.kind === 'glob' && link.inputs);
  return job.inputs
    .filter(({ name, type }) => !used.has(name) && !(filesUsed && holdsFiles(type)))
    .map(({ name }) => ({
      path: ['inputs', name],
      message: `no step uses the input '${name}'`,
      hint: 'Link it to a step, or remove it.',
    }));
}

/** A message names no more than these. */
const MAX_NAMES = 12;
