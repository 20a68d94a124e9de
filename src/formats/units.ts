/** Finds the definitions in a document: one under its own heading, or several in maps by name. */
import { isPlainObject } from './forms/form';
import { nearest } from '../domain/nearest';
import type { Path, Report } from './problem';

export type DefinitionKind = 'backend' | 'task' | 'job' | 'resource' | 'schedule' | 'trigger';

/** One definition as it was written. */
export interface Unit {
  readonly kind: DefinitionKind;
  /** With `name` as a key. */
  readonly value: Readonly<Record<string, unknown>>;
  /** From a path in the value to the path in the document. */
  place(path: Path): Path;
}

const KINDS: readonly DefinitionKind[] = ['backend', 'task', 'job', 'resource', 'schedule', 'trigger'];
const PLURALS: Readonly<Record<string, DefinitionKind>> = {
  backends: 'backend',
  tasks: 'task',
  jobs: 'job',
  resources: 'resource',
  schedules: 'schedule',
  triggers: 'trigger',
};
const SHAPE_HINT =
  'Begin a definition with task: NAME, job: NAME, backend: NAME, resource: NAME, schedule: NAME or trigger: NAME, one to a document; separate documents by a line of ---. Or list several under tasks:, jobs:, backends:, resources:, schedules:, triggers:.';

/** Headings that are also keys below another: a task has a backend, a schedule has a job. */
const KEYS_BELOW: Readonly<Partial<Record<DefinitionKind, readonly DefinitionKind[]>>> = {
  task: ['backend'],
  schedule: ['job'],
  trigger: ['job'],
};

const HEADINGS: readonly string[] = [...KINDS, ...Object.keys(PLURALS)];

/** The definitions of one document, in the order of their keys. */
export function unitsOf(document: unknown, report: Report): Unit[] {
  if (!isPlainObject(document)) {
    report.add([], 'a definition is a map of keys', SHAPE_HINT);
    return [];
  }
  const written = KINDS.filter((kind) => kind in document && !isPlainObject(document[kind]));
  const headings = written.filter((kind) => !written.some((other) => KEYS_BELOW[other]?.includes(kind) === true));
  const [heading, second] = headings;
  if (heading && second) {
    report.add([second], `one document has both '${heading}' and '${second}'`, SHAPE_HINT);
    return [];
  }
  if (heading) return [underHeading(heading, document)];
  const keys = Object.keys(document);
  if (!keys.some(isHeading)) {
    strangeKey(keys.find((key) => nearest(key, HEADINGS) !== undefined) ?? keys[0] ?? '', report);
    return [];
  }
  return Object.entries(document).flatMap(([key, value]) => {
    const single = KINDS.find((kind) => kind === key);
    if (single && isPlainObject(value)) return [{ kind: single, value, place: (path) => [key, ...path] }];
    const kind = PLURALS[key];
    if (kind) return listed(key, kind, value, report);
    strangeKey(key, report);
    return [];
  });
}

function isHeading(key: string): boolean {
  return HEADINGS.includes(key);
}

function strangeKey(key: string, report: Report): void {
  const meant = nearest(key, HEADINGS);
  const hint = `${meant ? `Did you mean '${meant}'? ` : ''}${SHAPE_HINT}`;
  report.add([key], `'${key}' stands outside of any definition`, hint, { isKey: true });
}

function underHeading(kind: DefinitionKind, document: Record<string, unknown>): Unit {
  const { [kind]: name, ...rest } = document;
  return {
    kind,
    value: { ...rest, name },
    place: ([first, ...path]) => (first === undefined ? [kind] : [first === 'name' ? kind : first, ...path]),
  };
}

function listed(key: string, kind: DefinitionKind, value: unknown, report: Report): Unit[] {
  if (Array.isArray(value)) {
    return value.flatMap((item: unknown, index): Unit[] => {
      if (isPlainObject(item)) return [{ kind, value: item, place: (path) => [key, index, ...path] }];
      report.add([key, index], `this is not a ${kind}`, 'Write a map that begins with name: NAME.');
      return [];
    });
  }
  if (!isPlainObject(value)) {
    report.add([key], `'${key}' is not a map of names`, `Write a map from name to ${kind}.`);
    return [];
  }
  return Object.entries(value).flatMap(([name, item]): Unit[] => {
    if (isPlainObject(item))
      return [{ kind, value: { ...item, name }, place: (path) => [key, name, ...(path[0] === 'name' ? [] : path)] }];
    report.add([key, name], `'${name}' is not a ${kind}`, 'Write a map of its keys.');
    return [];
  });
}
