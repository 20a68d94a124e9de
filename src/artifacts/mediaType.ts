/** What kind of file it is, told by its first bytes, and by its name where they do not say. */
import { open } from 'node:fs/promises';
import { extname } from 'node:path';
import { lookup } from 'mime-types';

/** How much of a file's start is looked at: what `file-type` needs for the formats it knows. */
export const SNIFFED_BYTES = 4100;

const UNKNOWN = 'application/octet-stream';
/** Families of formats: where the content says only this, a name that says more is believed. */
const CONTAINERS: ReadonlySet<string> = new Set([
  'application/zip',
  'application/xml',
  'application/x-cfb',
  'application/gzip',
]);
/** Endings that the common table lacks, or knows from another trade. */
const OF_OUR_TRADE: Readonly<Record<string, string>> = {
  '.pdb': 'chemical/x-pdb',
  '.fa': 'text/x-fasta',
  '.faa': 'text/x-fasta',
  '.fna': 'text/x-fasta',
  '.fasta': 'text/x-fasta',
  '.parquet': 'application/vnd.apache.parquet',
};
/** Text formats whose media type does not say that they are text. */
const TEXT_TYPE =
  /^text\/|^chemical\/|^application\/(json|xml|yaml|toml|sql|rtf|graphql|javascript|ecmascript|x-sh|x-tex|.+\+(json|xml))$/;

/** The media type of a file on this machine; `name` is what its owner called it. */
export async function sniffMediaType(path: string, name: string): Promise<string> {
  const file = await open(path, 'r');
  try {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(SNIFFED_BYTES), 0, SNIFFED_BYTES, 0);
    return await mediaTypeOf(buffer.subarray(0, bytesRead), name);
  } finally {
    await file.close();
  }
}

/** The media type of what starts with `start` (at most SNIFFED_BYTES of it). */
export async function mediaTypeOf(start: Buffer, name: string): Promise<string> {
  const { fileTypeFromBuffer, supportedMimeTypes } = await import('file-type');
  const named = OF_OUR_TRADE[extname(name).toLowerCase()] ?? (lookup(name) || undefined);
  const found = (await fileTypeFromBuffer(start))?.mime;
  if (found !== undefined)
    return CONTAINERS.has(found) && named !== undefined && named !== 'text/plain' ? named : found;
  if (isUtf8Start(start)) return named !== undefined && TEXT_TYPE.test(named) ? named : 'text/plain';
  // A format that its first bytes give away is not what a mere name claims; neither are these bytes text.
  if (named === undefined || supportedMimeTypes.has(named) || TEXT_TYPE.test(named)) return UNKNOWN;
  return named;
}

function isUtf8Start(start: Buffer): boolean {
  if (start.includes(0)) return false;
  try {
    // `stream`: the last character may be cut.
    new TextDecoder('utf-8', { fatal: true }).decode(start, { stream: true });
    return true;
  } catch {
    return false;
  }
}
