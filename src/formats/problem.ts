/** What is wrong in a definition, in the words of the person who writes it. */
import type { z } from 'zod';
import { suggestion } from '../domain/nearest';

export type Path = readonly (string | number)[];

/** A problem before it has a place in a file. */
export interface FormProblem {
  readonly path: Path;
  /** What is wrong. */
  readonly message: string;
  /** What would be right. */
  readonly hint: string;
  /** It is the key at the end of the path that is wrong, not its value. */
  readonly isKey?: boolean;
}

/** One thing to mend. Lines and columns count from 1; the GraphQL door has neither, they are 0. */
export interface Problem extends FormProblem {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** `file:line:column: message. hint`, as editors and terminals link it. */
export function formatProblem(problem: Problem): string {
  const place = problem.line > 0 ? `${problem.file}:${problem.line}:${problem.column}` : problem.file;
  return `${place}: ${problem.message}. ${problem.hint}`.trimEnd();
}

/** A reporter that collects problems below one path. */
export interface Report {
  readonly problems: readonly FormProblem[];
  add(path: Path, message: string, hint: string, options?: { isKey?: boolean }): void;
}

export function newReport(): Report {
  const problems: FormProblem[] = [];
  return { problems, add: (path, message, hint, options) => void problems.push({ path, message, hint, ...options }) };
}

/** A definition with more faults than this tells the first ones. */
const MAX_PROBLEMS = 50;

/** The findings of a schema, one problem per fault. */
export function problemsOf(error: z.ZodError): FormProblem[] {
  return error.issues.flatMap(problemsOfIssue).slice(0, MAX_PROBLEMS);
}

function problemsOfIssue(issue: z.core.$ZodIssue): FormProblem[] {
  const path = issue.path.map((part) => (typeof part === 'symbol' ? String(part) : part));
  const at = path.at(-1);
  const subject = at === undefined || typeof at === 'number' ? 'this' : `'${at}'`;
  switch (issue.code) {
    case 'unrecognized_keys':
      // `form` puts the known keys in the place of the message.
      return issue.keys.map((key) => ({
        path: [...path, key],
        message: `unknown key '${key}'`,
        hint: suggestion(key, issue.message.split(' '), 'keys'),
        isKey: true,
      }));
    case 'invalid_type':
      return [typeProblem(issue, path, subject)];
    case 'invalid_value': {
      const values = issue.values.map(String);
      const hint = values.length === 1 ? `Write ${values.join('')}.` : suggestion('', values, 'values');
      return [{ path, message: `${subject} is not one of the values it may have`, hint }];
    }
    case 'invalid_key': {
      const [first] = issue.issues;
      return [{ path, message: `${subject} ${first?.message ?? 'is not a name'}`, hint: 'Choose another name.' }];
    }
    case 'too_small':
      return [{ path, message: `${subject} is too small or too short`, hint: `At least ${String(issue.minimum)}.` }];
    case 'too_big':
      return [{ path, message: `${subject} is too large or too long`, hint: `At most ${String(issue.maximum)}.` }];
    case 'invalid_union':
      return [unionProblem(issue, path, subject)];
    case 'custom': {
      const hint = typeof issue.params?.hint === 'string' ? issue.params.hint : '';
      return [{ path, message: `${subject}: ${issue.message}`, hint }];
    }
    case 'invalid_format':
      return [{ path, message: `${subject} ${issue.message}`, hint: FORMAT_HINTS[issue.message] ?? '' }];
    default:
      return [{ path, message: `${subject}: ${issue.message}`, hint: '' }];
  }
}

const FORMAT_HINTS: Readonly<Record<string, string>> = {
  'is not a link': 'Write the name of an input, or step.output, or {value: …}.',
  'is not step.output': 'Write the name of a step, a dot, and the name of its output.',
};

type IssueOf<Code> = Extract<z.core.$ZodIssue, { code: Code }>;

function typeProblem(issue: IssueOf<'invalid_type'>, path: Path, subject: string): FormProblem {
  const expected = WORDS[issue.expected] ?? issue.expected;
  if (/received undefined$/.test(issue.message)) {
    return { path, message: `${subject} is missing`, hint: `Add it: ${expected}.` };
  }
  return {
    path,
    message: `${subject} is not ${expected}`,
    hint: `Write ${expected}.${QUOTE_HINTS[issue.expected] ?? ''}`,
  };
}

function unionProblem(issue: IssueOf<'invalid_union'>, path: Path, subject: string): FormProblem {
  const expected = issue.errors
    .flat()
    .flatMap((inner) => ('expected' in inner ? [WORDS[inner.expected] ?? inner.expected] : []));
  const words = [...new Set(expected)].join(' or ');
  return { path, message: `${subject} is not ${words}`, hint: `Write ${words}.` };
}

const WORDS: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a map of keys',
  record: 'a map of names',
  null: 'nothing',
};

const QUOTE_HINTS: Readonly<Record<string, string>> = { string: " Quote what YAML reads as something else: '3'." };
