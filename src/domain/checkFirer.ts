/** Whether a Schedule or a Trigger fits the Jobs that there are. What stands in it alone is checked where it is read. */
import { isConstant, referencesIn, type Binding } from './binding';
import type { JobSpec } from './definitions';
import type { ScheduleSpec, TriggerSpec } from './firing';
import { checkValue } from './typing';
import { isOptional, type ValueType } from './values';

export interface FirerProblem {
  readonly path: readonly (string | number)[];
  readonly message: string;
  readonly hint: string;
}

export function checkFirer(firer: ScheduleSpec | TriggerSpec, jobs: ReadonlyMap<string, JobSpec>): FirerProblem[] {
  const job = jobs.get(firer.job);
  if (!job) return [noJob(['job'], firer.job, jobs)];
  return [...inputProblems(firer.inputs, job), ...('on' in firer ? sourceProblems(firer, jobs) : [])];
}

function inputProblems(inputs: Readonly<Record<string, Binding>>, job: JobSpec): FirerProblem[] {
  const names = job.inputs.map(({ name }) => name).join(', ') || 'none';
  const unknown = Object.keys(inputs)
    .filter((name) => !job.inputs.some((input) => input.name === name))
    .map((name) => ({
      path: ['inputs', name],
      message: `job "${job.name}" has no input "${name}"`,
      hint: `its inputs: ${names}`,
    }));
  const wrong = job.inputs.flatMap((input): FirerProblem[] => {
    const path = ['inputs', input.name];
    const given = inputs[input.name];
    if (given === undefined || given === null) {
      if (input.default !== undefined || isOptional(input.type)) return [];
      return [{ path, message: `input "${input.name}" of job "${job.name}" is missing`, hint: 'give it under inputs' }];
    }
    // Files are read when they are stored, references when it fires.
    if (hasData(input.type) || !isConstant(given)) return [];
    const value = isLiteral(given) ? given.value : given;
    return checkValue(input.type, input, value).map((reason) => ({ path, message: reason, hint: 'change the value' }));
  });
  return [...unknown, ...wrong];
}

/** `{output: x}` and `{input: x}` name what the Job has whose end is awaited. */
function sourceProblems(trigger: TriggerSpec, jobs: ReadonlyMap<string, JobSpec>): FirerProblem[] {
  if (trigger.on.kind !== 'COMPLETION') return [];
  const source = jobs.get(trigger.on.job);
  if (!source) return [noJob(['after'], trigger.on.job, jobs)];
  return referencesIn(trigger.inputs).flatMap(({ reference, path }): FirerProblem[] => {
    if (reference.kind !== 'output' && reference.kind !== 'input') return [];
    const ports = reference.kind === 'output' ? source.outputs : source.inputs;
    if (ports.some(({ name }) => name === reference.name)) return [];
    const known = ports.map(({ name }) => name).join(', ') || 'none';
    return [
      {
        path: ['inputs', ...path, reference.kind],
        message: `job "${source.name}" has no ${reference.kind} "${reference.name}"`,
        hint: `its ${reference.kind}s: ${known}`,
      },
    ];
  });
}

function noJob(path: readonly string[], name: string, jobs: ReadonlyMap<string, JobSpec>): FirerProblem {
  const known = [...jobs.keys()].sort().slice(0, 20).join(', ') || 'none';
  return { path, message: `there is no job "${name}"`, hint: `jobs: ${known}` };
}

/** Files and folders, anywhere inside. */
function hasData(type: ValueType): boolean {
  switch (type.kind) {
    case 'array':
      return hasData(type.items);
    case 'union':
      return type.types.some(hasData);
    case 'record':
      return type.fields.some((field) => hasData(field.type));
    default:
      return type.kind === 'File' || type.kind === 'Directory' || type.kind === 'Any';
  }
}

function isLiteral(value: unknown): value is { readonly value: unknown } {
  return typeof value === 'object' && value !== null && 'value' in value && Object.keys(value).length === 1;
}
