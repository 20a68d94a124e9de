import { Readable } from 'node:stream';
import { CsvError, parse, type Info } from 'csv-parse';
import { formatBytes } from '../artifacts/formatBytes';
import type { CsvColumn } from '../domain/definitions';
import { onlyUtf8 } from './textLines';
import { counted, Rejection, shown, type SpecOf, type Validator } from './validator';

type CsvSpec = SpecOf<'csv'>;

/** The largest row that is looked at. */
const MAX_ROW_BYTES = 1024 * 1024;
const SHOWN_COLUMNS = 12;

/** A table in UTF-8 with a header line: the columns, the type of every cell, as many cells as the header, as many rows as wanted. */
export const csv: Validator<CsvSpec> = async (spec, { open }) => {
  let rows = 0;
  let header: readonly string[] | undefined;
  let checks: readonly CellCheck[] = [];
  try {
    for await (const { record, info } of recordsOf(open(), spec.delimiter)) {
      if (header === undefined) {
        header = record;
        checks = cellChecks(spec, header);
        continue;
      }
      rows += 1;
      if (spec.maxRows !== undefined && rows > spec.maxRows) {
        throw new Rejection(
          `The table has more than ${counted(spec.maxRows, 'row')}, which is the most that is allowed.`,
        );
      }
      checkRow(record, header, checks, info.lines);
    }
  } catch (error) {
    throw error instanceof CsvError ? rejectionOf(error) : error;
  }
  if (header === undefined) throw new Rejection('The file is empty; a table with a header line is needed.');
  if (spec.minRows !== undefined && rows < spec.minRows) {
    throw new Rejection(`The table has ${counted(rows, 'row')} below its header; at least ${spec.minRows} are needed.`);
  }
};

interface CsvRecord {
  readonly record: readonly string[];
  readonly info: Info;
}

function recordsOf(text: Readable, delimiter: string): AsyncIterable<CsvRecord> {
  const source = Readable.from(onlyUtf8(text), { objectMode: false });
  const parser = parse({
    bom: true,
    delimiter,
    info: true,
    // Rows of other lengths are ours to explain.
    relax_column_count: true,
    skip_empty_lines: true,
    max_record_size: MAX_ROW_BYTES,
  });
  source.on('error', (error) => parser.destroy(error));
  parser.on('close', () => source.destroy());
  return source.pipe(parser) as AsyncIterable<CsvRecord>;
}

interface CellCheck extends CsvColumn {
  readonly index: number;
}

function cellChecks(spec: CsvSpec, header: readonly string[]): CellCheck[] {
  const twice = header.find((name, index) => header.indexOf(name) !== index);
  if (twice !== undefined) throw new Rejection(`The header names the column ${shown(twice)} twice.`);
  const checks = spec.columns.map((column) => ({ ...column, index: header.indexOf(column.name) }));
  const missing = checks.find(({ index }) => index === -1);
  if (missing) {
    throw new Rejection(
      `The header has no column ${shown(missing.name)}. ${otherDelimiter(spec, header) ?? `It has ${listed(header)}.`}`,
    );
  }
  const extra = spec.exact ? header.find((name) => !spec.columns.some((column) => column.name === name)) : undefined;
  if (extra !== undefined) {
    throw new Rejection(
      `The header has the column ${shown(extra)}; allowed are only ${listed(spec.columns.map(({ name }) => name))}.`,
    );
  }
  return checks;
}

function otherDelimiter({ delimiter }: CsvSpec, header: readonly string[]): string | undefined {
  const [only = ''] = header;
  const other =
    header.length === 1 ? [',', ';', '\t', '|'].find((sign) => sign !== delimiter && only.includes(sign)) : undefined;
  return other === undefined
    ? undefined
    : `Its columns seem to be separated by ${named(other)}; expected is ${named(delimiter)}.`;
}

const named = (delimiter: string): string => (delimiter === '\t' ? 'a tab' : `"${delimiter}"`);

function listed(names: readonly string[]): string {
  const first = names.slice(0, SHOWN_COLUMNS).map(shown).join(', ');
  return names.length > SHOWN_COLUMNS ? `${first} and ${names.length - SHOWN_COLUMNS} more` : first;
}

function checkRow(
  cells: readonly string[],
  header: readonly string[],
  checks: readonly CellCheck[],
  line: number,
): void {
  if (cells.length !== header.length) {
    throw new Rejection(`Line ${line} has ${counted(cells.length, 'cell')}, but the header has ${header.length}.`);
  }
  for (const { index, name, type, optional } of checks) {
    const cell = cells[index] ?? '';
    if (cell === '') {
      if (!optional)
        throw new Rejection(`Line ${line}, column ${shown(name)}: the cell is empty; expected is ${EXPECTED[type]}.`);
    } else if (!IS_TYPE[type](cell.trim())) {
      throw new Rejection(`Line ${line}, column ${shown(name)}: ${shown(cell)} is not ${EXPECTED[type]}.`);
    }
  }
}

const EXPECTED: Readonly<Record<CsvColumn['type'], string>> = {
  string: 'text',
  int: 'a whole number',
  float: 'a number',
  boolean: 'true or false',
  date: 'a date such as 2024-02-29 or 2024-02-29T12:30:00Z',
};

const IS_TYPE: Readonly<Record<CsvColumn['type'], (cell: string) => boolean>> = {
  string: () => true,
  int: (cell) => /^[+-]?\d+$/.test(cell),
  float: (cell) => /^[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?$/i.test(cell),
  boolean: (cell) => /^(true|false|1|0)$/i.test(cell),
  date: isDate,
};

const DATE = /^(\d{4})-(\d{2})-(\d{2})([T ]([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?)?$/;

function isDate(cell: string): boolean {
  const [, year, month, day] = DATE.exec(cell) ?? [];
  if (year === undefined) return false;
  // Days that a month does not have roll over.
  const date = new Date(Date.UTC(Number(year), Number(month) - 1, Number(day)));
  return date.getUTCMonth() === Number(month) - 1 && date.getUTCDate() === Number(day);
}

function rejectionOf(error: CsvError): Rejection {
  const line = typeof error['lines'] === 'number' ? error['lines'] : undefined;
  const place = line === undefined ? 'The table' : `Line ${line}`;
  switch (error.code) {
    case 'CSV_QUOTE_NOT_CLOSED':
      return new Rejection('The table ends within quotes: a cell begins with a quote that nothing closes.');
    case 'CSV_MAX_RECORD_SIZE':
      return new Rejection(
        `${place} has a row above ${formatBytes(MAX_ROW_BYTES)}. Is a quote left open, or the file no table?`,
      );
    case 'INVALID_OPENING_QUOTE':
    case 'CSV_INVALID_CLOSING_QUOTE':
    case 'CSV_NON_TRIMABLE_CHAR_AFTER_CLOSING_QUOTE':
      return new Rejection(
        `${place} has a quote within a cell. Put the whole cell in quotes, and write quotes inside of it twice.`,
      );
    default:
      return new Rejection(`${place} cannot be read: ${error.message}`);
  }
}
