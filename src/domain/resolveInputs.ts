/** From links to values: what a Step gets, and what a Job gives. Pure. */
import picomatch from 'picomatch';
import { nodesOf, type JobPlan, type PlainPlanLink, type PlanLink, type PlanNode, type PlanSource } from './compileJob';
import type { Pick } from './definitions';
import { checkValue } from './typing';
import { filesIn, requiredType, type FileValue, type Value, type Values, type ValueType } from './values';

/** One value of a scope (a Submission, or a run of a nested Job) that links ask for. */
export type SourceRef =
  | PlanSource
  /** All outputs of a node, by port; for globs. */
  | { readonly kind: 'outputs'; readonly node: number }
  /** All inputs of the scope, by name; for globs. */
  | { readonly kind: 'inputs' };

/** Looks a value up; undefined or null when there is none (yet, or the Step was skipped). */
export type Lookup = (ref: SourceRef) => Value | undefined;

/** Distinguishes the values of one scope. */
export function refKey(ref: SourceRef): string {
  switch (ref.kind) {
    case 'input':
      return `input ${ref.input}`;
    case 'output':
      return `output ${ref.node} ${ref.port}`;
    case 'outputs':
      return `outputs ${ref.node}`;
    case 'inputs':
      return 'inputs';
  }
}

/** Everything that the links ask for, each once. */
export function refsOf(links: readonly PlanLink[]): SourceRef[] {
  const refs = links.flatMap(refsOfLink);
  return [...new Map(refs.map((ref) => [refKey(ref), ref])).values()];
}

function refsOfLink(link: PlanLink): SourceRef[] {
  switch (link.kind) {
    case 'input':
    case 'output':
      return [link];
    case 'merge':
      return [...link.sources];
    case 'glob':
      return [
        ...nodesOf(link).map((node): SourceRef => ({ kind: 'outputs', node })),
        ...(link.inputs ? [{ kind: 'inputs' } as const] : []),
      ];
    case 'expression':
      return link.source ? refsOfLink(link.source) : [];
    case 'value':
      return [];
  }
}

export interface Resolved {
  readonly values: Values;
  readonly problems: readonly string[];
}

/**
 * What the links of a node give, defaults filled in; of an expression, what it computes from. A glob takes the files of
 * the latest Step first: one File takes the first match, File[] all of them in order.
 */
export function linkedValues(node: PlanNode, lookup: Lookup): Resolved {
  const problems: string[] = [];
  const values = [...node.ports, ...node.extras].map((port): [string, Value] => {
    const link = node.links[port.name];
    const found = link ? follow(plainOf(link), port.type, lookup) : null;
    if (found instanceof Refused) {
      problems.push(`Input "${port.name}" of step "${node.name}": ${found.reason}.`);
      return [port.name, null];
    }
    // An expression decides for itself what nothing means; a list has the default at each of its places.
    const open = link?.kind === 'expression' || node.scatter?.ports.includes(port.name) === true;
    return [port.name, found ?? (open ? null : (port.default ?? null))];
  });
  return { values: Object.fromEntries(values), problems };
}

/** The values that a node runs on: defaults for what is null, and what is wrong with any of them. */
export function checkedInputs(node: PlanNode, given: Values): Resolved {
  const problems: string[] = [];
  const values = node.ports.map((port): [string, Value] => {
    const { name, type } = port;
    const value = given[name] ?? port.default ?? null;
    if (value === null) {
      if (port.required)
        problems.push(`Input "${name}" of step "${node.name}" has no value${because(node.links[name])}.`);
      return [name, null];
    }
    const reasons = checkValue(type, port, value);
    problems.push(...reasons.map((reason) => `Input "${name}" of step "${node.name}": ${reason}.`));
    return [name, value];
  });
  return { values: Object.fromEntries(values), problems };
}

/** The Job's outputs from those of its Steps; a missing or skipped one is null. */
export function jobOutputs(plan: JobPlan, lookup: Lookup): Resolved {
  const problems: string[] = [];
  const values = plan.outputs.map(({ name, link }): [string, Value] => {
    const found = follow(link, { kind: 'Any' }, lookup);
    if (!(found instanceof Refused)) return [name, found];
    problems.push(`Output "${name}": ${found.reason}.`);
    return [name, null];
  });
  return { values: Object.fromEntries(values), problems };
}

const plainOf = (link: PlanLink): PlainPlanLink =>
  link.kind === 'expression' ? (link.source ?? { kind: 'value', value: null }) : link;

/** Values that cannot become one. */
class Refused {
  constructor(readonly reason: string) {}
}

function follow(link: PlainPlanLink, type: ValueType, lookup: Lookup): Value | Refused {
  switch (link.kind) {
    case 'value':
      return link.value;
    case 'input':
    case 'output':
      return lookup(link) ?? null;
    case 'merge':
      return merged(
        link.sources.map((source) => lookup(source) ?? null),
        link.how,
        link.pick,
      );
    case 'glob': {
      const files = globbed(link, lookup);
      return requiredType(type).kind === 'array' ? (files.length > 0 ? files : null) : (files[0] ?? null);
    }
  }
}

/** Several values as one; the rules are those of CWL v1.2's linkMerge and pickValue. */
function merged(values: readonly Value[], how: 'nested' | 'flat', pick: Pick | undefined): Value | Refused {
  const list = how === 'flat' ? values.flatMap((value): readonly Value[] => (isList(value) ? value : [value])) : values;
  if (pick === undefined) return list;
  const present = list.filter((value) => value !== null);
  const [first] = present;
  switch (pick) {
    case 'all':
      return present;
    case 'first':
      return first ?? new Refused('every source is null, and the first that is not was asked for');
    case 'only':
      if (first === undefined) return new Refused('every source is null, and the only one that is not was asked for');
      return present.length === 1 ? first : new Refused(`${present.length} sources have a value, and only one may`);
  }
}

const isList = (value: Value): value is readonly Value[] => Array.isArray(value);

function globbed(link: Extract<PlanLink, { kind: 'glob' }>, lookup: Lookup): FileValue[] {
  const matches = picomatch(link.glob, { dot: true });
  const latestFirst = [...link.nodes].reverse().map((node) => lookup({ kind: 'outputs', node }) ?? {});
  const sources = link.inputs ? [...latestFirst, lookup({ kind: 'inputs' }) ?? {}] : latestFirst;
  return sources.flatMap((source) => filesIn(source)).filter((file) => matches(file.name));
}

function because(link: PlanLink | undefined): string {
  switch (link?.kind) {
    case 'glob':
      return `: no earlier file matches ${JSON.stringify(link.glob)}`;
    case 'output':
      return `: output "${link.port}" was not produced`;
    case 'input':
      return `: the submission gave no "${link.input}"`;
    case 'merge':
      return ': none of its sources has one';
    case 'expression':
      return ': its expression gave null';
    case 'value':
    case undefined:
      return '';
  }
}
