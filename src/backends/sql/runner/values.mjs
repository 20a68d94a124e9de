// @ts-check
/** Between values of Stepcast and those of the engine. */
import * as duckdb from '@duckdb/node-api';

/**
 * @import { DuckDBType, DuckDBValue } from '@duckdb/node-api'
 * @import { Value, ValueType } from '../../../domain/values.js' with { 'resolution-mode': 'require' }
 */

const { DuckDBTypeId: Id } = duckdb;

/** @param {ValueType} type */
export const sqlTypeOf = (type) => String(typeOf(type) ?? duckdb.VARCHAR);

/**
 * The engine's type; nothing for a type of which values may differ.
 * @param {ValueType} type
 * @returns {DuckDBType | undefined}
 */
function typeOf(type) {
  switch (type.kind) {
    case 'boolean':
      return duckdb.BOOLEAN;
    case 'int':
      return duckdb.INTEGER;
    case 'long':
      return duckdb.BIGINT;
    case 'float':
      return duckdb.FLOAT;
    case 'double':
      return duckdb.DOUBLE;
    case 'string':
    case 'enum':
    case 'File':
    case 'Directory':
      return duckdb.VARCHAR;
    case 'array':
      return duckdb.LIST(typeOf(type.items) ?? duckdb.VARCHAR);
    case 'record':
      return duckdb.STRUCT(
        Object.fromEntries(type.fields.map((field) => [field.name, typeOf(field.type) ?? duckdb.VARCHAR])),
      );
    case 'union': {
      const [only, ...others] = type.types.filter((member) => member.kind !== 'null');
      return only && others.length === 0 ? typeOf(only) : undefined;
    }
    default:
      return undefined;
  }
}

/**
 * A variable for a prepared statement.
 * @param {ValueType} type
 * @param {Value} value
 * @returns {{ value: DuckDBValue, type: DuckDBType }}
 */
export function bound(type, value) {
  const known = typeOf(type) ?? typeOfValue(value);
  return { value: toEngine(known, value), type: known };
}

/**
 * @param {Value} value
 * @returns {DuckDBType}
 */
function typeOfValue(value) {
  if (typeof value === 'boolean') return duckdb.BOOLEAN;
  if (typeof value === 'number') return Number.isSafeInteger(value) ? duckdb.BIGINT : duckdb.DOUBLE;
  return duckdb.VARCHAR;
}

/**
 * @param {DuckDBType} type
 * @param {Value | undefined} value
 * @returns {DuckDBValue}
 */
function toEngine(type, value) {
  if (value === null || value === undefined) return null;
  switch (type.typeId) {
    case Id.BIGINT:
      return BigInt(/** @type {number} */ (value));
    case Id.LIST: {
      const { valueType } = /** @type {duckdb.DuckDBListType} */ (type);
      return duckdb.listValue(/** @type {Value[]} */ (value).map((item) => toEngine(valueType, item)));
    }
    case Id.STRUCT: {
      const { entryNames, entryTypes } = /** @type {duckdb.DuckDBStructType} */ (type);
      const fields = /** @type {Record<string, Value>} */ (value);
      return duckdb.structValue(
        Object.fromEntries(
          entryNames.map((name, at) => [name, toEngine(entryTypes[at] ?? duckdb.VARCHAR, fields[name])]),
        ),
      );
    }
    case Id.VARCHAR:
      return typeof value === 'string' ? value : JSON.stringify(value);
    default:
      return /** @type {number | boolean} */ (value);
  }
}

const WHOLE_NUMBERS = new Set([
  ...[Id.TINYINT, Id.SMALLINT, Id.INTEGER, Id.BIGINT, Id.HUGEINT, Id.BIGNUM],
  ...[Id.UTINYINT, Id.USMALLINT, Id.UINTEGER, Id.UBIGINT, Id.UHUGEINT],
]);
const TIMES = new Set([Id.TIMESTAMP, Id.TIMESTAMP_S, Id.TIMESTAMP_MS, Id.TIMESTAMP_NS, Id.TIMESTAMP_TZ]);

/**
 * A cell as the engine's own JSON tells it, as the declared type wants it: whole numbers that a double cannot hold stay
 * text, so that none is changed; points in time are ISO 8601.
 * @param {unknown} cell
 * @param {DuckDBType} from
 * @param {ValueType} to
 * @returns {unknown}
 */
export function fromEngine(cell, from, to) {
  if (cell === null || cell === undefined) return null;
  const target = required(to);
  switch (from.typeId) {
    case Id.LIST:
    case Id.ARRAY: {
      const { valueType } = /** @type {duckdb.DuckDBListType} */ (from);
      return /** @type {unknown[]} */ (cell).map((item) => fromEngine(item, valueType, itemOf(target)));
    }
    case Id.STRUCT: {
      const { entryNames, entryTypes } = /** @type {duckdb.DuckDBStructType} */ (from);
      const fields = /** @type {Record<string, unknown>} */ (cell);
      return Object.fromEntries(
        entryNames.map((name, at) => [
          name,
          fromEngine(fields[name], entryTypes[at] ?? duckdb.VARCHAR, fieldOf(target, name)),
        ]),
      );
    }
    case Id.MAP: {
      const { keyType, valueType } = /** @type {duckdb.DuckDBMapType} */ (from);
      const entries = /** @type {{ key: unknown, value: unknown }[]} */ (cell);
      return Object.fromEntries(
        entries.map(({ key, value }) => [String(fromEngine(key, keyType, TEXT)), fromEngine(value, valueType, ANY)]),
      );
    }
    default:
      return scalarOf(cell, from, target);
  }
}

/** @type {ValueType} */
const TEXT = { kind: 'string' };
/** @type {ValueType} */
const ANY = { kind: 'Any' };

/**
 * @param {unknown} cell
 * @param {DuckDBType} from
 * @param {ValueType} target
 */
function scalarOf(cell, from, target) {
  const text = String(cell);
  if (TIMES.has(from.typeId)) return isoTime(text);
  if (from.typeId === Id.VARCHAR) return from.alias === 'JSON' && target.kind !== 'string' ? JSON.parse(text) : text;
  if (target.kind === 'string' && typeof cell !== 'object') return text;
  if (WHOLE_NUMBERS.has(from.typeId)) return Number.isSafeInteger(Number(text)) ? Number(text) : text;
  return from.typeId === Id.DECIMAL ? Number(text) : cell;
}

/**
 * `2020-01-02 03:04:05.5+02` becomes `2020-01-02T03:04:05.5+02:00`.
 * @param {string} text
 */
function isoTime(text) {
  return text
    .replace(' ', 'T')
    .replace(/[+]00(:00)?$/, 'Z')
    .replace(/([+-]\d\d)$/, (zone) => (text.includes(':') ? `${zone}:00` : zone));
}

/** @param {ValueType} type */
export function required(type) {
  if (type.kind !== 'union') return type;
  const [only, ...others] = type.types.filter((member) => member.kind !== 'null');
  return only && others.length === 0 ? only : type;
}

/** @param {ValueType} type */
const itemOf = (type) => (type.kind === 'array' ? type.items : ANY);

/**
 * @param {ValueType} type
 * @param {string} name
 */
const fieldOf = (type, name) =>
  (type.kind === 'record' ? type.fields.find((field) => field.name === name)?.type : undefined) ?? ANY;
