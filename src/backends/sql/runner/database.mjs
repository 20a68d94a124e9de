// @ts-check
/** Sets the engine up for one query: its limits, what it may touch, and the tables that it reads. */
import { writeFileSync } from 'node:fs';
import { basename, extname, join } from 'node:path';
import { sqlTypeOf } from './values.mjs';

/**
 * @import { DuckDBConnection } from '@duckdb/node-api'
 * @import { RunnerRequest, RunnerSettings } from '../messages.js' with { 'resolution-mode': 'require' }
 * @import { PlannedTable } from '../../query/plan.js' with { 'resolution-mode': 'require' }
 */

/** @param {string} value */
export const literal = (value) => `'${value.replaceAll("'", "''")}'`;

/** @param {string} name */
export const quoted = (name) => `"${name.replaceAll('"', '""')}"`;

/**
 * From here on the engine reads and writes below the given folders only, loads nothing, reaches no network, and its
 * settings stay as they are.
 * @param {DuckDBConnection} connection
 * @param {RunnerRequest['folders']} folders
 * @param {RunnerSettings} settings
 */
export async function prepareDatabase(connection, { out, tmp, others }, settings) {
  const allowed = [out, tmp, ...others].map(literal).join(', ');
  if (settings.database !== undefined) await attach(connection, settings.database);
  const statements = [
    `SET threads = ${settings.threads}`,
    `SET memory_limit = '${settings.memoryBytes}B'`,
    `SET temp_directory = ${literal(tmp)}`,
    ...(settings.diskBytes === undefined ? [] : [`SET max_temp_directory_size = '${settings.diskBytes}B'`]),
    `SET TimeZone = ${literal(settings.timeZone)}`,
    'SET enable_progress_bar = true',
    'SET enable_progress_bar_print = false',
    'SET autoinstall_known_extensions = false',
    'SET autoload_known_extensions = false',
    'SET allow_community_extensions = false',
    `SET allowed_directories = [${allowed}]`,
    'SET enable_external_access = false',
    'SET lock_configuration = true',
  ];
  // All at once: each trip to the engine takes its time.
  await connection.run(statements.join(';'));
}

/**
 * Its tables are found by their bare names as well.
 * @param {DuckDBConnection} connection
 * @param {string} path
 */
async function attach(connection, path) {
  const name = quoted(basename(path, extname(path)));
  await connection.run(`ATTACH ${literal(path)} AS ${name} (READ_ONLY)`);
  await connection.run(`SET search_path = ${literal(`memory.main,${name}.main`)}`);
}

/**
 * @param {DuckDBConnection} connection
 * @param {PlannedTable} table
 * @param {number} number tells files of several tables apart
 * @param {{ tmp: string }} folders
 * @param {RunnerSettings} settings
 */
export async function createTable(connection, table, number, { tmp }, { sampleRows }) {
  const rows = table.kind === 'files' ? reader(table, sampleRows) : storedRows(table, join(tmp, `rows-${number}.json`));
  await connection.run(`CREATE VIEW memory.main.${quoted(table.name)} AS SELECT * FROM ${rows}`);
}

/**
 * @param {Extract<PlannedTable, { kind: 'files' }>} table
 * @param {number} sampleRows
 */
function reader({ format, paths }, sampleRows) {
  const list = `[${paths.map(literal).join(', ')}]`;
  const common = 'union_by_name = true, hive_partitioning = false';
  const sampled = `${common}, sample_size = ${sampleRows}`;
  // What is found in a sample may change the meaning of quotes further down.
  const csv = `header = true, quote = '"', escape = '"'`;
  switch (format) {
    case 'csv':
      return `read_csv(${list}, ${sampled}, ${csv})`;
    case 'tsv':
      return `read_csv(${list}, ${sampled}, ${csv}, delim = '\t')`;
    case 'json':
      return `read_json(${list}, ${sampled})`;
    case 'ndjson':
      return `read_json(${list}, ${sampled}, format = 'newline_delimited')`;
    case 'parquet':
      return `read_parquet(${list}, ${common})`;
  }
}

/**
 * @param {Extract<PlannedTable, { kind: 'rows' }>} table
 * @param {string} path
 */
function storedRows({ columns, rows }, path) {
  writeFileSync(path, JSON.stringify(rows));
  const types = columns.map(({ name, type }) => `${quoted(name)}: ${literal(sqlTypeOf(type))}`).join(', ');
  return `read_json(${literal(path)}, format = 'array', columns = {${types}})`;
}
