/**
 * The short form of a Job: Steps with an order number. Equal numbers run in parallel, a Step waits for all of the lower
 * order. Ports are fed by the globs of their Tasks, Parameters become inputs of the Job.
 */
import type { InputPort, JobInput, Link, Parameter, StepSpec, TaskSpec } from '../domain/definitions';
import { holdsFiles, isOptional, requiredType, scalar } from '../domain/values';
import { stepOf } from './expandStep';
import type { OrderedStepForm } from './forms/jobForm';

/** The input that the Steps of the lowest order read when the Job declares none. */
export const UPLOAD = 'input';

/** The Steps in the order they run, and the inputs that the Job needs. */
export function expandOrdered(
  forms: readonly OrderedStepForm[],
  declared: readonly JobInput[],
  tasks: ReadonlyMap<string, TaskSpec>,
): { steps: readonly StepSpec[]; inputs: readonly JobInput[] } {
  const sorted = [...forms].sort((left, right) => left.order - right.order);
  const names = namesOf(sorted);
  const drafts = sorted.map((form, index): Draft => {
    const isEarlier = (other: OrderedStepForm): boolean => other.order < form.order;
    const levels = sorted.filter(isEarlier).map(({ order }) => order);
    const last = Math.max(...levels);
    return {
      step: stepOf(names[index] ?? form.task, form),
      isFirst: levels.length === 0,
      earlier: names.filter((_, at) => isEarlier(sorted[at] ?? form)),
      waitsFor: names.filter((_, at) => levels.length > 0 && sorted[at]?.order === last),
    };
  });
  const upload = uploadOf(drafts, declared, tasks);
  const inputs: JobInput[] = [...declared, ...upload];
  const shared = ambiguousNames(drafts, tasks);
  const steps = drafts.map((draft) => linkDraft(draft, declared, inputs, shared, tasks));
  return { steps, inputs };
}

interface Draft {
  readonly step: StepSpec;
  readonly isFirst: boolean;
  readonly earlier: readonly string[];
  readonly waitsFor: readonly string[];
}

/** The name given, else the Task's; a second one of the same name gets `-2`. */
function namesOf(forms: readonly OrderedStepForm[]): string[] {
  const taken = new Set(forms.flatMap(({ name }) => name ?? []));
  return forms.map(({ name, task }) => {
    if (name !== undefined) return name;
    let free = task;
    for (let number = 2; taken.has(free); number += 1) free = `${task}-${number}`;
    taken.add(free);
    return free;
  });
}

function openPorts(
  draft: Draft,
  tasks: ReadonlyMap<string, TaskSpec>,
): { data: InputPort[]; values: (InputPort | Parameter)[] } {
  const { run } = draft.step;
  const task = run.kind === 'task' ? tasks.get(run.task) : undefined;
  const isOpen = ({ name }: { name: string }): boolean => draft.step.links[name] === undefined;
  const inputs = (task?.inputs ?? []).filter(isOpen);
  const data = inputs.filter(({ type }) => holdsFiles(type));
  const values = [...inputs.filter(({ type }) => !holdsFiles(type)), ...(task?.parameters ?? []).filter(isOpen)];
  return { data, values };
}

function uploadOf(
  drafts: readonly Draft[],
  declared: readonly JobInput[],
  tasks: ReadonlyMap<string, TaskSpec>,
): JobInput[] {
  if (declared.some(({ type }) => holdsFiles(type))) return [];
  const linked = drafts.some(({ step }) =>
    Object.values(step.links).some((link) => link.kind === 'input' && link.input === UPLOAD),
  );
  const isNeeded = drafts.some(
    (draft) => draft.isFirst && openPorts(draft, tasks).data.some(({ type }) => !isOptional(type)),
  );
  if (!isNeeded && !(linked && !declared.some(({ name }) => name === UPLOAD))) return [];
  return [{ name: UPLOAD, description: 'The data that the job works on.', type: scalar('File'), validators: [] }];
}

/** Names of Parameters that more than one Step has. */
function ambiguousNames(drafts: readonly Draft[], tasks: ReadonlyMap<string, TaskSpec>): ReadonlySet<string> {
  const names = drafts.flatMap((draft) => openPorts(draft, tasks).values.map(({ name }) => name));
  return new Set(names.filter((name, index) => names.indexOf(name) !== index));
}

/** Links every open port; inputs that Parameters need are added to the list. */
function linkDraft(
  draft: Draft,
  declared: readonly JobInput[],
  inputs: JobInput[],
  shared: ReadonlySet<string>,
  tasks: ReadonlyMap<string, TaskSpec>,
): StepSpec {
  const { data, values } = openPorts(draft, tasks);
  const files = inputs.filter(({ type }) => holdsFiles(type));
  const dataLinks = data.map((port): [string, Link] => [port.name, dataLink(port, draft, files)]);
  const valueLinks = values.map((port): [string, Link] => {
    const own = `${draft.step.name}-${port.name}`;
    const given = [own, port.name].find((name) => declared.some((input) => input.name === name));
    const name = given ?? freeName(shared.has(port.name) ? own : port.name, own, inputs);
    if (given === undefined) inputs.push(inputFor(port, name));
    return [port.name, { kind: 'input', input: name }];
  });
  return {
    ...draft.step,
    links: { ...draft.step.links, ...Object.fromEntries([...dataLinks, ...valueLinks]) },
    after: [...new Set([...draft.step.after, ...draft.waitsFor])],
  };
}

/** The one upload goes to the Steps of the lowest order whatever it is called; all else is found by name. */
function dataLink(port: InputPort, draft: Draft, files: readonly JobInput[]): Link {
  const [upload, ...others] = files;
  if (draft.isFirst && requiredType(port.type).kind === 'File') {
    const named = files.find(({ name }) => name === port.name) ?? (others.length === 0 ? upload : undefined);
    if (named && requiredType(named.type).kind === 'File') return { kind: 'input', input: named.name };
  }
  const glob = draft.isFirst && files.length === 1 ? '*' : (port.glob ?? '*');
  return { kind: 'glob', glob, steps: draft.earlier, inputs: true };
}

function freeName(wanted: string, own: string, inputs: readonly JobInput[]): string {
  const isFree = (name: string): boolean => !inputs.some((input) => input.name === name);
  if (isFree(wanted)) return wanted;
  let name = own;
  for (let number = 2; !isFree(name); number += 1) name = `${own}-${number}`;
  return name;
}

function inputFor(port: InputPort | Parameter, name: string): JobInput {
  const { min, max, minLength, maxLength, allowed } = 'required' in port ? port : ({} as Partial<Parameter>);
  return {
    name,
    description: port.description,
    type: port.type,
    validators: [],
    ...(port.default === undefined ? {} : { default: port.default }),
    ...(min === undefined ? {} : { min }),
    ...(max === undefined ? {} : { max }),
    ...(minLength === undefined ? {} : { minLength }),
    ...(maxLength === undefined ? {} : { maxLength }),
    ...(allowed === undefined ? {} : { allowed }),
  };
}
