/**
 * Takes an SQL text apart: its statements, and the variables (`$name`) in them. What stands in strings, quoted names and
 * comments is passed over. Pure.
 */

/** How the engines differ in what they quote. */
export type Dialect = 'duckdb' | 'spark';

export interface Statement {
  /** As written, without the semicolon; empty lines in front keep the engine's line numbers those of the whole text. */
  readonly text: string;
  /** The line of its first word, from 1. */
  readonly line: number;
  /** Where variables stand in `text`. */
  readonly variables: readonly VariableUse[];
}

export interface VariableUse {
  readonly name: string;
  readonly start: number;
  readonly end: number;
}

/** A query has at most so many statements; what stands behind them is not looked at. */
export const MAX_STATEMENTS = 1000;

/** Only statements of which something is left without comments; one more than a query may have for one that has too many. */
export function splitStatements(sql: string, dialect: Dialect): Statement[] {
  const statements: Statement[] = [];
  let start = 0;
  let linesBefore = 0;
  let firstWord = -1;
  let variables: VariableUse[] = [];

  const close = (end: number): void => {
    if (firstWord >= 0) statements.push(statementOf(sql, { start, end, firstWord, linesBefore }, variables));
    linesBefore += linesIn(sql.slice(start, end + 1));
    start = end + 1;
    firstWord = -1;
    variables = [];
  };
  let at = 0;
  while (at < sql.length && statements.length <= MAX_STATEMENTS) {
    const blank = blankEnd(sql, at);
    if (blank > at) {
      at = blank;
    } else if (sql[at] === ';') {
      close(at);
      at += 1;
    } else {
      if (firstWord < 0) firstWord = at;
      const variable = variableAt(sql, at);
      if (variable) variables.push(variable);
      at = variable?.end ?? wordEnd(sql, at, dialect);
    }
  }
  if (statements.length <= MAX_STATEMENTS) close(sql.length);
  return statements;
}

/** The text with other words in the place of its variables. */
export function replaceVariables({ text, variables }: Statement, replacement: (name: string) => string): string {
  let result = '';
  let at = 0;
  for (const { name, start, end } of variables) {
    result += text.slice(at, start) + replacement(name);
    at = end;
  }
  return result + text.slice(at);
}

interface Place {
  readonly start: number;
  readonly end: number;
  readonly firstWord: number;
  readonly linesBefore: number;
}

function statementOf(
  sql: string,
  { start, end, firstWord, linesBefore }: Place,
  uses: readonly VariableUse[],
): Statement {
  const shift = linesBefore - start;
  return {
    text: '\n'.repeat(linesBefore) + sql.slice(start, end),
    line: linesBefore + linesIn(sql.slice(start, firstWord)) + 1,
    variables: uses.map(({ name, start: from, end: to }) => ({ name, start: from + shift, end: to + shift })),
  };
}

const linesIn = (text: string): number => text.split('\n').length - 1;

/** Behind white space or a comment that begins here; `at` when there is none. */
function blankEnd(sql: string, at: number): number {
  if (/\s/.test(sql[at] ?? '')) return at + 1;
  if (sql.startsWith('--', at)) return endOr(sql.indexOf('\n', at), sql);
  if (!sql.startsWith('/*', at)) return at;
  const marks = /\/\*|\*\//g;
  marks.lastIndex = at;
  let depth = 0;
  for (let mark = marks.exec(sql); mark; mark = marks.exec(sql)) {
    depth += mark[0] === '/*' ? 1 : -1;
    if (depth === 0) return marks.lastIndex;
  }
  return sql.length;
}

const WORD = /[\p{L}_][\p{L}\p{N}_$]*/uy;
const VARIABLE = /\$([A-Za-z_][A-Za-z0-9_]*)/y;
const DOLLAR_QUOTE = /\$(?:[A-Za-z_][A-Za-z0-9_]*)?\$/y;

function variableAt(sql: string, at: number): VariableUse | undefined {
  if (matchAt(DOLLAR_QUOTE, sql, at)) return undefined;
  const name = matchAt(VARIABLE, sql, at)?.[1];
  return name === undefined ? undefined : { name, start: at, end: at + name.length + 1 };
}

/** Behind the string, quoted name, word or sign that begins here. */
function wordEnd(sql: string, at: number, dialect: Dialect): number {
  const sign = sql[at] ?? '';
  const next = sql[at + 1];
  const spark = dialect === 'spark';
  if (!spark && /[eE]/.test(sign) && next === "'") return quotedEnd(sql, at + 1, true);
  if (spark && /[rR]/.test(sign) && (next === "'" || next === '"')) return quotedEnd(sql, at + 1, false);
  if (sign === "'" || sign === '"') return quotedEnd(sql, at, spark);
  if (sign === '`' && spark) return quotedEnd(sql, at, false);
  const tag = spark ? undefined : matchAt(DOLLAR_QUOTE, sql, at)?.[0];
  if (tag !== undefined) {
    const end = sql.indexOf(tag, at + tag.length);
    return end < 0 ? sql.length : end + tag.length;
  }
  return at + (matchAt(WORD, sql, at)?.[0].length ?? 1);
}

/** Behind the closing quote; one that is doubled, or escaped where `backslash` escapes, closes nothing. */
function quotedEnd(sql: string, open: number, backslash: boolean): number {
  const quote = sql[open];
  for (let at = open + 1; at < sql.length; at += 1) {
    if (backslash && sql[at] === '\\') at += 1;
    else if (sql[at] === quote && sql[at + 1] === quote) at += 1;
    else if (sql[at] === quote) return at + 1;
  }
  return sql.length;
}

function matchAt(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at;
  return pattern.exec(text);
}

const endOr = (found: number, sql: string): number => (found < 0 ? sql.length : found);
