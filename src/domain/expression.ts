/**
 * Expressions: values that are computed between steps. As data they are plain JSON, part of a definition. References and
 * templates of references are read here, in one pass over the data; scripts run in the sandbox (`src/expressions`).
 */
import { StepcastError } from './errors';
import { isDirectoryValue, isFileValue, type DirectoryValue, type FileValue, type Value, type Values } from './values';

/** A path into the context: `$(inputs.reads[0].name)` is `['inputs', 'reads', 0, 'name']`. */
export interface Reference {
  readonly kind: 'reference';
  readonly path: readonly (string | number)[];
}

/** JavaScript: `$( expression )`, or the body of a function that returns the value, `${ body }`. */
export interface Script {
  readonly kind: 'script';
  readonly form: 'expression' | 'body';
  /** What stands between the brackets, without them. */
  readonly source: string;
}

/** Text with values in it; a part that is a string is text as it stands. */
export interface Template {
  readonly kind: 'template';
  readonly parts: readonly (string | Reference | Script)[];
}

export type Expression = { readonly kind: 'literal'; readonly value: Value } | Reference | Template | Script;

/** An expression that needs no engine. */
export type PlainExpression =
  | Extract<Expression, { kind: 'literal' }>
  | Reference
  | { readonly kind: 'template'; readonly parts: readonly (string | Reference)[] };

/** What an expression sees, each by its name. What is not given is null. */
export interface ExpressionContext {
  /** The inputs of the step, or of the job where there is no step. */
  readonly inputs: Values;
  /** The value that is being transformed, as for one input. */
  readonly self?: Value;
  /** What is known about the step. */
  readonly step?: Values;
  /** What is known about where the step runs. */
  readonly runtime?: Values;
}

/** The names that every expression knows. */
export const CONTEXT_NAMES = ['inputs', 'self', 'step', 'runtime'] as const;

/** The scripts in an expression, in order. */
export function scriptsIn(expression: Expression): readonly Script[] {
  if (expression.kind === 'script') return [expression];
  if (expression.kind !== 'template') return [];
  return expression.parts.filter((part) => typeof part !== 'string' && part.kind === 'script');
}

/** The references in an expression, in order: what a definition can be checked against. Scripts are not looked into. */
export function referencesIn(expression: Expression): readonly Reference[] {
  if (expression.kind === 'reference') return [expression];
  if (expression.kind !== 'template') return [];
  return expression.parts.filter((part) => typeof part !== 'string' && part.kind === 'reference');
}

/** Whether the expression reads the input of this name; of a script, whether it may. */
export function mayReadInput(expression: Expression, name: string): boolean {
  return (
    referencesIn(expression).some(({ path }) => path[0] === 'inputs' && path[1] === name) ||
    scriptsIn(expression).some(({ source }) => source.includes(name))
  );
}

/** True when `evaluatePlain` can evaluate it. */
export function isPlain(expression: Expression): expression is PlainExpression {
  return scriptsIn(expression).length === 0;
}

/**
 * The value of an expression without scripts. A template gives at most so many characters, else LIMIT_EXCEEDED.
 */
export function evaluatePlain(expression: PlainExpression, context: ExpressionContext, maxCharacters: number): Value {
  switch (expression.kind) {
    case 'literal':
      return expression.value;
    case 'reference':
      return readReference(expression.path, context);
    case 'template':
      return fillTemplate(expression, context, [], maxCharacters);
  }
}

/** The text of a template. `scriptValues` are those of its scripts, in order. */
export function fillTemplate(
  template: Template,
  context: ExpressionContext,
  scriptValues: readonly Value[],
  maxCharacters: number,
): string {
  const waiting = [...scriptValues];
  let text = '';
  for (const part of template.parts) {
    text += textOf(part, context, waiting);
    if (text.length > maxCharacters) {
      throw new StepcastError(
        'LIMIT_EXCEEDED',
        `The text of the expression has more than ${maxCharacters} characters. Put less data into it.`,
      );
    }
  }
  return text;
}

/** The value at a path. What is not there is null, at whatever point the path ends. */
export function readReference(path: Reference['path'], context: ExpressionContext): Value {
  let value: unknown = context;
  for (const key of path) value = fieldOf(value, key);
  return (value ?? null) as Value;
}

/** What expressions may ask of a File or Directory beside its own fields, all taken from its name. */
export function nameParts(file: FileValue | DirectoryValue): Readonly<Record<string, string>> {
  const dot = file.name.lastIndexOf('.');
  const rootEnd = dot > 0 ? dot : file.name.length;
  return { basename: file.name, nameroot: file.name.slice(0, rootEnd), nameext: file.name.slice(rootEnd) };
}

function textOf(part: Template['parts'][number], context: ExpressionContext, scriptValues: Value[]): string {
  if (typeof part === 'string') return part;
  const value = part.kind === 'reference' ? readReference(part.path, context) : (scriptValues.shift() ?? null);
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function fieldOf(value: unknown, key: string | number): unknown {
  if (value === null || value === undefined) return null;
  if (key === 'length' && (Array.isArray(value) || typeof value === 'string')) return value.length;
  if (typeof value !== 'object') return null;
  if (Object.hasOwn(value, key)) return (value as Readonly<Record<string | number, unknown>>)[key];
  return isFileValue(value) || isDirectoryValue(value) ? (nameParts(value)[key] ?? null) : null;
}
