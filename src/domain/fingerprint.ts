/** What makes two runs of a Task equal work, and in what two of them differ. Pure. */
import { BACKEND_KINDS } from './backendOptions';
import type { BackendSpec, TaskSpec } from './definitions';
import { canonicalJson, digestOf } from './digest';
import { isDirectoryValue, isFileValue, isOptional, type Value, type Values } from './values';

/** A digest of each thing that matters to a result, so that a difference can be named. */
export interface FingerprintParts {
  /** What runs: the command, how its exit is read, how its outputs are found. */
  readonly task: string;
  readonly backend: string;
  readonly environment: string;
  readonly parameters: Readonly<Record<string, string>>;
  readonly inputs: Readonly<Record<string, string>>;
}

/** Raise it when the parts come to mean something else: earlier results are then not taken any more. */
const VERSION = 2;

/** What a run of the Task with these values is made of. */
export function fingerprintParts(
  task: TaskSpec,
  backend: Pick<BackendSpec, 'kind' | 'environment' | 'options'> | null,
  values: Values,
): FingerprintParts {
  const of = (ports: readonly { readonly name: string }[]): Record<string, string> =>
    Object.fromEntries(ports.map(({ name }) => [name, digestOf(whatMatters(values[name] ?? null))]));
  return {
    task: taskDigest(task),
    backend: digestOf(backend && { kind: backend.kind, ...decisiveOptions(backend) }),
    environment: digestOf({ ...backend?.environment, ...task.environment }),
    parameters: of(task.parameters),
    inputs: of(task.inputs),
  };
}

function decisiveOptions({ kind, options }: Pick<BackendSpec, 'kind' | 'options'>): Record<string, unknown> {
  const { decisive } = BACKEND_KINDS[kind];
  return Object.fromEntries(Object.entries(options).filter(([name]) => decisive.includes(name)));
}

/** Hex SHA-256: equal for equal work. */
export function fingerprintOf(parts: FingerprintParts): string {
  return digestOf({ version: VERSION, ...parts });
}

const taskDigests = new WeakMap<TaskSpec, string>();

/** Task definitions are immutable and shared by all their runs, so each is hashed once. */
function taskDigest(task: TaskSpec): string {
  const known = taskDigests.get(task);
  if (known !== undefined) return known;
  const { command, exitRules, missingOutput, image } = task;
  const digest = digestOf({
    command,
    exitRules,
    missingOutput,
    ...(image === undefined ? {} : { image }),
    // A script knows ports by their number, so their order matters.
    // As a table, what a file is said to be decides how it is read.
    inputs: task.inputs.map(({ name, as, format }) =>
      as === undefined && (command.kind !== 'query' || format === undefined) ? name : { name, as, format },
    ),
    parameters: task.parameters.map(({ name, flag, spacing, switch: isSwitch }) => ({ name, flag, spacing, isSwitch })),
    outputs: task.outputs.map(({ name, type, from, glob, path, read, format }) => ({
      ...{ name, type, from, glob, path, read },
      // A table that a script or query gives is written in it.
      ...((from === 'value' || command.kind === 'query') && format !== undefined ? { format } : {}),
    })),
  });
  taskDigests.set(task, digest);
  return digest;
}

/** Of a file, its content, the name under which the command sees it, and what lies beside it. */
function whatMatters(value: Value): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (isFileValue(value)) {
    const { name, sha256, secondaryFiles = [] } = value;
    return { file: name, sha256, ...(secondaryFiles.length > 0 ? { beside: secondaryFiles.map(whatMatters) } : {}) };
  }
  if (isDirectoryValue(value)) return { directory: value.name, entries: value.entries.map(whatMatters) };
  if (Array.isArray(value)) return value.map((item: Value) => whatMatters(item));
  return {
    fields: Object.fromEntries(Object.entries(value).map(([name, field]) => [name, whatMatters(field)])),
  };
}

/** Why equal runs of a Task do not share their result. */
export type Unshared =
  /** It only computes, which costs less than looking up what it gave. */
  | { readonly kind: 'COMPUTES' }
  /** It says so. */
  | { readonly kind: 'SAYS_SO' }
  /** It calls a service, or even changes something there. */
  | { readonly kind: 'CALLS' }
  /** This option of its Backend names something that may change. */
  | { readonly kind: 'LOOKS_OUTSIDE'; readonly option: string }
  /** It takes nothing, so it is there to look at the world. */
  | { readonly kind: 'TAKES_NOTHING' };

/** Null when equal runs of the Task share their result, unless their Submission says otherwise. */
export function whyUnshared(task: TaskSpec, backend: Pick<BackendSpec, 'kind' | 'options'> | null): Unshared | null {
  if (task.command.kind === 'expression') return { kind: 'COMPUTES' };
  if (task.reuse !== undefined) return task.reuse ? null : { kind: 'SAYS_SO' };
  if (task.command.kind === 'request') return { kind: 'CALLS' };
  const option = backend && BACKEND_KINDS[backend.kind].outside?.find((name) => name in backend.options);
  if (typeof option === 'string') return { kind: 'LOOKS_OUTSIDE', option };
  return task.inputs.length + task.parameters.length > 0 ? null : { kind: 'TAKES_NOTHING' };
}

export const sharesResults = (...work: Parameters<typeof whyUnshared>): boolean => whyUnshared(...work) === null;

/** What differs between two runs, in words such as "input `text`"; none when they are equal work. */
export function differences(own: FingerprintParts, earlier: FingerprintParts): string[] {
  return [
    ...(own.task === earlier.task ? [] : ['the definition of the task']),
    ...(own.backend === earlier.backend ? [] : ['the backend']),
    ...(own.environment === earlier.environment ? [] : ['the environment variables']),
    ...differing('parameter', own.parameters, earlier.parameters),
    ...differing('input', own.inputs, earlier.inputs),
  ];
}

function differing(
  what: string,
  own: Readonly<Record<string, string>>,
  earlier: Readonly<Record<string, string>>,
): string[] {
  const names = [...new Set([...Object.keys(own), ...Object.keys(earlier)])];
  return names.filter((name) => own[name] !== earlier[name]).map((name) => `${what} \`${name}\``);
}

/** A sentence holds so many differences; the rest is counted. */
const MAX_NAMED = 5;

/** Why a run was not given the result of an earlier one, in words that complete a sentence. */
export function whyDifferent(own: FingerprintParts, earlier: FingerprintParts): string {
  const all = differences(own, earlier);
  if (all.length === 0) return 'nothing differs.';
  const named = all.slice(0, MAX_NAMED);
  const more = all.length - named.length;
  const list = more > 0 ? [...named, `${more} more`] : named;
  const last = list.at(-1) ?? '';
  const words = list.length === 1 ? last : `${list.slice(0, -1).join(', ')} and ${last}`;
  const differs = all.length === 1 && !words.endsWith('variables') ? 'differs' : 'differ';
  return `${words} ${differs}; the rest is the same.`;
}

/** Whether a success with this end was one that ends the Submission early, as its Task says. */
export function endsEarly(task: TaskSpec, exitCode: number | null, outputs: Values): boolean {
  if (exitCode !== null && task.exitRules.terminate.includes(exitCode)) return true;
  if (task.missingOutput !== 'TERMINATE') return false;
  return task.outputs.some((port) => {
    const value = outputs[port.name] ?? null;
    const isEmpty = value === null || (port.read !== 'json' && canonicalJson(value) === '[]');
    return isEmpty && !isOptional(port.type);
  });
}
