/** Definitions become versions: all that one source says, checked as a whole, or nothing of it. */
import { checkFirer } from '../domain/checkFirer';
import { checkJob } from '../domain/checkJob';
import type { BackendSpec, DefinitionSet, JobSpec, ResourceSpec, TaskSpec } from '../domain/definitions';
import { digestOf } from '../domain/digest';
import { StepcastError } from '../domain/errors';
import { MAX_FIRERS, triggerCycle, type ScheduleSpec, type TriggerSpec } from '../domain/firing';
import { isStorable } from '../domain/text';
import type { Database, Sql } from '../store/database';
import type { DefinitionKind } from '../store/entities/definition';
import {
  currentDefinitions,
  lockDefinitions,
  MAX_DEFINITIONS,
  putDefinition,
  removeDefinition,
  type CurrentDefinition,
} from '../store/statements/definitions';
import { moveToLanes } from '../store/statements/lanes';
import { putLimits, type RunLimit } from '../store/statements/limits';
import type { Announcer } from './announcer';
import { planOf, type JobBundle } from './plans';
import { readBundle } from './readBundle';
import { unsuitable } from './suitability';
import { mutationFieldName } from '../domain/naming';
import { allInnerJobs } from '../domain/nesting';

/** Everything that one source (a file, or the API) defines. `mode` says what it means when a name is not there any more. */
export interface SourceSet {
  /** `file:…`, or `api`. */
  readonly source: string;
  readonly set: DefinitionSet;
  /** `replace`: names of this source that the set lacks are removed. `add`: they stay. */
  readonly mode: 'replace' | 'add';
}

/** Something that does not fit; `path` leads into the definition. */
export interface DefinitionProblem {
  readonly source: string;
  readonly kind: DefinitionKind;
  readonly name: string;
  readonly path: readonly (string | number)[];
  readonly message: string;
  readonly hint: string;
}

export type DefineOutcome =
  | { readonly ok: true; readonly changed: readonly { readonly kind: DefinitionKind; readonly name: string }[] }
  | { readonly ok: false; readonly problems: readonly DefinitionProblem[] };

export const API_SOURCE = 'api';

/** The Backend that is always there. */
export const LOCAL_BACKEND: BackendSpec = {
  name: 'local',
  kind: 'LOCAL',
  description: 'Runs commands on the machine of the worker.',
  environment: {},
  options: {},
};

/** A message names no more than these. */
const SHOWN_NAMES = 20;

interface Definition {
  readonly kind: DefinitionKind;
  readonly name: string;
  readonly spec: BackendSpec | TaskSpec | JobSpec | ResourceSpec | ScheduleSpec | TriggerSpec;
  readonly source: string;
}

const keyOf = (one: { kind: DefinitionKind; name: string }): string => `${one.kind} ${one.name}`;

/** Applies the sources in one transaction. With problems, nothing changes and what was served is served on. */
export async function define(
  { db, announcer }: { db: Database; announcer: Announcer },
  sources: readonly SourceSet[],
): Promise<DefineOutcome> {
  const { newLimits, ...outcome } = await db.transaction((sql) => applySources(sql, sources));
  if (newLimits) await moveToLanes(db);
  if (outcome.ok && outcome.changed.length > 0) announcer.definitionsChanged();
  return outcome;
}

async function applySources(
  sql: Sql,
  sources: readonly SourceSet[],
): Promise<DefineOutcome & { readonly newLimits: boolean }> {
  await lockDefinitions(sql);
  const current = await currentDefinitions(sql);
  const { next, problems } = merge(current, sources);
  if (next.size > MAX_DEFINITIONS) {
    throw new StepcastError(
      'LIMIT_EXCEEDED',
      `There would be ${next.size} definitions; the limit is ${MAX_DEFINITIONS}.`,
    );
  }
  const found = [...problems, ...unstorable(next), ...check(next), ...checkUses(next), ...checkFirers(next)];
  if (found.length > 0) return { ok: false, problems: found, newLimits: false };

  const before = new Map(current.map((one) => [keyOf(one), one]));
  const after = bundled(next);
  const changed: { kind: DefinitionKind; name: string }[] = [];
  for (const one of after) {
    const digest = digestOf(one.spec);
    const known = before.get(keyOf(one));
    if (known?.digest === digest && known.source === one.source) continue;
    await putDefinition(sql, { ...one, digest });
    changed.push({ kind: one.kind, name: one.name });
  }
  const kept = new Set(after.map(keyOf));
  for (const one of current) {
    if (kept.has(keyOf(one))) continue;
    await removeDefinition(sql, one.kind, one.name);
    changed.push({ kind: one.kind, name: one.name });
  }
  const newLimits = await putLimits(sql, limitsOf([...next.values()]));
  return { ok: true, changed, newLimits };
}

