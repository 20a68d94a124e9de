/** Octave, from 6 on. Values cross as Octave's own source text: its JSON keeps neither shapes nor all digits. */
import { requiredType, type ValueType } from '../../domain/values';
import { LARGE_PAGES, type Language, type Native, type ScriptRequest } from './language';
import { fieldOf, itemsOf, shapeOf, type Shape } from './shape';

/** A script shows in messages by its file's name only if that could be the name of a function. */
export const functionName = (name: string): string =>
  name.replace(/[^A-Za-z0-9_]/g, '_').replace(/^(?=[^A-Za-z])/, 'x');

export const OCTAVE: Language = {
  title: 'Octave',
  extension: '.m',
  sourceName: functionName,
  sourceText: asScript,
  interpreters: ['octave-cli', 'octave'],
  install: 'apt-get install octave, or name another by `interpreter`',
  versionArguments: ['--version'],
  version: (printed) => /version (\S+)/.exec(printed)?.[1],
  libraryVariable: 'OCTAVE_PATH',
  waitingVariables: LARGE_PAGES,
  driver: 'octave',
  // The script is sourced at the top, where its errors and warnings name nothing but itself.
  arguments: (driver, request, preload) => [
    ...['--no-gui', '--no-history', '--quiet', '--eval'],
    `addpath(${text(driver)}); stepcast_begin(${[list(preload), ...(request === null ? [] : [text(request)])].join(', ')}); source(stepcast_state().source); stepcast_finish(true);`,
  ],
  encode,
};

const BLANK = String.raw`[ \t]*(?:[%#].*)?\n`;
const BLOCK_COMMENT = String.raw`[ \t]*[%#]\{[ \t]*\n[^]*?\n[ \t]*[%#]\}[ \t]*\n`;
const BEGINS_WITH_FUNCTION = new RegExp(`^((?:${BLOCK_COMMENT}|${BLANK})*)(?=[ \\t]*function\\b)`);

/** A file that begins with a function would be that function and no script: something stands before it. */
export function asScript(source: string): string {
  return source.replace(BEGINS_WITH_FUNCTION, (_, before: string) => `${before}1; `);
}

function encode({ inputs, outputs, paths, environment, ...rest }: ScriptRequest): string {
  const request = struct([
    ...Object.entries(rest).map(([name, value]): [string, string] => [name, text(value)]),
    [
      'inputs',
      cell(
        inputs.map(({ name, variable, table, value, type }) =>
          struct([
            ['name', text(name)],
            ['variable', text(variable)],
            ['table', table ? 'true' : 'false'],
            ['value', literal(value, type)],
          ]),
        ),
      ),
    ],
    [
      'outputs',
      cell(
        outputs.map(({ type, name, variable, format, file }) =>
          struct([
            ...Object.entries({ name, variable, format, file }).map(([key, one]): [string, string] => [key, text(one)]),
            ['shape', shape(shapeOf(type))],
          ]),
        ),
      ),
    ],
    ['paths', struct(Object.entries(paths).map(([name, path]) => [name, text(path)]))],
    ['environment', struct(Object.entries(environment).map(([name, value]) => [name, text(value)]))],
  ]);
  return `stepcast_request = ${request};\n`;
}

function literal(value: Native, type: ValueType): string {
  if (value === null) return '[]';
  if (typeof value === 'boolean') return value ? 'true' : 'false';
  if (typeof value === 'number') return number(value);
  if (typeof value === 'string') return text(value);
  if (isList(value)) return listOf(value, itemsOf(type));
  return struct(Object.entries(value).map(([name, part]) => [name, literal(part, fieldOf(type, name))]));
}

const NUMBERS = new Set(['int', 'long', 'float', 'double', 'boolean']);

/** Numbers make a row, in which NA is what is null; rows of one length a matrix; truths a row; all else a cell. */
function listOf(items: readonly Native[], type: ValueType): string {
  if (items.length === 0) return NUMBERS.has(requiredType(type).kind) ? 'zeros(1, 0)' : 'cell(1, 0)';
  if (items.every((item) => typeof item === 'boolean')) return row(items.map((item) => literal(item, type)));
  const rows = items.map(numericRow);
  const [first] = rows;
  const isMatrix = first && first.length > 0 && rows.every((one) => one?.length === first.length);
  if (isMatrix) return `[${rows.map((one) => one?.join(', ')).join(';\n')}]`;
  const numbers = numericRow(items);
  return numbers ? row(numbers) : cell(items.map((item) => literal(item, type)));
}

function numericRow(items: Native): string[] | undefined {
  if (!isList(items) || !items.some((item) => typeof item === 'number')) return undefined;
  if (!items.every((item) => item === null || typeof item === 'number')) return undefined;
  return items.map((item) => (typeof item === 'number' ? number(item) : 'NA'));
}

function shape(of: Shape): string {
  const fields: [string, string][] = [['kind', text(of.kind)]];
  if (of.kind === 'list') fields.push(['items', shape(of.items)]);
  if (of.kind === 'record')
    fields.push(['fields', struct(Object.entries(of.fields).map(([name, field]) => [name, shape(field)]))]);
  return struct(fields);
}

const number = (value: number): string => (Object.is(value, -0) ? '-0' : String(value));

const list = (words: readonly string[]): string => cell(words.map(text));

const row = (parts: readonly string[]): string => `[${lines(parts, ', ', ', ...\n')}]`;

const cell = (parts: readonly string[]): string =>
  parts.length === 0 ? 'cell(1, 0)' : `{${lines(parts, ', ', ', ...\n')}}`;

/** By names that may be any text; in a column, where cells stay what they are. */
function struct(fields: readonly (readonly [string, string])[]): string {
  if (fields.length === 0) return 'struct()';
  const values = fields.map(([, value]) => `${value}`);
  const names = fields.map(([name]) => text(name));
  return `cell2struct({${values.join('; ')}}, {${names.join('; ')}}, 1)`;
}

const ITEMS_PER_LINE = 100;

function lines(parts: readonly string[], within: string, between: string): string {
  const result: string[] = [];
  for (let at = 0; at < parts.length; at += ITEMS_PER_LINE)
    result.push(parts.slice(at, at + ITEMS_PER_LINE).join(within));
  return result.join(between);
}

/** In double quotes, on one line. */
function text(value: string): string {
  const escaped = value
    .replace(/["\\]/g, '\\$&')
    .replace(/\n/g, '\\n')
    .replace(/[\u0001-\u001f\u007f]/g, (character) => `\\${character.charCodeAt(0).toString(8).padStart(3, '0')}`);
  return `"${escaped}"`;
}

const isList = (value: Native): value is readonly Native[] => Array.isArray(value);
