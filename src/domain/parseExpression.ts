/** The written form of expressions, from text to data. It tells references, templates and scripts apart. */
import { CONTEXT_NAMES, type Expression, type Reference, type Script } from './expression';
import { endOfScript } from './scanScript';

export type ParsedExpression =
  { readonly ok: true; readonly expression: Expression } | { readonly ok: false; readonly problem: ExpressionProblem };

/** What is wrong with an expression and how to mend it. */
export interface ExpressionProblem {
  readonly message: string;
  /** Where it is wrong, in characters from the start of the text. */
  readonly offset: number;
}

/** Characters of one written expression. */
export const MAX_EXPRESSION_LENGTH = 65_536;

/** A `$(` or `${` with the backslashes before it, which may make it text. */
const OPENING = /(?<!\\)(\\*)\$([({])/g;
const NAME = String.raw`[\p{L}\p{N}_]+`;
const STEP = String.raw`\.${NAME}|\[\d{1,15}\]|\['(?:[^'\\]|\\.)*'\]|\["(?:[^"\\]|\\.)*"\]`;
const REFERENCE = new RegExp(`^\\s*(${NAME})((?:${STEP})*)\\s*$`, 'u');

/** What a single name in a script may mean, beside the names of the context. */
const LANGUAGE_NAMES = new Set(
  (
    'null true false undefined NaN Infinity this globalThis Math Number String Boolean Array Object JSON Date RegExp Map ' +
    'Set BigInt Symbol Error parseInt parseFloat isNaN isFinite'
  ).split(' '),
);

/**
 * Text without `$(…)` and `${…}` is a literal. One of them alone, with spaces around it at most, has the value that it
 * computes; with text around it, or several, the result is a text. `\$(` is a plain `$(`.
 */
export function parseExpression(text: string): ParsedExpression {
  if (text.length > MAX_EXPRESSION_LENGTH) {
    const message = `The expression has ${text.length} characters, and at most ${MAX_EXPRESSION_LENGTH} are allowed. Move the work into a task.`;
    return { ok: false, problem: { message, offset: MAX_EXPRESSION_LENGTH } };
  }
  try {
    return { ok: true, expression: fromParts(partsOf(text)) };
  } catch (thrown) {
    if (!(thrown instanceof Fault)) throw thrown;
    return { ok: false, problem: { message: thrown.message, offset: thrown.offset } };
  }
}

/** Stops the parser; never leaves this file. */
class Fault extends Error {
  constructor(
    message: string,
    readonly offset: number,
  ) {
    super(message);
  }
}

type Part = string | Reference | Script;

function fromParts(parts: readonly Part[]): Expression {
  const computed = parts.filter((part) => typeof part !== 'string');
  const [only] = computed;
  if (!only) return { kind: 'literal', value: parts.filter((part) => typeof part === 'string').join('') };
  // Spaces around count as part of the text only where there is other text.
  const bare = parts.every((part) => typeof part !== 'string' || part.trim() === '');
  if (bare && computed.length === 1) return only;
  return { kind: 'template', parts };
}

function partsOf(text: string): Part[] {
  const parts: Part[] = [];
  let plain = '';
  let at = 0;
  OPENING.lastIndex = 0;
  for (let found = OPENING.exec(text); found; found = OPENING.exec(text)) {
    const [whole, slashes = '', bracket = ''] = found;
    plain += text.slice(at, found.index) + '\\'.repeat(Math.floor(slashes.length / 2));
    at = found.index + whole.length;
    if (slashes.length % 2 === 1) {
      plain += `$${bracket}`;
      continue;
    }
    const end = closing(text, at, bracket);
    if (plain !== '') parts.push(plain);
    plain = '';
    parts.push(computedPart(text.slice(at, end), bracket, at));
    at = end + 1;
    OPENING.lastIndex = at;
  }
  plain += text.slice(at);
  return plain === '' ? parts : [...parts, plain];
}

function closing(text: string, start: number, bracket: string): number {
  const scanned = endOfScript(text, start, bracket === '(' ? ')' : '}');
  if (scanned.ok) return scanned.end;
  const opening = `$${bracket}`;
  throw new Fault(
    scanned.unclosed === undefined
      ? `'${opening}' is never closed. Add the '${bracket === '(' ? ')' : '}'}' that belongs to it, or write '\\${opening}' for plain text.`
      : `${scanned.unclosed} Inside of '${opening}', brackets and quotes come in pairs.`,
    scanned.unclosed === undefined ? start - 2 : scanned.offset,
  );
}

function computedPart(source: string, bracket: string, offset: number): Reference | Script {
  if (source.trim() === '') {
    throw new Fault(
      bracket === '('
        ? `'$()' is empty. Name a value, such as '$(inputs.text)'.`
        : `'\${}' is empty. Write a function body, such as '\${ return inputs.text; }'.`,
      offset - 2,
    );
  }
  if (bracket === '{') {
    if (/\breturn\b/.test(source)) return { kind: 'script', form: 'body', source };
    throw new Fault(
      `'\${…}' is a function body, and this one returns nothing. Add a 'return', or write '$(…)' around a single expression.`,
      offset,
    );
  }
  return reference(source, offset) ?? { kind: 'script', form: 'expression', source };
}

function reference(source: string, offset: number): Reference | undefined {
  const [, root = '', steps = ''] = REFERENCE.exec(source) ?? [];
  if (root === '' || /^\d/.test(root)) return undefined;
  if (!(CONTEXT_NAMES as readonly string[]).includes(root)) {
    if (LANGUAGE_NAMES.has(root)) return undefined;
    const known = CONTEXT_NAMES.map((name) => `'${name}'`).join(', ');
    throw new Fault(
      `There is no '${root}' in an expression. Known are ${known}, and the inputs by their names: '$(inputs.${root})'.`,
      offset + source.indexOf(root),
    );
  }
  const path = [...steps.matchAll(new RegExp(STEP, 'gu'))].map(([step]) => key(step));
  return { kind: 'reference', path: [root, ...path] };
}

function key(step: string): string | number {
  if (step.startsWith('.')) return step.slice(1);
  const inner = step.slice(1, -1);
  return /^\d/.test(inner) ? Number(inner) : inner.slice(1, -1).replaceAll(/\\(.)/gs, '$1');
}