/** The definitions as they would stand after the change. */
function merge(
  current: readonly CurrentDefinition[],
  sources: readonly SourceSet[],
): { next: Map<string, Definition>; problems: DefinitionProblem[] } {
  const replaced = new Set(sources.filter((one) => one.mode === 'replace').map((one) => one.source));
  const next = new Map<string, Definition>([
    [`BACKEND ${LOCAL_BACKEND.name}`, { kind: 'BACKEND', name: 'local', spec: LOCAL_BACKEND, source: 'built-in' }],
  ]);
  for (const one of current) {
    if (!replaced.has(one.source)) next.set(keyOf(one), { ...one, spec: unbundled(one) });
  }
  const problems: DefinitionProblem[] = [];
  for (const { source, set } of sources) {
    for (const one of flatten(source, set)) {
      const owner = next.get(keyOf(one));
      if (owner && owner.source !== source && owner.source !== 'built-in') {
        problems.push({
          source,
          kind: one.kind,
          name: one.name,
          path: [],
          message: `${one.kind.toLowerCase()} "${one.name}" is defined in ${describeSource(owner.source)} already`,
          hint: 'rename one of them, or change it where it is',
        });
        continue;
      }
      next.set(keyOf(one), one);
    }
  }
  return { next, problems };
}

export function describeSource(source: string): string {
  if (source === API_SOURCE) return 'the API';
  return source.startsWith('file:') ? source.slice('file:'.length) : source;
}

function flatten(source: string, set: DefinitionSet): Definition[] {
  return [
    ...set.backends.map((spec): Definition => ({ kind: 'BACKEND', name: spec.name, spec, source })),
    ...set.tasks.map((spec): Definition => ({ kind: 'TASK', name: spec.name, spec, source })),
    ...set.jobs.map((spec): Definition => ({ kind: 'JOB', name: spec.name, spec, source })),
    ...(set.schedules ?? []).map((spec): Definition => ({ kind: 'SCHEDULE', name: spec.name, spec, source })),
    ...(set.triggers ?? []).map((spec): Definition => ({ kind: 'TRIGGER', name: spec.name, spec, source })),
    ...(set.resources ?? []).map((spec): Definition => ({ kind: 'RESOURCE', name: spec.name, spec, source })),
  ];
}

/** Text that Postgres refuses: one such definition must not keep all the others from being stored. */
function unstorable(next: ReadonlyMap<string, Definition>): DefinitionProblem[] {
  return [...next.values()]
    .filter((one) => !isStorableValue(one.spec))
    .map(({ source, kind, name }) => ({
      source,
      kind,
      name,
      path: [],
      message: 'a text in it holds a NUL character or half a character (a lone surrogate)',
      hint: 'remove that character',
    }));
}

function isStorableValue(value: unknown): boolean {
  if (typeof value === 'string') return isStorable(value);
  if (typeof value !== 'object' || value === null) return true;
  return Object.entries(value).every(([key, part]) => isStorable(key) && isStorableValue(part));
}

function unbundled(one: CurrentDefinition): Definition['spec'] {
  return one.kind === 'JOB' ? readBundle(one.spec).job : (one.spec as Exclude<Definition['spec'], JobSpec>);
}

const specsOf = <T extends Definition['spec']>(
  all: ReadonlyMap<string, Definition>,
  kind: DefinitionKind,
): Map<string, T> =>
  new Map([...all.values()].filter((one) => one.kind === kind).map((one) => [one.name, one.spec as T]));

/** Every Job with its Tasks: a change of a Task may break a Job of another source. */
function check(next: ReadonlyMap<string, Definition>): DefinitionProblem[] {
  const backends = specsOf<BackendSpec>(next, 'BACKEND');
  const library = { tasks: specsOf<TaskSpec>(next, 'TASK'), jobs: specsOf<JobSpec>(next, 'JOB') };
  const fields = new Map<string, string>();
  return [...next.values()].flatMap((one): DefinitionProblem[] => {
    const { source, kind, name } = one;
    if (kind === 'TASK') {
      const task = one.spec as TaskSpec;
      const { backend } = task;
      const found = backends.get(backend);
      if (found) return unsuitable(found, task, { source, kind, name });
      const known = [...backends.keys()].join(', ');
      return [
        {
          source,
          kind,
          name,
          path: ['backend'],
          message: `there is no backend "${backend}"`,
          hint: `use one of: ${known}`,
        },
      ];
    }
    if (kind !== 'JOB') return [];
    const field = mutationFieldName({ name });
    const other = fields.get(field);
    fields.set(field, name);
    const clash: DefinitionProblem[] =
      other === undefined
        ? []
        : [
            {
              source,
              kind,
              name,
              path: ['job'],
              message: `jobs "${name}" and "${other}" would both be the mutation ${field}`,
              hint: 'rename one of them',
            },
          ];
    return [...clash, ...checkJob(one.spec as JobSpec, library).map((problem) => ({ source, kind, name, ...problem }))];
  });
}

