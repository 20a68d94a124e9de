/** How the type of a port is written: `File`, `int?`, `string[]`, `{enum: [a, b]}`, `{array: …}`, `{record: {…}}`, a list. */
import { z } from 'zod';
import { NAME_PATTERN } from '../../domain/definitions';
import { messageOf } from '../../domain/errors';
import { optionalType, scalar } from '../../domain/values';
import type { RecordField, ScalarTypeName, ValueType } from '../../domain/values';
import { nearest } from '../../domain/nearest';
import { isPlainObject, passOn } from './form';

export const TYPE_NAMES: readonly ScalarTypeName[] = [
  'null',
  'boolean',
  'int',
  'long',
  'float',
  'double',
  'string',
  'File',
  'Directory',
  'Any',
];

/** An enum with more symbols than this is data, not a choice. */
const MAX_SYMBOLS = 500;

/** What people write who think of another language. */
const OTHER_WORDS: Readonly<Record<string, ScalarTypeName>> = {
  bool: 'boolean',
  integer: 'int',
  number: 'float',
  real: 'double',
  str: 'string',
  text: 'string',
  file: 'File',
  path: 'File',
  dir: 'Directory',
  folder: 'Directory',
  any: 'Any',
};

export const typeForm: z.ZodType<ValueType> = z.unknown().transform((value, context): ValueType => {
  try {
    return typeOf(value, []);
  } catch (thrown) {
    if (!(thrown instanceof TypeProblem)) throw thrown;
    context.addIssue({ code: 'custom', message: messageOf(thrown), path: thrown.path, params: { hint: thrown.hint } });
    return z.NEVER;
  }
});

export const symbolsForm: z.ZodType<ValueType> = z.unknown().transform((value, context): ValueType => {
  const result = typeForm.safeParse({ enum: value });
  if (result.success) return result.data;
  return passOn(context, result.error, (path) => path.slice(1));
});

class TypeProblem extends Error {
  constructor(
    message: string,
    readonly hint: string,
    readonly path: (string | number)[],
  ) {
    super(message);
  }
}

function typeOf(value: unknown, path: (string | number)[]): ValueType {
  if (typeof value === 'string') return typeOfText(value, path);
  if (value === null) return scalar('null');
  if (Array.isArray(value)) return unionOf(value, path);
  if (!isPlainObject(value)) throw new TypeProblem('is not a type', TYPE_HINT, path);
  const [key, ...others] = Object.keys(value);
  if (key === undefined || others.length > 0) throw new TypeProblem('is not a type', TYPE_HINT, path);
  const inner = value[key];
  switch (key) {
    case 'enum':
      return enumOf(inner, [...path, key]);
    case 'array':
      return { kind: 'array', items: typeOf(inner, [...path, key]) };
    case 'record':
      return recordOf(inner, [...path, key]);
    default:
      throw new TypeProblem(`unknown kind of type '${key}'`, 'A type in braces is enum, array or record.', path);
  }
}

const TYPE_HINT =
  'Write a type such as File, int?, string[], {enum: [a, b]}, {array: File}, {record: {name: string}}, or a list of types.';

function typeOfText(text: string, path: (string | number)[]): ValueType {
  const written = text.trim();
  if (written.endsWith('?')) return optionalType(typeOfText(written.slice(0, -1), path));
  if (written.endsWith('[]')) return { kind: 'array', items: typeOfText(written.slice(0, -2), path) };
  const name = TYPE_NAMES.find((candidate) => candidate === written);
  if (name) return scalar(name);
  const meant = OTHER_WORDS[written.toLowerCase()] ?? nearest(written, TYPE_NAMES);
  const hint = meant ? `Did you mean ${meant}? ` : '';
  throw new TypeProblem(`unknown type '${text}'`, `${hint}Types are ${TYPE_NAMES.join(', ')}; add ? or [].`, path);
}

function unionOf(members: readonly unknown[], path: (string | number)[]): ValueType {
  const types = members.map((member, index) => typeOf(member, [...path, index]));
  const [first, ...others] = types;
  if (!first) throw new TypeProblem('an empty list of types', TYPE_HINT, path);
  return others.length === 0 ? first : { kind: 'union', types };
}

function enumOf(value: unknown, path: (string | number)[]): ValueType {
  const hint = 'Write a list of different texts, such as {enum: [small, large]}; quote what YAML reads as a number.';
  if (!Array.isArray(value) || value.length === 0 || value.length > MAX_SYMBOLS) {
    throw new TypeProblem(`an enum needs a list of 1 to ${MAX_SYMBOLS} symbols`, hint, path);
  }
  const symbols = value.map((symbol: unknown, index) => {
    if (typeof symbol === 'string' && symbol !== '') return symbol;
    throw new TypeProblem(`the symbol ${JSON.stringify(symbol)} is not a text`, hint, [...path, index]);
  });
  const twice = symbols.find((symbol, index) => symbols.indexOf(symbol) !== index);
  if (twice !== undefined) throw new TypeProblem(`the symbol '${twice}' stands twice`, hint, path);
  return { kind: 'enum', symbols };
}

function recordOf(value: unknown, path: (string | number)[]): ValueType {
  if (!isPlainObject(value) || Object.keys(value).length === 0) {
    throw new TypeProblem('a record needs fields', 'Write {record: {name: string, size: int?}}.', path);
  }
  const fields = Object.entries(value).map(([name, type]): RecordField => {
    if (NAME_PATTERN.test(name)) return { name, type: typeOf(type, [...path, name]) };
    throw new TypeProblem(`'${name}' is not a name for a field`, 'A letter, then letters, digits, - or _.', path);
  });
  return { kind: 'record', fields };
}
