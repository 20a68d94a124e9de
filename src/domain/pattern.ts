/**
 * Regular expressions that definers write and data meets. They run on RE2's engine, in time linear in the text: no
 * pattern and no data can make one hang. What needs back-tracking (look-around, back-references) is refused.
 */
import { RE2JS, RE2JSException } from 're2js';
import { StepcastError } from './errors';

/** True when the text contains a match. */
export type Pattern = (text: string) => boolean;

const FLAGS: Readonly<Record<string, number>> = {
  i: RE2JS.CASE_INSENSITIVE,
  m: RE2JS.MULTILINE,
  s: RE2JS.DOTALL,
  // Always so here, or without a meaning for a yes or no.
  u: 0,
  g: 0,
};

/** Compiles a pattern with the flags `i`, `m`, `s`, `u`, `g`. Throws INVALID_DEFINITION that says what is wrong with it. */
export function compilePattern(pattern: string, flags = ''): Pattern {
  let bits = 0;
  for (const flag of flags) {
    const bit = FLAGS[flag];
    if (bit === undefined) {
      throw new StepcastError(
        'INVALID_DEFINITION',
        `Unknown flag "${flag}" of the pattern ${pattern}. Known are i, m, s, u and g.`,
      );
    }
    bits |= bit;
  }
  try {
    const compiled = RE2JS.compile(RE2JS.translateRegExp(pattern), bits);
    return (text) => compiled.test(text);
  } catch (error) {
    if (!(error instanceof RE2JSException)) throw error;
    const hint = /\(\?<?[=!]|\\[1-9]/.test(pattern) ? ' Look-around and back-references are not supported.' : '';
    throw new StepcastError('INVALID_DEFINITION', `The pattern ${pattern} cannot be used: ${error.message}.${hint}`, {
      cause: error,
    });
  }
}
