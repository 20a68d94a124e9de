/** What kind of content a produced file holds: by its name's ending, else by its first bytes. */
import { open } from 'node:fs/promises';
import { extname } from 'node:path';
import { lookup } from 'mime-types';

const SNIFFED_BYTES = 1024;

/** Endings that the common table lacks, or knows from another trade. */
const OF_OUR_TRADE: Readonly<Record<string, string>> = {
  '.pdb': 'chemical/x-pdb',
  '.fa': 'text/x-fasta',
  '.faa': 'text/x-fasta',
  '.fna': 'text/x-fasta',
  '.fasta': 'text/x-fasta',
  '.parquet': 'application/vnd.apache.parquet',
};

const OPENINGS: readonly (readonly [bytes: Buffer, mediaType: string])[] = [
  [Buffer.from([0x89, 0x50, 0x4e, 0x47]), 'image/png'],
  [Buffer.from('GIF8'), 'image/gif'],
  [Buffer.from([0xff, 0xd8, 0xff]), 'image/jpeg'],
  [Buffer.from('%PDF-'), 'application/pdf'],
  [Buffer.from([0x1f, 0x8b]), 'application/gzip'],
  [Buffer.from([0x50, 0x4b, 0x03, 0x04]), 'application/zip'],
];

/** The media type of the file at `path`, which is known to people as `name`. */
export async function mediaTypeOf(path: string, name: string): Promise<string> {
  const byName = OF_OUR_TRADE[extname(name).toLowerCase()] ?? (extname(name) === '' ? false : lookup(name));
  return byName || sniff(await firstBytes(path));
}

async function firstBytes(path: string): Promise<Buffer> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(SNIFFED_BYTES), 0, SNIFFED_BYTES, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

function sniff(bytes: Buffer): string {
  const opening = OPENINGS.find(([start]) => bytes.subarray(0, start.length).equals(start));
  if (opening) return opening[1];
  return isText(bytes) ? 'text/plain' : 'application/octet-stream';
}

function isText(bytes: Buffer): boolean {
  if (bytes.includes(0)) return false;
  try {
    // As a stream, so that a character cut in two by the limit is no fault.
    new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: bytes.length === SNIFFED_BYTES });
    return true;
  } catch {
    return false;
  }
}
