// @ts-check
/** Makes the outputs: rows become files by the engine's own COPY, cells and columns become values. */
import { createReadStream, existsSync } from 'node:fs';
import { join } from 'node:path';
import * as duckdb from '@duckdb/node-api';
import { literal, quoted } from './database.mjs';
import { QueryFailure } from './failure.mjs';
import { shape } from './shape.mjs';

/**
 * @import { DuckDBConnection, DuckDBPreparedStatement } from '@duckdb/node-api'
 * @import { PlannedOutput, QueryPlan } from '../../query/plan.js' with { 'resolution-mode': 'require' }
 * @import { RunnerRequest } from '../messages.js' with { 'resolution-mode': 'require' }
 * @import { RunStatement } from './run.mjs'
 * @import { Rows } from './shape.mjs'
 */

/** @typedef {Extract<PlannedOutput, { kind: 'file' }>} FileOutput */
/** @typedef {Extract<PlannedOutput, { kind: 'value' }>} ValueOutput */

/** Rows that become values may hold so much as JSON; the rest belongs into files. In bytes. */
const MAX_VALUE_BYTES = 1024 * 1024;
/** Of rows that no output takes so many are shown. */
const SHOWN_ROWS = 100;
const RESULT = 'stepcast_result';

const COPY_OPTIONS = {
  csv: 'FORMAT csv, HEADER true',
  tsv: "FORMAT csv, HEADER true, DELIMITER '\t'",
  json: 'FORMAT json, ARRAY true',
  ndjson: 'FORMAT json, ARRAY false',
  parquet: 'FORMAT parquet',
};

/** These are rows to the engine, and only as a subquery to COPY. */
const DESCRIBES = /^\s*(describe|desc|show|summarize)\b/i;

/**
 * Runs the last statement and returns what the outputs are, by port.
 * @param {DuckDBConnection} connection
 * @param {QueryPlan} plan
 * @param {RunnerRequest['folders']} folders
 * @param {RunStatement} runLast
 */
export async function deliver(connection, plan, { tmp }, runLast) {
  /** @type {Record<string, unknown>} */
  const returned = {};
  const wanted = plan.outputs.filter((output) => output.kind === 'value' || !(output.found && existsSync(output.path)));
  let outputs = wanted;
  /** @param {readonly PlannedOutput[]} from */
  const named = async (from) => {
    const names = await tablesMade(connection);
    const taken = from.filter(({ name }) => names.has(name.toLowerCase()));
    outputs = from.filter((output) => !taken.includes(output));
    return taken;
  };

  let isSelect = false;
  await runLast(
    (text) => text,
    async (prepared) => {
      isSelect = prepared.statementType === duckdb.StatementType.SELECT;
      if (!isSelect) return void (await prepared.run());
    },
  );
  const tables = wanted.length === 0 ? [] : await named(wanted);
  if (isSelect) await takeResult();
  else explainNothing(outputs.filter((output) => output.kind === 'value' || !existsSync(output.path)));
  for (const output of tables) {
    const rows = `FROM ${quoted(output.name)}`;
    if (output.kind === 'file') await connection.run(copyTo(rows, output.path, output.format));
    else returned[output.port] = shape(output, await readRows(await connection.prepare(rows), [output]));
    if (output.kind === 'file') returned[output.port] = output.path;
  }
  return returned;

  async function takeResult() {
    const files = outputs.filter((output) => output.kind === 'file');
    const values = outputs.filter((output) => output.kind === 'value');
    const shown = join(tmp, 'shown.csv');
    const shows = plan.print === 'all' || outputs.length === 0;
    if (values.length > 0 && files.length === 0 && !shows) {
      await runLast(selectable, async (prepared) => takeValues(values, await readRows(prepared, values)));
      return;
    }
    if (files.length + values.length + Number(shows) > 1) {
      await runLast((text) => `CREATE TEMP TABLE ${RESULT} AS ${selectable(text)}`);
      const rows = `FROM temp.${RESULT}`;
      for (const { path, format } of files) await connection.run(copyTo(rows, path, format));
      if (values.length > 0) takeValues(values, await readRows(await connection.prepare(rows), values));
      if (shows) await connection.run(copyTo(rows, shown, 'csv'));
    } else if (shows) {
      const limit = plan.print === 'all' ? '' : ` LIMIT ${SHOWN_ROWS}`;
      await runLast((text) => copyTo(`FROM (${text}\n)${limit}`, shown, 'csv'));
    } else {
      for (const { path, format } of files) await runLast((text) => copyTo(selectable(text), path, format));
    }
    for (const { port, path } of files) returned[port] = path;
    if (shows) await print(shown);
  }

  /**
   * @param {readonly ValueOutput[]} values
   * @param {Rows} rows
   */
  function takeValues(values, rows) {
    for (const output of values) returned[output.port] = shape(output, rows);
  }
}

/** @param {string} text */
const selectable = (text) => (DESCRIBES.test(text) ? `FROM (${text}\n)` : text);

/**
 * @param {string} rows
 * @param {string} path
 * @param {FileOutput['format']} format
 */
const copyTo = (rows, path, format) => `COPY (${rows}\n) TO ${literal(path)} (${COPY_OPTIONS[format]})`;

/**
 * Names of tables and views that the query made, in lower case.
 * @param {DuckDBConnection} connection
 */
async function tablesMade(connection) {
  const made = await connection.runAndReadAll(
    `SELECT lower(table_name) FROM duckdb_tables() WHERE database_name IN ('memory', 'temp')
     UNION SELECT lower(view_name) FROM duckdb_views() WHERE database_name IN ('memory', 'temp') AND NOT internal`,
  );
  return new Set(made.getRows().map(([name]) => String(name)));
}

/**
 * @param {DuckDBPreparedStatement} prepared
 * @param {readonly ValueOutput[]} outputs
 * @returns {Promise<Rows>}
 */
async function readRows(prepared, outputs) {
  const result = await prepared.stream();
  const rows = [];
  let bytes = 0;
  for await (const some of result.yieldRowsJson()) {
    for (const row of some) {
      bytes += JSON.stringify(row).length;
      if (bytes > MAX_VALUE_BYTES) {
        const names = outputs.map(({ port }) => `\`${port}\``).join(', ');
        throw new QueryFailure(
          `The rows for the output ${names} hold more than ${MAX_VALUE_BYTES / 1024 ** 2} MB. ` +
            `Select less, or declare a File: {type: File, format: csv}.`,
        );
      }
      rows.push(row);
    }
  }
  return { names: result.columnNames(), types: result.columnTypes(), rows };
}

/** @param {string} path */
async function print(path) {
  for await (const chunk of createReadStream(path))
    await new Promise((resolve) => process.stdout.write(chunk, resolve));
}

/** @param {readonly PlannedOutput[]} outputs */
function explainNothing(outputs) {
  if (outputs.length === 0) return;
  const names = outputs.map(({ port }) => `\`${port}\``).join(', ');
  process.stderr.write(
    `Nothing is left for the output ${names}: the last statement gives no rows. ` +
      `End the query with a SELECT, or create a table of that name.\n`,
  );
}
