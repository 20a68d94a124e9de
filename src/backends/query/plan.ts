/**
 * What a query Task asks of an SQL engine, worked out from its Task and values: statements, tables, variables, and what is
 * made of the result. Plain data, which goes to the engine's process as JSON. Pure.
 */
import { variableName } from '../../domain/argv';
import type { InputPort, OutputPort, TaskSpec } from '../../domain/definitions';
import { StepcastError } from '../../domain/errors';
import { suggestion } from '../../domain/nearest';
import { formatType, isFileValue, requiredType, scalar } from '../../domain/values';
import type { FileValue, RecordField, Value, ValueType } from '../../domain/values';
import { returnsFiles } from '../attempt/returnedFiles';
import type { PreparedAttempt } from '../backend';
import { replaceVariables, splitStatements, type Dialect } from '../../domain/statements';
import { TABLE_FORMATS, tableFormat, type TableFormat } from '../tableFormat';

export interface QueryPlan {
  readonly statements: readonly PlannedStatement[];
  readonly tables: readonly PlannedTable[];
  readonly variables: readonly PlannedVariable[];
  readonly outputs: readonly PlannedOutput[];
  /** Rows that no output takes are shown: `all` when standard output is an output itself. */
  readonly print: 'all' | 'some';
  /** Why an input is no table, by the name that it would have. */
  readonly notTables: Readonly<Record<string, string>>;
}

export interface PlannedStatement {
  /** With the engine's own parameters in the place of variables. */
  readonly text: string;
  /** With session variables in their place, for statements that take no parameters, such as the making of a view. */
  readonly unprepared: string;
  readonly variables: readonly string[];
  /** Of its first word in the query, from 1. */
  readonly line: number;
}

/** Rows that the query reads by name: those of files, or given as values. */
export type PlannedTable =
  | {
      readonly name: string;
      readonly kind: 'files';
      readonly format: TableFormat;
      /** Relative to the working directory, and without characters that mean something in a pattern unless quoted. */
      readonly paths: readonly string[];
    }
  | {
      readonly name: string;
      readonly kind: 'rows';
      readonly columns: readonly RecordField[];
      readonly rows: readonly Value[];
    };

export interface PlannedVariable {
  readonly name: string;
  readonly type: ValueType;
  readonly value: Value;
}

/** What becomes an output: the rows of the table of this name, else those of the last statement. */
export type PlannedOutput = { readonly port: string; readonly name: string } & (
  | {
      readonly kind: 'file';
      readonly format: TableFormat;
      /** Relative to the working directory. */
      readonly path: string;
      /** The output is found by its path: a file that the query has written there itself stays. */
      readonly found: boolean;
    }
  | { readonly kind: 'value'; readonly type: ValueType }
);

type QueryAttempt = Pick<PreparedAttempt, 'task' | 'values' | 'inputPaths' | 'outputPaths'>;

/** BAD_INPUT, with a sentence about what does not fit, for what no engine could run. */
export function planQuery(
  { task, values, inputPaths, outputPaths }: QueryAttempt,
  dialect: Dialect,
  /** How a path is written for the engine. */
  enginePath: (path: string) => string,
): QueryPlan {
  if (task.command.kind !== 'query') throw new StepcastError('INTERNAL', `Task ${task.name} is no query.`);
  const { sql } = task.command;
  const variables = variablesOf(task, values, inputPaths);
  const statements = splitStatements(sql, dialect).map((statement): PlannedStatement => {
    for (const { name } of statement.variables) requireVariable(name, variables, statement.line);
    return {
      text: dialect === 'spark' ? replaceVariables(statement, (name) => `:${name}`) : statement.text,
      unprepared: replaceVariables(statement, sessionVariable),
      variables: [...new Set(statement.variables.map(({ name }) => name))],
      line: statement.line,
    };
  });
  if (statements.length === 0) throw refused('The query holds no statement.');
  const tables: PlannedTable[] = [];
  const notTables: Record<string, string> = {};
  for (const port of task.inputs) {
    const name = variableName(port.name);
    // What the query does not speak of needs no look into its files.
    if (!sql.toLowerCase().includes(name.toLowerCase())) continue;
    const table = tableOf(port, name, values[port.name] ?? null, inputPaths[port.name], enginePath);
    if (typeof table === 'string') notTables[name] = table;
    else tables.push(table);
  }
  return {
    statements,
    tables,
    variables,
    outputs: task.outputs.flatMap((port) => plannedOutput(port, outputPaths[port.name] ?? '')),
    print: task.outputs.some(({ from }) => from === 'stdout') ? 'all' : 'some',
    notTables,
  };
}

