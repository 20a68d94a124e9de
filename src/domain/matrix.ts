/** One Submission for each combination of values: what combinations a matrix has, and what to call each. */
import { canonicalJson } from './digest';
import { userError, type UserErrors } from './errors';
import { isDirectoryValue, isFileValue, type Value, type Values } from './values';

/** Values by input. */
export type Combination<T = unknown> = Readonly<Record<string, T>>;

export interface Matrix {
  /** Every value of one input goes with every value of the others. */
  readonly values: Readonly<Record<string, readonly unknown[]>>;
  /** Combinations beside these. */
  readonly include: readonly Combination[];
  /** A combination that has all the values of one of these is left out. */
  readonly exclude: readonly Combination[];
}

/** So many combinations are looked at, those that are excluded counted. */
export const MAX_PRODUCT = 100_000;

/**
 * The combinations, each once: the last input varies fastest, and what is included comes last. Throws UserErrors, with
 * fields below `values`, `include` and `exclude`, when a part has no meaning or there are more than `limit`.
 */
export function expandMatrix({ values, include, exclude }: Matrix, limit: number): Combination[] {
  const axes = Object.entries(values);
  for (const [name, list] of axes) {
    if (list.length === 0) throw wrong(`"${name}" has no values. Give at least one.`, 'values', name);
  }
  exclude.forEach((one, index) => {
    const strange = Object.keys(one).filter((name) => !(name in values));
    if (strange.length > 0 || Object.keys(one).length === 0) {
      const names = axes.map(([name]) => name).join(', ') || 'none';
      throw wrong(`An exclusion names one or more of the inputs with values: ${names}.`, 'exclude', String(index));
    }
  });
  const product = axes.length === 0 ? 0 : axes.reduce((count, [, list]) => count * list.length, 1);
  if (product > MAX_PRODUCT) throw tooMany(product, MAX_PRODUCT);

  const found = new Map<string, Combination>();
  for (let number = 0; number < product; number += 1) {
    const combination = combinationAt(axes, number);
    if (!exclude.some((one) => hasAll(combination, one))) found.set(canonicalJson(combination), combination);
    if (found.size > limit) throw tooMany(product, limit);
  }
  for (const one of include) found.set(canonicalJson(one), one);
  if (found.size > limit) throw tooMany(found.size, limit);
  if (found.size === 0) throw wrong('No combination is left. Give values, or exclude less.', 'values');
  return [...found.values()];
}

/** The inputs that any of the combinations names, in their order. */
export function matrixInputs(combinations: readonly Combination[]): string[] {
  return [...new Set(combinations.flatMap((one) => Object.keys(one)))];
}

const MAX_VALUE_TEXT = 40;
const MAX_LABEL = 200;

/** What people call a combination: `size=2, text=moby.txt`, behind words of the caller's own. At most 200 characters. */
export function combinationLabel(values: Values, inputs: readonly string[], words = ''): string {
  const label = inputs.map((name) => `${name}=${cut(textOf(values[name] ?? null), MAX_VALUE_TEXT)}`).join(', ');
  return cut(words === '' ? label : `${words}: ${label}`, MAX_LABEL);
}

function combinationAt(axes: readonly (readonly [string, readonly unknown[]])[], number: number): Combination {
  const entries: [string, unknown][] = [];
  let rest = number;
  for (const [name, list] of [...axes].reverse()) {
    entries.unshift([name, list[rest % list.length]]);
    rest = Math.floor(rest / list.length);
  }
  return Object.fromEntries(entries);
}

function hasAll(combination: Combination, part: Combination): boolean {
  return Object.entries(part).every(([name, value]) => canonicalJson(combination[name]) === canonicalJson(value));
}

function textOf(value: Value): string {
  if (isFileValue(value) || isDirectoryValue(value)) return value.name;
  if (Array.isArray(value)) return `[${value.map((item: Value) => textOf(item)).join(' ')}]`;
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** Characters, not halves of them. */
function cut(text: string, length: number): string {
  const characters = [...text];
  return characters.length <= length ? text : `${characters.slice(0, length - 1).join('')}…`;
}

const wrong = (message: string, ...field: string[]): UserErrors => userError('BAD_INPUT', message, field);

const tooMany = (count: number, limit: number): UserErrors =>
  userError('LIMIT_EXCEEDED', `The matrix has ${count} combinations; the limit is ${limit}.`, ['values']);
