/** The formats in which rows lie in files, and how a file's is told. */
import { extname } from 'node:path';

export const TABLE_FORMATS = ['csv', 'tsv', 'json', 'ndjson', 'parquet'] as const;
export type TableFormat = (typeof TABLE_FORMATS)[number];

/** Names, media types and EDAM's numbers, in lower case. */
const SPELLINGS: Readonly<Record<string, TableFormat>> = {
  csv: 'csv',
  'text/csv': 'csv',
  format_3752: 'csv',
  tsv: 'tsv',
  tab: 'tsv',
  'text/tab-separated-values': 'tsv',
  format_3475: 'tsv',
  json: 'json',
  'application/json': 'json',
  format_3464: 'json',
  ndjson: 'ndjson',
  jsonl: 'ndjson',
  jsonlines: 'ndjson',
  'application/x-ndjson': 'ndjson',
  parquet: 'parquet',
  pq: 'parquet',
  'application/vnd.apache.parquet': 'parquet',
};

/** What compresses text; Parquet does that itself. */
const COMPRESSED = /\.(gz|zst)$/i;

/** By what is declared, else by the ending of the name; undefined for a file that is no table. */
export function tableFormat(declared: string | undefined, name: string): TableFormat | undefined {
  const written = declared?.toLowerCase() ?? '';
  const told = SPELLINGS[written] ?? SPELLINGS[/[^/#:]+$/.exec(written)?.[0] ?? ''];
  return told ?? SPELLINGS[extname(name.replace(COMPRESSED, '')).slice(1).toLowerCase()];
}
