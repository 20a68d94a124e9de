// @ts-check
/** From rows to the value that an output declares. */
import { QueryFailure } from './failure.mjs';
import { fromEngine, required } from './values.mjs';

/**
 * @import { DuckDBListType, DuckDBType } from '@duckdb/node-api'
 * @import { PlannedOutput } from '../../query/plan.js' with { 'resolution-mode': 'require' }
 * @import { ValueType } from '../../../domain/values.js' with { 'resolution-mode': 'require' }
 */

/** @typedef {{ names: readonly string[], types: readonly DuckDBType[], rows: readonly (readonly unknown[])[] }} Rows */
/** @typedef {Extract<PlannedOutput, { kind: 'value' }>} ValueOutput */

/**
 * A list takes the column of its name, a list of records all rows, a record the only row, and anything else the cell in the
 * column of its name. One column needs no name. Throws a QueryFailure for what does not fit.
 * @param {ValueOutput} output
 * @param {Rows} rows
 */
export function shape(output, rows) {
  const type = required(output.type);
  const named = columnNamed(output, rows);
  if (type.kind === 'array') return shapeList(output, type.items, rows, named);
  if (rows.rows.length > 1)
    throw new QueryFailure(
      `Output \`${output.port}\` is one value, and the result has ${rows.rows.length} rows. ` +
        `Select one row, or declare the output as a list.`,
    );
  const [row] = rows.rows;
  if (!row) return null;
  if (type.kind === 'record' && named === undefined) return recordOf(row, rows, type);
  const column = named ?? onlyColumn(output, rows);
  return cell(row, rows, column, output.type);
}

/**
 * @param {ValueOutput} output
 * @param {ValueType} items
 * @param {Rows} rows
 * @param {number | undefined} named
 */
function shapeList(output, items, rows, named) {
  const item = required(items);
  if (item.kind === 'record' && named === undefined) return rows.rows.map((row) => recordOf(row, rows, item));
  const column = named ?? onlyColumn(output, rows);
  const [first, ...others] = rows.rows;
  // `list(x)` gives the whole list in one cell.
  const inOneCell = first && others.length === 0 && item.kind !== 'array' && isList(rows.types[column]);
  if (inOneCell) return cell(first, rows, column, output.type);
  return rows.rows.map((row) => cell(row, rows, column, items));
}

/** @param {DuckDBType | undefined} type */
const isList = (type) => type !== undefined && 'valueType' in type && !('keyType' in type);

/**
 * @param {ValueOutput} output
 * @param {Rows} rows
 */
function columnNamed({ port, name }, { names }) {
  const wanted = [port, name].map((one) => one.toLowerCase());
  const found = names.findIndex((column) => wanted.includes(column.toLowerCase()));
  return found < 0 ? undefined : found;
}

/**
 * @param {ValueOutput} output
 * @param {Rows} rows
 */
function onlyColumn({ port, name }, { names }) {
  if (names.length === 1) return 0;
  throw new QueryFailure(
    `Output \`${port}\`: the result has no column of this name. It has ${names.join(', ')}: add \`… AS ${name}\`.`,
  );
}

/**
 * @param {readonly unknown[]} row
 * @param {Rows} rows
 * @param {number} column
 * @param {ValueType} to
 */
function cell(row, { types }, column, to) {
  const from = types[column];
  return from ? fromEngine(row[column], from, to) : null;
}

/**
 * @param {readonly unknown[]} row
 * @param {Rows} rows
 * @param {Extract<ValueType, { kind: 'record' }>} type
 */
function recordOf(row, rows, type) {
  return Object.fromEntries(
    rows.names.map((name, column) => {
      const field = type.fields.find((one) => one.name.toLowerCase() === name.toLowerCase());
      return [field?.name ?? name, cell(row, rows, column, field?.type ?? { kind: 'Any' })];
    }),
  );
}
