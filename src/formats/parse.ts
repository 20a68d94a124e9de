/** One parser, two doors: YAML files and objects that come by GraphQL. */
import type { z } from 'zod';
import { checkJob } from '../domain/checkJob';
import type { BackendSpec, DefinitionSet, JobSpec, ResourceSpec, TaskSpec } from '../domain/definitions';
import { unreachable } from '../domain/errors';
import type { ScheduleSpec, TriggerSpec } from '../domain/firing';
import type { Library } from '../domain/signature';
import { expandSchedule, expandTrigger } from './expandFirer';
import { expandJob, type ExpandedJob } from './expandJob';
import { expandTask } from './expandTask';
import { backendForm } from './forms/backendForm';
import type { ScriptFiles } from './scriptFiles';
import { scheduleForm, triggerForm } from './forms/firerForm';
import { jobForm } from './forms/jobForm';
import type { JobForm } from './forms/jobForm';
import { resourceForm } from './forms/limitForm';
import { taskForm } from './forms/taskForm';
import { suggestion } from '../domain/nearest';
import { newReport, problemsOf } from './problem';
import type { FormProblem, Path, Problem } from './problem';
import { unitsOf } from './units';
import type { DefinitionKind, Unit } from './units';
import { readYaml } from './yamlSource';
import type { Position } from './yamlSource';

/** A file, or anything that reads like one. */
export interface Source {
  readonly name: string;
  readonly text: string;
  /** The scripts and queries that it names by `{file: …}`; undefined: it can name none. */
  readonly scripts?: ScriptFiles;
}

/** What is defined elsewhere and may be used. */
export interface Known {
  readonly tasks?: ReadonlyMap<string, TaskSpec>;
  readonly jobs?: ReadonlyMap<string, JobSpec>;
  /** Names of Backends; without it, any name is taken. `local` is always there. */
  readonly backends?: ReadonlySet<string>;
}

export type Parsed =
  | {
      readonly ok: true;
      readonly set: DefinitionSet;
      /** Where a definition, or a part of it, stands. */
      readonly positions: (kind: DefinitionKind, name: string, path?: Path) => Position;
    }
  | { readonly ok: false; readonly problems: readonly Problem[] };

export type ParsedObject<Spec> =
  { readonly ok: true; readonly spec: Spec } | { readonly ok: false; readonly problems: readonly Problem[] };

/** The Backend that is always there. */
export const LOCAL_BACKEND = 'local';

/** The definitions of one file, checked and in full form. */
export function parseDefinitions(source: Source, known: Known = {}): Parsed {
  const [parsed] = parseSources([source], known);
  return parsed ?? { ok: false, problems: [] };
}

/** Several files that may use each other's Tasks and Jobs, in any order. One answer per file, in the order given. */
export function parseSources(sources: readonly Source[], known: Known = {}): Parsed[] {
  const drafts = sources.map(draftOf);
  const tasks = new Map([...(known.tasks ?? []), ...drafts.flatMap((draft) => draft.tasks.map(byName))]);
  const backends =
    known.backends &&
    new Set([...known.backends, ...drafts.flatMap((draft) => draft.backends.map(({ name }) => name))]);
  const libraryFor = (draft: Draft) => new Map([...tasks, ...draft.tasks.map(byName)]);
  const jobs = expandJobs(drafts, libraryFor, known.jobs ?? new Map());
  return drafts.map((draft) => finish(draft, { tasks: libraryFor(draft), jobs }, backends));
}