const sessionVariable = (name: string): string => `getvariable('${name}')`;

function requireVariable(name: string, known: readonly PlannedVariable[], line: number): void {
  if (known.some((variable) => variable.name === name)) return;
  const names = known.map((variable) => variable.name);
  const hint = suggestion(name, names, 'variables');
  throw refused(`The statement on line ${line} uses $${name}, which is no parameter or input of the task. ${hint}`);
}

function variablesOf(
  task: TaskSpec,
  values: QueryAttempt['values'],
  inputPaths: QueryAttempt['inputPaths'],
): PlannedVariable[] {
  return [...task.parameters, ...task.inputs].map(({ name, type }): PlannedVariable => {
    const path = inputPaths[name];
    const plain = { name: variableName(name), type, value: values[name] ?? null };
    if (path === undefined) return plain;
    if (typeof path === 'string') return { ...plain, type: scalar('string'), value: path };
    return { ...plain, type: { kind: 'array', items: scalar('string') }, value: path };
  });
}

/** The table, or why the input is none; rows are those of records. */
function tableOf(
  port: InputPort,
  name: string,
  value: Value,
  staged: string | readonly string[] | undefined,
  enginePath: (path: string) => string,
): PlannedTable | string {
  const type = requiredType(port.type);
  const items = type.kind === 'array' ? requiredType(type.items) : undefined;
  if (value === null) return `the input \`${port.name}\` was not given`;
  if (items?.kind === 'record' && staged === undefined && Array.isArray(value))
    return { name, kind: 'rows', columns: items.fields, rows: value };
  const files = filesOf(value);
  if (!files || staged === undefined)
    return `the input \`${port.name}\` is ${formatType(port.type)}: write $${name} for its value`;
  if (files.length === 0) return `the input \`${port.name}\` is an empty list`;
  const paths = typeof staged === 'string' ? [staged] : staged;
  const formats = new Set(files.map((file) => tableFormat(port.format ?? file.format, file.name)));
  const [format] = formats;
  if (formats.size > 1 || format === undefined)
    return (
      `the input \`${port.name}\` (\`${files[0]?.name ?? ''}\`) is not known to be a table: declare its format ` +
      `(${TABLE_FORMATS.join(', ')}), or read it with a function of the engine: $${name} is its path`
    );
  return { name, kind: 'files', format, paths: paths.map(enginePath) };
}

function filesOf(value: Value): readonly FileValue[] | undefined {
  if (isFileValue(value)) return [value];
  if (!Array.isArray(value)) return undefined;
  const files = value.filter((item) => item !== null);
  return files.every(isFileValue) ? files : undefined;
}

function plannedOutput(port: OutputPort, path: string): PlannedOutput[] {
  const name = variableName(port.name);
  const of = { port: port.name, name };
  if (port.from === 'value' && !returnsFiles(port)) return [{ ...of, kind: 'value', type: port.type }];
  if (port.from === 'value') {
    if (requiredType(port.type).kind !== 'File')
      throw refused(
        `Output \`${port.name}\` is ${formatType(port.type)}, and the rows of a query make one File. ` +
          `Declare it as File, or write the files with COPY and collect them: glob: "*.csv".`,
      );
    const format = tableFormat(port.format, '') ?? (port.format === undefined ? 'csv' : undefined);
    if (format === undefined) throw unknownFormat(port);
    return [{ ...of, kind: 'file', format, path: `${port.name}.${format}`, found: false }];
  }
  const format = tableFormat(port.format, path);
  const isTable =
    port.from === 'glob' && port.read === 'file' && path !== '' && requiredType(port.type).kind === 'File';
  return isTable && format !== undefined ? [{ ...of, kind: 'file', format, path, found: true }] : [];
}

const refused = (message: string): StepcastError => new StepcastError('BAD_INPUT', message);

function unknownFormat(port: OutputPort): StepcastError {
  return refused(
    `Output \`${port.name}\` has the format ${port.format}, which a query cannot write. Choose ${TABLE_FORMATS.join(', ')}.`,
  );
}
