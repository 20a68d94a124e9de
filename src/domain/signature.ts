/** What a Step can be linked by: the ports of the Task or Job that it runs, seen alike. */
import type { Constraints, FileTraits, JobSpec, Run, StepSpec, TaskSpec } from './definitions';
import { isOptional, optionalType, scalar, type Value, type ValueType } from './values';

/** The Tasks and Jobs that Steps may run, by name. */
export interface Library {
  readonly tasks: ReadonlyMap<string, TaskSpec>;
  readonly jobs: ReadonlyMap<string, JobSpec>;
}

/** A data port or Parameter of a Task, or an input of a Job. */
export interface Port extends Constraints, FileTraits {
  readonly name: string;
  readonly type: ValueType;
  readonly default?: Value;
  /** It must get a value: there is no default, and null is not one of its values. */
  readonly required: boolean;
  /** Which earlier files feed it when it is not linked. */
  readonly glob?: string;
  readonly isParameter: boolean;
}

export interface Signature {
  readonly ports: readonly Port[];
  readonly outputs: readonly { readonly name: string; readonly type: ValueType; readonly description: string }[];
}

/** Undefined when there is no such Task or Job. */
export function signatureOf(run: Run, library: Library): Signature | undefined {
  if (run.kind === 'task') {
    const task = library.tasks.get(run.task);
    return task && taskSignature(task);
  }
  const job = library.jobs.get(run.job);
  return job && jobSignature(job);
}

export function taskSignature(task: TaskSpec): Signature {
  return {
    ports: [
      ...task.inputs.map((port): Port => ({
        ...port,
        required: port.default === undefined && !isOptional(port.type),
        isParameter: false,
      })),
      ...task.parameters.map((one): Port => ({
        ...one,
        required: one.required && one.default === undefined,
        isParameter: true,
      })),
    ],
    outputs: task.outputs,
  };
}

export function jobSignature(job: JobSpec): Signature {
  return {
    ports: job.inputs.map((input): Port => ({
      ...input,
      required: input.default === undefined && !isOptional(input.type),
      isParameter: false,
    })),
    outputs: job.outputs,
  };
}

/** The type that a link must give: null is welcome where a default or nothing may stand; a scattered port takes a list. */
export function linkedType(port: Port, step: Pick<StepSpec, 'scatter'>): ValueType {
  const type = port.required ? port.type : optionalType(port.type);
  return step.scatter?.ports.includes(port.name) ? { kind: 'array', items: type } : type;
}

/**
 * The type of a Step's output as others see it: a list under scatter (lists of lists for the nested cross product), whose
 * items may be null when each element has a condition of its own.
 */
export function stepOutputType(type: ValueType, step: Pick<StepSpec, 'scatter' | 'when'>): ValueType {
  const { scatter, when } = step;
  if (!scatter) return type;
  const item = when?.kind === 'expression' ? optionalType(type) : type;
  const depth = scatter.method === 'nested' ? scatter.ports.length : 1;
  return Array.from({ length: depth }).reduce<ValueType>((items) => ({ kind: 'array', items }), item);
}

/** The type of several sources in one port. */
export function mergedType(
  types: readonly ValueType[],
  how: 'nested' | 'flat',
  pick: 'first' | 'only' | 'all' | undefined,
): ValueType {
  const members = types.flatMap((type) => (how === 'flat' && type.kind === 'array' ? [type.items] : [type]));
  const item = unionOf(pick === undefined ? members : members.map(withoutNull));
  if (pick === 'first' || pick === 'only') return item;
  return { kind: 'array', items: item };
}

function unionOf(types: readonly ValueType[]): ValueType {
  const flat = types.flatMap((type) => (type.kind === 'union' ? type.types : [type]));
  const distinct = flat.filter(
    (type, index) => flat.findIndex((one) => JSON.stringify(one) === JSON.stringify(type)) === index,
  );
  const [only] = distinct;
  if (only === undefined) return scalar('Any');
  return distinct.length === 1 ? only : { kind: 'union', types: distinct };
}

function withoutNull(type: ValueType): ValueType {
  if (type.kind !== 'union') return type;
  const rest = type.types.filter((member) => member.kind !== 'null');
  return rest.length === 1 && rest[0] ? rest[0] : { kind: 'union', types: rest };
}
