import { isUtf8 } from 'node:buffer';
import Ajv, { type ErrorObject, type Options, type ValidateFunction } from 'ajv';
import Ajv2019 from 'ajv/dist/2019';
import Ajv2020 from 'ajv/dist/2020';
import addFormats from 'ajv-formats';
import { formatBytes } from '../artifacts/formatBytes';
import { messageOf, StepcastError } from '../domain/errors';
import { compilePattern } from '../domain/pattern';
import { createByteReader } from './byteReader';
import { Rejection, shown, type SpecOf, type Validator } from './validator';

/** A schema needs the whole document at once. */
export const MAX_JSON_BYTES = 16 * 1024 * 1024;

/** One JSON document in UTF-8, at most MAX_JSON_BYTES, that fulfils the JSON Schema (draft 7, 2019-09 or 2020-12). */
export const json: Validator<SpecOf<'json'>> = async ({ schema }, { file, open }) => {
  const isValid = compiled(schema);
  const tooLarge = new Rejection(
    `The JSON document has more than ${formatBytes(MAX_JSON_BYTES)}, which is the most that can be checked.`,
  );
  if (file.size > MAX_JSON_BYTES) throw tooLarge;
  const bytes = await createByteReader(open()).takeUpTo(MAX_JSON_BYTES + 1);
  if (bytes.length > MAX_JSON_BYTES) throw tooLarge;
  if (!isUtf8(bytes)) throw new Rejection('The JSON document is not in UTF-8; save it as UTF-8.');
  const document = parsed(bytes.toString('utf8').replace(/^\uFEFF/, ''));
  if (!accepts(isValid, document)) throw new Rejection(reasonOf(isValid.errors?.[0]));
};

function accepts(isValid: ValidateFunction, document: unknown): boolean {
  try {
    return isValid(document);
  } catch (error) {
    if ((error as Error).name !== 'RangeError') throw error;
    throw new Rejection('The JSON document is nested too deeply to be checked.');
  }
}

function parsed(text: string): unknown {
  if (text.trim() === '') throw new Rejection('The file is empty; a JSON document is needed.');
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    const message = messageOf(error);
    const position = /position (\d+)/.exec(message)?.[1];
    const what = message
      .replace(/ (in|after) JSON at position.*$/s, '')
      .replace(/, (\.\.\.)?".*is not valid JSON$/s, '');
    const near = /, (?:\.\.\.)?"(.*)"(?:\.\.\.)? is not valid JSON$/s.exec(message)?.[1];
    // For a wrong token V8 shows the text around it, and no position.
    if (near !== undefined) throw new Rejection(`The file is not JSON: ${what} near ${shown(near)}.`);
    const before = text.slice(0, position === undefined ? text.length : Number(position));
    const line = before.split('\n').length;
    const column = before.length - before.lastIndexOf('\n');
    throw new Rejection(`The file is not JSON: line ${line}, column ${column}: ${what}.`);
  }
}

/** Compiled schemas of the definitions in use; each definition is one object. */
const SCHEMAS = new WeakMap<object, ValidateFunction>();

function compiled(schema: SpecOf<'json'>['schema']): ValidateFunction {
  if (typeof schema === 'boolean') return compile(schema);
  const known = SCHEMAS.get(schema);
  if (known) return known;
  const fresh = compile(schema);
  SCHEMAS.set(schema, fresh);
  return fresh;
}

function compile(schema: SpecOf<'json'>['schema']): ValidateFunction {
  const named = typeof schema === 'boolean' ? undefined : schema['$schema'];
  const dialect = typeof named === 'string' ? named : '';
  const options: Options = { strict: false, allErrors: false, logger: false, code: { regExp: linearRegExp } };
  try {
    const ajv = dialect.includes('2020-12')
      ? new Ajv2020(options)
      : dialect.includes('2019-09')
        ? new Ajv2019(options)
        : new Ajv(options);
    addFormats(ajv);
    return ajv.compile(schema);
  } catch (error) {
    throw new StepcastError(
      'INVALID_DEFINITION',
      `The JSON schema of the validator cannot be used: ${messageOf(error)}`,
      { cause: error },
    );
  }
}

/** The schema's patterns meet data: they run in linear time, too. */
const linearRegExp = Object.assign(
  (pattern: string, flags: string) => ({ test: compilePattern(pattern, flags) }),
  // Names the engine in stand-alone code, which we never ask for.
  { code: 'linearRegExp' },
);

function reasonOf(error: ErrorObject | undefined): string {
  if (error === undefined) return 'The JSON document does not fulfil the schema.';
  const place = error.instancePath === '' ? 'The document' : `At ${error.instancePath.slice(0, 200)}: the value`;
  return `${place} ${error.message ?? 'does not fulfil the schema'}${detailOf(error)}.`;
}

/** What the library's sentence leaves out. */
function detailOf({ keyword, params }: ErrorObject): string {
  const given = params as Readonly<Record<string, unknown>>;
  switch (keyword) {
    case 'enum':
      return `: ${JSON.stringify(given['allowedValues']).slice(0, 200)}`;
    case 'const':
      return `: ${JSON.stringify(given['allowedValue']).slice(0, 200)}`;
    case 'additionalProperties':
    case 'unevaluatedProperties':
      return `, but has ${shown(String(given['additionalProperty'] ?? given['unevaluatedProperty']))}`;
    default:
      return '';
  }
}
