/** R. Values cross as R's own source text, exactly, so that no package is needed. */
import { requiredType, type ValueType } from '../../domain/values';
import { LARGE_PAGES, type Language, type Native, type ScriptRequest } from './language';
import { fieldOf, itemsOf, shapeOf, type Shape } from './shape';

export const R: Language = {
  title: 'R',
  extension: '.R',
  sourceName: (name) => name,
  sourceText: (source) => source,
  interpreters: ['Rscript'],
  install: 'apt-get install r-base-core, or name another by `interpreter`',
  versionArguments: ['--version'],
  version: (printed) => /version (\S+)/.exec(printed)?.[1],
  libraryVariable: 'R_LIBS',
  waitingVariables: LARGE_PAGES,
  driver: 'r.R',
  // Given as a file, R would read the driver a line at a time, which takes longer than all else.
  arguments: (driver, request, preload) => [
    ...['-e', `eval(parse(${text(driver)}, keep.source = FALSE, encoding = "UTF-8"))`],
    ...(request === null ? ['--wait', ...preload] : [request]),
  ],
  encode,
};

/** Numbers on one line of the text; longer lines are slow to read. */
const ITEMS_PER_LINE = 100;

function encode({ inputs, outputs, paths, environment, ...rest }: ScriptRequest): string {
  const plain = Object.entries(rest).map(([name, value]) => `${name} = ${text(value)}`);
  return `${call('list', [
    ...plain,
    `inputs = ${call(
      'list',
      inputs.map(({ name, variable, table, value, type }) =>
        call('list', [
          `name = ${text(name)}`,
          `variable = ${text(variable)}`,
          `table = ${table ? 'TRUE' : 'FALSE'}`,
          `value = ${literal(value, type)}`,
        ]),
      ),
    )}`,
    `outputs = ${call(
      'list',
      outputs.map(({ name, variable, format, file, type }) =>
        call('list', [
          ...Object.entries({ name, variable, format, file }).map(([key, value]) => `${key} = ${text(value)}`),
          `shape = ${shape(shapeOf(type))}`,
        ]),
      ),
    )}`,
    `paths = ${record(Object.entries(paths).map(([name, path]) => [name, text(path)]))}`,
    `environment = ${record(Object.entries(environment).map(([name, value]) => [name, text(value)]))}`,
  ])}\n`;
}

function literal(value: Native, type: ValueType): string {
  if (value === null) return 'NULL';
  if (typeof value === 'boolean') return value ? 'TRUE' : 'FALSE';
  if (typeof value === 'number') return number(value, requiredType(type).kind === 'int');
  if (typeof value === 'string') return text(value);
  if (isList(value)) return list(value, itemsOf(type));
  return record(Object.entries(value).map(([name, part]) => [name, literal(part, fieldOf(type, name))]));
}

/** Items that are all numbers, texts or truths make a vector, in which NA is what is null. */
function list(items: readonly Native[], type: ValueType): string {
  const given = items.filter((item) => item !== null);
  const kinds = new Set(given.map((item) => typeof item));
  const [kind = emptyKind(type)] = kinds;
  const vector = kind === undefined ? undefined : VECTORS[kind];
  if (kinds.size > 1 || !vector)
    return call(
      'list',
      items.map((item) => literal(item, type)),
    );
  const whole = requiredType(type).kind === 'int';
  if (items.length === 0) return kind === 'number' && whole ? 'integer(0)' : vector.empty;
  const missing = kind === 'number' && whole ? 'NA_integer_' : vector.missing;
  return call(
    'c',
    items.map((item) => (item === null ? missing : literal(item, type))),
  );
}

const VECTORS: Readonly<Record<string, { readonly empty: string; readonly missing: string }>> = {
  number: { empty: 'numeric(0)', missing: 'NA_real_' },
  string: { empty: 'character(0)', missing: 'NA_character_' },
  boolean: { empty: 'logical(0)', missing: 'NA' },
};

function emptyKind(type: ValueType): string | undefined {
  switch (requiredType(type).kind) {
    case 'int':
    case 'long':
    case 'float':
    case 'double':
      return 'number';
    case 'string':
    case 'enum':
    case 'File':
    case 'Directory':
      return 'string';
    case 'boolean':
      return 'boolean';
    default:
      return undefined;
  }
}

/** By names that may be any text, also none. */
function record(fields: readonly (readonly [string, string])[]): string {
  if (fields.length === 0) return 'structure(list(), names = character(0))';
  const names = fields.map(([name]) => text(name));
  return `structure(${call(
    'list',
    fields.map(([, value]) => value),
  )}, names = ${call('c', names)})`;
}

function shape(of: Shape): string {
  const parts = [`kind = ${text(of.kind)}`];
  if (of.kind === 'list') parts.push(`items = ${shape(of.items)}`);
  if (of.kind === 'record')
    parts.push(`fields = ${record(Object.entries(of.fields).map(([name, field]) => [name, shape(field)]))}`);
  return call('list', parts);
}

const MAX_INTEGER = 2 ** 31 - 1;

/** R rounds decimals in its own way; in hexadecimal a number is itself. */
function number(value: number, whole: boolean): string {
  if (Number.isSafeInteger(value) && !Object.is(value, -0))
    return whole && Math.abs(value) <= MAX_INTEGER ? `${value}L` : String(value);
  return hexadecimal(value);
}

const FRACTION_BITS = 52n;
const EXPONENT_BIAS = 1023;
const SMALLEST_POWER = -900;

function hexadecimal(value: number): string {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  const bits = view.getBigUint64(0);
  const sign = bits >> 63n === 1n ? '-' : '';
  const exponent = Number((bits >> FRACTION_BITS) & 0x7ffn);
  const fraction = bits & ((1n << FRACTION_BITS) - 1n);
  const digits = exponent === 0 ? fraction : fraction | (1n << FRACTION_BITS);
  // A whole number of 53 bits, times a power of two; R takes the smallest powers for 0.
  const power = Math.max(exponent, 1) - EXPONENT_BIAS - Number(FRACTION_BITS);
  const whole = `${sign}0x${digits.toString(16)}`;
  return power < SMALLEST_POWER ? `${whole}p${SMALLEST_POWER} * 0x1p${power - SMALLEST_POWER}` : `${whole}p${power}`;
}

/** In double quotes; what R shows by an escape, and no Unicode escapes, which do not mix with others. */
function text(value: string): string {
  const escaped = value.replace(/["\\]/g, '\\$&').replace(/[\u0001-\u001f\u007f]/g, octal);
  return `"${escaped}"`;
}

const octal = (character: string): string => `\\${character.charCodeAt(0).toString(8).padStart(3, '0')}`;

function call(name: string, parts: readonly string[]): string {
  const lines: string[] = [];
  for (let at = 0; at < parts.length; at += ITEMS_PER_LINE) lines.push(parts.slice(at, at + ITEMS_PER_LINE).join(', '));
  return `${name}(${lines.join(',\n')})`;
}

const isList = (value: Native): value is readonly Native[] => Array.isArray(value);