/** One definition given as an object, in the same forms as in a file. */
export function parseDefinitionObject(kind: 'task', value: unknown, known?: Known): ParsedObject<TaskSpec>;
export function parseDefinitionObject(kind: 'job', value: unknown, known?: Known): ParsedObject<JobSpec>;
export function parseDefinitionObject(kind: 'backend', value: unknown, known?: Known): ParsedObject<BackendSpec>;
export function parseDefinitionObject(kind: 'schedule', value: unknown, known?: Known): ParsedObject<ScheduleSpec>;
export function parseDefinitionObject(kind: 'trigger', value: unknown, known?: Known): ParsedObject<TriggerSpec>;
export function parseDefinitionObject(kind: 'resource', value: unknown, known?: Known): ParsedObject<ResourceSpec>;
export function parseDefinitionObject(
  kind: DefinitionKind,
  value: unknown,
  known: Known = {},
): ParsedObject<TaskSpec | JobSpec | BackendSpec | ResourceSpec | ScheduleSpec | TriggerSpec> {
  const draft = newDraft(kind);
  addUnit(draft, { kind, value: value as Unit['value'], place: (path) => path }, () => NOWHERE);
  const knownTasks = known.tasks ?? new Map<string, TaskSpec>();
  const knownJobs = expandJobs([draft], () => knownTasks, known.jobs ?? new Map());
  const parsed = finish(draft, { tasks: knownTasks, jobs: knownJobs }, known.backends);
  if (!parsed.ok) return parsed;
  const { tasks, jobs, backends, resources = [], schedules = [], triggers = [] } = parsed.set;
  const [spec] = [...tasks, ...jobs, ...backends, ...resources, ...schedules, ...triggers];
  return spec ? { ok: true, spec } : { ok: false, problems: [] };
}

const NOWHERE: Position = { line: 0, column: 0 };

type Locate = (path: Path, what?: 'key' | 'value') => Position;

/** What a file says before the Tasks of other files are known. */
interface Draft {
  readonly name: string;
  readonly scripts?: ScriptFiles | undefined;
  readonly backends: BackendSpec[];
  readonly tasks: TaskSpec[];
  readonly schedules: ScheduleSpec[];
  readonly triggers: TriggerSpec[];
  readonly resources: ResourceSpec[];
  readonly jobs: JobDraft[];
  readonly problems: Problem[];
  readonly places: Map<string, Locate>;
}

interface JobDraft {
  readonly form: JobForm;
  readonly locate: Locate;
  readonly place: Unit['place'];
  /** Made once the Tasks and Jobs that it uses are known. */
  expanded: { readonly job: ExpandedJob; readonly problems: readonly FormProblem[] } | null;
}

function newDraft(name: string, scripts?: ScriptFiles): Draft {
  return {
    name,
    scripts,
    backends: [],
    tasks: [],
    resources: [],
    schedules: [],
    triggers: [],
    jobs: [],
    problems: [],
    places: new Map(),
  };
}

function draftOf(source: Source): Draft {
  const draft = newDraft(source.name, source.scripts);
  const yaml = readYaml(source.text);
  if (!yaml.ok) {
    draft.problems.push(...yaml.problems.map((problem) => ({ file: source.name, path: [], ...problem })));
    return draft;
  }
  for (const document of yaml.documents) {
    const report = newReport();
    const units = unitsOf(document.value, report);
    draft.problems.push(...report.problems.map((problem) => placed(draft.name, problem, document.locate)));
    for (const unit of units) addUnit(draft, unit, document.locate);
  }
  return draft;
}

function addUnit(draft: Draft, unit: Unit, locateInDocument: Locate): void {
  const locate: Locate = (path, what) => locateInDocument(unit.place(path), what);
  const report = newReport();
  const { name } = unit.value ?? {};
  const key = placeKey(unit.kind, String(name));
  if (draft.places.has(key))
    report.add(['name'], `the ${unit.kind} '${String(name)}' is defined twice in this file`, 'Rename one of them.');
  draft.places.set(key, locate);
  const found: readonly FormProblem[] = parseUnit(draft, unit, locate, report);
  const problems = [...found, ...report.problems];
  draft.problems.push(...problems.map((problem) => placed(draft.name, problem, locateInDocument, unit.place)));
}

function parseUnit(draft: Draft, unit: Unit, locate: Locate, report: ReturnType<typeof newReport>): FormProblem[] {
  const read = <Form>(schema: z.ZodType<Form>, add: (form: Form) => void): FormProblem[] => {
    const result = schema.safeParse(unit.value);
    if (!result.success) return problemsOf(result.error);
    add(result.data);
    return [];
  };
  switch (unit.kind) {
    case 'backend':
      return read(backendForm, (form) => draft.backends.push(form));
    case 'resource':
      return read(resourceForm, (form) => draft.resources.push(form));
    case 'task':
      return read(taskForm, (form) => draft.tasks.push(expandTask(form, report, draft.scripts)));
    case 'job':
      return read(jobForm, (form) => draft.jobs.push({ form, locate, place: unit.place, expanded: null }));
    case 'schedule':
      return read(scheduleForm, (form) => draft.schedules.push(expandSchedule(form, report)));
    case 'trigger':
      return read(triggerForm, (form) => draft.triggers.push(expandTrigger(form, report)));
    default:
      return unreachable(unit.kind);
  }
}

