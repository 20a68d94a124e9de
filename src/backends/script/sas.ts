/** SAS, by `-sysin`. Never run with SAS itself: see docs/backends/scripts.md. */
import { StepcastError } from '../../domain/errors';
import { requiredType, type ValueType } from '../../domain/values';
import { variableName } from '../../domain/argv';
import type { Language, Native, ScriptInput, ScriptOutput, ScriptRequest, TableFile } from './language';
import { shapeOf } from './shape';

export const SAS: Language = {
  title: 'SAS',
  extension: '.sas',
  sourceName: (name) => name,
  sourceText: (source) => source,
  interpreters: ['sas', 'sas_u8'],
  install: 'SAS Institute provides it; name its program by `interpreter`, such as /opt/sas/SASFoundation/9.4/sas',
  // It tells its version only inside of a program, and takes a licence for that.
  versionArguments: null,
  version: () => undefined,
  libraryVariable: null,
  driver: 'sas/stepcast.sas',
  arguments: (_, request) => [
    ...['-nodms', '-noterminal', '-nonews', '-encoding', 'utf8'],
    ...['-log', '/dev/stderr', '-print', '/dev/stdout', '-sysin', request ?? ''],
  ],
  encode,
};

/** A text of a program may be so long, in bytes. */
const MAX_LITERAL_BYTES = 16_000;
const MAX_NAME_CHARACTERS = 32;

/** A program around the script: it sets macro variables, reads tables, includes the source, and writes what is left. */
function encode({ inputs, outputs, paths, source, result }: ScriptRequest, driver: string): string {
  const outputPaths = Object.entries(paths).map(([name, path]) => setVariable(`path_${variableName(name)}`, path));
  return [
    `%include ${quoted(driver)} / nosource2;`,
    ...outputPaths,
    ...inputs.flatMap(inputLines),
    `%include ${quoted(source)} / source2;`,
    ...(outputs.length === 0 ? [] : [`%stepcast_open(${pathWord(result)})`]),
    ...outputs.map(outputLine),
    ...(outputs.length === 0 ? [] : ['%stepcast_close()']),
    '',
  ].join('\n');
}

function inputLines({ name, variable, table, value }: ScriptInput): string[] {
  if (!table) return variableLines(name, variable, value);
  if (value === null) return [];
  if (Array.isArray(value))
    return value.flatMap((one: Native, index) => tableLine(name, `${variable}_${index + 1}`, one));
  return tableLine(name, variable, value);
}

function tableLine(name: string, variable: string, value: Native): string[] {
  const { path, format } = value as TableFile;
  if (format !== 'csv' && format !== 'tsv')
    throw new StepcastError('BAD_INPUT', `Input \`${name}\`: SAS reads tables in CSV and TSV here, not in ${format}.`);
  return [`%stepcast_import(${pathWord(path)}, ${macroName(name, variable)}, ${format})`];
}

/** Lists are `name_n` and `name_1` …, records `name_field`; nothing is an empty text. */
function variableLines(name: string, variable: string, value: Native): string[] {
  if (Array.isArray(value)) {
    const items: string[] = value.flatMap((item: Native, index) =>
      variableLines(name, `${variable}_${index + 1}`, item),
    );
    return [setVariable(macroName(name, `${variable}_n`), String(value.length)), ...items];
  }
  if (typeof value === 'object' && value !== null)
    return Object.entries(value).flatMap(([field, part]) =>
      variableLines(name, `${variable}_${field.replace(/\W/g, '_')}`, part),
    );
  const text = typeof value === 'boolean' ? String(Number(value)) : value === null ? '' : String(value);
  return [setVariable(macroName(name, variable), text)];
}

function macroName(port: string, name: string): string {
  if (name.length <= MAX_NAME_CHARACTERS) return name;
  const message = `Input \`${port}\` would be the macro variable ${name}, and SAS has names of ${MAX_NAME_CHARACTERS} characters.`;
  throw new StepcastError('BAD_INPUT', message);
}

/** As data, which the macro language does not look into when it is set. */
const setVariable = (name: string, text: string): string =>
  `%global ${name}; data _null_; call symput(${literal(name)}, ${literal(text)}); run;`;

function outputLine({ name, variable, type, format, file }: ScriptOutput): string {
  const shape = shapeOf(type);
  const kind = shape.kind === 'file' ? 'file' : isNumber(type) ? 'number' : 'text';
  if (shape.kind === 'list' || shape.kind === 'record')
    throw new StepcastError(
      'BAD_INPUT',
      `Output \`${name}\`: from SAS come numbers, texts and Files, no lists and records.`,
    );
  return `%stepcast_output(${name}, ${variable}, ${kind}, ${format}, ${pathWord(`${file}.${format}`)})`;
}

function isNumber(type: ValueType): boolean {
  return ['int', 'long', 'float', 'double', 'boolean'].includes(requiredType(type).kind);
}

/** Between the parentheses of a macro: the text in hexadecimal, of which nothing can be taken for code. */
const pathWord = (path: string): string => Buffer.from(path).toString('hex');

/** In single quotes, where SAS looks for no macros. */
const quoted = (path: string): string => `'${path.replace(/'/g, "''")}'`;

/** Plain texts in quotes, all others by their bytes. */
function literal(text: string): string {
  const bytes = Buffer.from(text);
  if (bytes.length > MAX_LITERAL_BYTES)
    throw new StepcastError(
      'BAD_INPUT',
      `SAS takes texts of ${MAX_LITERAL_BYTES} bytes, and this one has ${bytes.length}. Pass it as a File.`,
    );
  if (text === '') return "''";
  return /^[A-Za-z0-9 _./:=+-]*$/.test(text) ? `'${text}'` : `'${bytes.toString('hex').toUpperCase()}'x`;
}