/** Every Schedule and Trigger with the Jobs it names: a change of a Job may break a Schedule of another source. */
function checkFirers(next: ReadonlyMap<string, Definition>): DefinitionProblem[] {
  const jobs = specsOf<JobSpec>(next, 'JOB');
  const firers = [...next.values()].filter(({ kind }) => kind === 'SCHEDULE' || kind === 'TRIGGER');
  const problems = firers.flatMap(({ source, kind, name, spec }): DefinitionProblem[] =>
    checkFirer(spec as ScheduleSpec | TriggerSpec, jobs).map((problem) => ({ source, kind, name, ...problem })),
  );
  const cycle = triggerCycle([...specsOf<TriggerSpec>(next, 'TRIGGER').values()]);
  const closing = cycle && next.get(`TRIGGER ${cycle.trigger}`);
  if (cycle && closing) {
    problems.push({
      source: closing.source,
      kind: 'TRIGGER',
      name: closing.name,
      path: ['after'],
      message: `jobs would start each other for ever: ${cycle.jobs.join(' → ')}`,
      hint: 'remove one of these triggers',
    });
  }
  const [last] = firers.slice(MAX_FIRERS);
  if (last) {
    const message = `there would be ${firers.length} schedules and triggers; the limit is ${MAX_FIRERS}`;
    problems.push({ source: last.source, kind: last.kind, name: last.name, path: [], message, hint: 'remove some' });
  }
  return problems;
}

/** Every Task with the Resources it uses: a change of a Resource may leave a Task of another source without. */
function checkUses(next: ReadonlyMap<string, Definition>): DefinitionProblem[] {
  const resources = specsOf<ResourceSpec>(next, 'RESOURCE');
  const names = [...resources.keys()].sort().slice(0, SHOWN_NAMES).join(', ');
  return [...next.values()].flatMap(({ source, kind, name, spec }): DefinitionProblem[] => {
    if (kind !== 'TASK') return [];
    return Object.entries((spec as TaskSpec).uses ?? {}).flatMap(([resource, units]): DefinitionProblem[] => {
      const amount = resources.get(resource)?.amount;
      const path = ['uses', resource];
      if (amount === undefined) {
        const hint = `define it by resource: ${resource} with an amount${names === '' ? '' : `, or use one of: ${names}`}`;
        return [{ source, kind, name, path, message: `there is no resource "${resource}"`, hint }];
      }
      if (amount === 0 || units <= amount) return [];
      const message = `it uses ${units} of "${resource}", and there are only ${amount}`;
      return [{ source, kind, name, path, message, hint: 'use less, or raise the amount of the resource' }];
    });
  });
}

/** The limits that the definitions set, by the keys of lanes. */
function limitsOf(all: readonly Definition[]): RunLimit[] {
  return all.flatMap(({ kind, name, spec }): RunLimit[] => {
    const amount = kind === 'RESOURCE' ? (spec as ResourceSpec).amount : (spec as TaskSpec).maxRunning;
    return amount === undefined ? [] : [{ key: `${kind.toLowerCase()}:${name}`, amount }];
  });
}

/** Jobs become bundles with all they use: a change of a Task or a Job is a new version of each Job that uses it. */
function bundled(
  next: ReadonlyMap<string, Definition>,
): (Omit<Definition, 'spec'> & { spec: Exclude<Definition['spec'], JobSpec> | JobBundle })[] {
  const backends = specsOf<BackendSpec>(next, 'BACKEND');
  const tasks = specsOf<TaskSpec>(next, 'TASK');
  const jobs = specsOf<JobSpec>(next, 'JOB');
  return [...next.values()].map((one) => {
    if (one.kind !== 'JOB') return { ...one, spec: one.spec as Exclude<Definition['spec'], JobSpec> };
    const job = one.spec as JobSpec;
    const inner = allInnerJobs(job, jobs);
    const names = [job, ...inner].flatMap(({ steps }) =>
      steps.flatMap(({ run }) => (run.kind === 'task' ? [run.task] : [])),
    );
    const used = [...new Set(names)].flatMap((task) => tasks.get(task) ?? []);
    const usedBackends = [...new Set(used.map((task) => task.backend))].flatMap(
      (backend) => backends.get(backend) ?? [],
    );
    const bundle: JobBundle = { job, tasks: used, backends: usedBackends, jobs: inner };
    // Compiling once here finds a fault of ours before anything is stored.
    planOf(bundle);
    return { ...one, spec: bundle };
  });
}
