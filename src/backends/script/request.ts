/** From an Attempt to what its script is told. Pure. */
import { extname, join } from 'node:path';
import { variableName } from '../../domain/argv';
import type { InputPort, OutputPort } from '../../domain/definitions';
import { StepcastError } from '../../domain/errors';
import { isDirectoryValue, isFileValue, type Value } from '../../domain/values';
import type { PreparedAttempt } from '../backend';
import { tableFormat, type TableFormat as TableWord } from '../tableFormat';
import type { Native, ScriptInput, ScriptOutput, ScriptRequest, TableFile, TableFormat } from './language';

/** To a script, JSON is one format: a list of rows, or a row on each line. */
const AS_SCRIPTS_KNOW: Readonly<Record<TableWord, TableFormat>> = {
  csv: 'csv',
  tsv: 'tsv',
  json: 'json',
  ndjson: 'json',
  parquet: 'parquet',
};

/** Where what a script exchanges with its worker lies. */
export interface ExchangePlace {
  readonly source: string;
  readonly result: string;
}

/** Throws BAD_INPUT for a table in a format that is not known. */
export function requestOf(
  attempt: PreparedAttempt,
  place: ExchangePlace,
  environment: Readonly<Record<string, string>>,
): ScriptRequest {
  const { task, values, directory, outputPaths } = attempt;
  const inputs = task.inputs.map((port): ScriptInput => ({
    ...named(port),
    table: port.as === 'table',
    value: inputOf(port, attempt),
  }));
  const parameters = task.parameters.map((parameter): ScriptInput => ({
    ...named(parameter),
    table: false,
    value: plain(values[parameter.name] ?? null),
  }));
  const found = task.outputs.filter(({ from, name }) => from === 'glob' && (outputPaths[name] ?? '') !== '');
  return {
    ...place,
    inputs: [...inputs, ...parameters],
    outputs: task.outputs.filter(({ from }) => from === 'value').map((port) => outputOf(port, directory.out)),
    paths: Object.fromEntries(found.map(({ name }) => [name, join(directory.out, outputPaths[name] ?? '')])),
    directory: directory.out,
    environment,
  };
}

const named = ({ name, type }: Pick<InputPort, 'name' | 'type'>): Omit<ScriptInput, 'value' | 'table'> => ({
  ...{ name, type },
  variable: variableName(name),
});

function outputOf({ name, type, format }: OutputPort, out: string): ScriptOutput {
  const variable = variableName(name);
  return { name, type, variable, format: formatOf(format) ?? 'csv', file: join(out, name) };
}

function inputOf(port: InputPort, { values, inputPaths }: PreparedAttempt): Native {
  const value = values[port.name] ?? null;
  const staged = inputPaths[port.name];
  if (staged === undefined) return plain(value);
  const paths = typeof staged === 'string' ? [staged] : [...staged];
  const native = ofFiles(value) ? placed(value, paths) : fromJson(value, paths);
  return port.as === 'table' ? asTables(native, port) : native;
}

/** A value without Files is as scripts know it. */
const plain = (value: Value): Native => value as Native;

/** Files, folders, and lists of them: what was staged as bare paths. */
function ofFiles(value: Value): boolean {
  if (value === null || isFileValue(value) || isDirectoryValue(value)) return true;
  return Array.isArray(value) && value.every(ofFiles);
}

/** The paths stand in the order of the files. */
function placed(value: Value, paths: string[]): Native {
  if (value === null) return null;
  if (Array.isArray(value)) return value.map((item: Value) => placed(item, paths));
  return paths.shift() ?? null;
}

/** Data with files in it was staged as JSON, in which each file has its `path`: one text, or one for each item. */
function fromJson(value: Value, texts: readonly string[]): Native {
  const parsed = texts.map((text) => withPaths(JSON.parse(text) as Value));
  return Array.isArray(value) ? parsed : (parsed[0] ?? null);
}

function withPaths(value: Value): Native {
  if (value === null || typeof value !== 'object') return value;
  if (isFileValue(value) || isDirectoryValue(value)) return (value as unknown as { path: string }).path;
  if (Array.isArray(value)) return value.map((item: Value) => withPaths(item));
  return Object.fromEntries(Object.entries(value).map(([name, part]: [string, Value]) => [name, withPaths(part)]));
}

function asTables(paths: Native, port: InputPort): Native {
  if (Array.isArray(paths)) return paths.map((path: Native) => asTables(path, port));
  if (typeof paths !== 'string') return paths;
  // By its last extension: what is compressed is no table to a script.
  const format = formatOf(port.format, extname(paths));
  if (format) return { path: paths, format } satisfies TableFile;
  throw new StepcastError(
    'BAD_INPUT',
    `Input \`${port.name}\` is read as a table, and of ${paths.split('/').at(-1)} it is not known how. Say what it is, in the task: format: csv, tsv, json or parquet.`,
  );
}

function formatOf(declared: string | undefined, extension = ''): TableFormat | undefined {
  const word = tableFormat(declared, `table${extension}`);
  return word && AS_SCRIPTS_KNOW[word];
}