/**
 * Expands the Jobs of all files, inner ones before those that run them, since they give types to links. Returns every Job
 * that is known. A circle is left to `checkJob`, which names it.
 */
function expandJobs(
  drafts: readonly Draft[],
  tasksFor: (draft: Draft) => ReadonlyMap<string, TaskSpec>,
  known: ReadonlyMap<string, JobSpec>,
): ReadonlyMap<string, JobSpec> {
  const jobs = new Map(known);
  const open = new Map(drafts.flatMap((draft) => draft.jobs.map((job) => [job, draft] as const)));
  const byJobName = new Map([...open.keys()].map((job) => [job.form.name, job]));
  const expand = (job: JobDraft): void => {
    const draft = open.get(job);
    if (!draft) return;
    open.delete(job);
    for (const name of innerNames(job.form)) {
      const inner = byJobName.get(name);
      if (inner) expand(inner);
    }
    const report = newReport();
    const expanded = expandJob(job.form, { tasks: tasksFor(draft), jobs }, report);
    job.expanded = { job: expanded, problems: report.problems };
    jobs.set(expanded.job.name, expanded.job);
  };
  for (const job of [...open.keys()]) expand(job);
  return jobs;
}

function innerNames({ steps }: JobForm): string[] {
  return 'linked' in steps ? steps.linked.flatMap(({ value }) => value.job ?? []) : [];
}

function finish(draft: Draft, library: Library, backends: ReadonlySet<string> | undefined): Parsed {
  const problems = [...draft.problems];
  for (const task of draft.tasks) {
    if (!backends || task.backend === LOCAL_BACKEND || backends.has(task.backend)) continue;
    const hint = suggestion(task.backend, [LOCAL_BACKEND, ...backends], 'backends');
    const position = draft.places.get(placeKey('task', task.name))?.(['backend']) ?? NOWHERE;
    problems.push({
      file: draft.name,
      ...position,
      path: ['backend'],
      message: `there is no backend '${task.backend}'`,
      hint,
    });
  }
  const jobs = draft.jobs.flatMap(({ expanded, locate, place }): JobSpec[] => {
    if (!expanded) return [];
    const { job, place: inForm } = expanded.job;
    const checked = checkJob(job, library).map((problem) => ({ ...problem, path: inForm(problem.path) }));
    for (const problem of [...expanded.problems, ...checked]) {
      problems.push({ ...placed(draft.name, problem, locate), path: place(problem.path) });
    }
    return [job];
  });
  if (problems.length > 0) return { ok: false, problems: inOrder(problems) };
  const positions = (kind: DefinitionKind, name: string, path: Path = []): Position =>
    draft.places.get(placeKey(kind, name))?.(path) ?? { line: 1, column: 1 };
  const { schedules, triggers } = draft;
  return {
    ok: true,
    set: { backends: draft.backends, tasks: draft.tasks, jobs, resources: draft.resources, schedules, triggers },
    positions,
  };
}

function placed(file: string, problem: FormProblem, locate: Locate, place: Unit['place'] = (path) => path): Problem {
  const { message, hint } = problem;
  const path = place(problem.path);
  return { file, ...locate(path, problem.isKey ? 'key' : 'value'), path, message, hint };
}

/** A file with more faults than this tells the first ones. */
const MAX_PROBLEMS = 50;

/** As one reads the file. */
function inOrder(problems: readonly Problem[]): Problem[] {
  const sorted = [...problems].sort((left, right) => left.line - right.line || left.column - right.column);
  return sorted.slice(0, MAX_PROBLEMS);
}

function placeKey(kind: DefinitionKind, name: string): string {
  return `${kind}:${name}`;
}

function byName(task: TaskSpec): [string, TaskSpec] {
  return [task.name, task];
}
