import { isUtf8 } from 'node:buffer';
import type { Readable } from 'node:stream';
import { formatBytes } from '../artifacts/formatBytes';
import { Rejection } from './validator';

/** The longest line that is looked at. */
export const MAX_LINE_BYTES = 1024 * 1024;

const NEWLINE = 0x0a;
const RETURN = 0x0d;

/**
 * Reads UTF-8 text line by line; `onLine` gets each line without its end, and its number from 1. A byte order mark is
 * dropped; what follows the last newline is a line only when there is something. Rejects other encodings and lines
 * above MAX_LINE_BYTES.
 */
export async function eachLine(text: Readable, onLine: (line: string, number: number) => void): Promise<void> {
  let number = 0;
  let carried: Buffer = Buffer.alloc(0);

  const take = (line: Buffer): void => {
    number += 1;
    if (number === 1) rejectUtf16(line);
    if (!isUtf8(line)) throw notUtf8(number);
    const from = number === 1 && line.length >= 3 && line.readUIntBE(0, 3) === 0xefbbbf ? 3 : 0;
    const to = line.at(-1) === RETURN ? line.length - 1 : line.length;
    onLine(line.toString('utf8', from, Math.max(from, to)), number);
  };

  for await (const chunk of text as AsyncIterable<Buffer>) {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      const line = chunk.subarray(start, end);
      take(carried.length > 0 ? Buffer.concat([carried, line]) : line);
      carried = Buffer.alloc(0);
      start = end + 1;
    }
    if (start < chunk.length) carried = Buffer.concat([carried, chunk.subarray(start)]);
    if (carried.length > MAX_LINE_BYTES) {
      throw new Rejection(`Line ${number + 1} is longer than ${formatBytes(MAX_LINE_BYTES)}; a line must be shorter.`);
    }
  }
  if (carried.length > 0) take(carried);
}

/** Passes UTF-8 on as it is, and rejects other encodings with the line. */
export async function* onlyUtf8(text: Readable): AsyncGenerator<Buffer> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let line = 1;
  for await (const chunk of text as AsyncIterable<Buffer>) {
    if (line === 1) rejectUtf16(chunk);
    try {
      decoder.decode(chunk, { stream: true });
    } catch {
      throw notUtf8(line + linesBeforeFault(chunk));
    }
    for (let at = chunk.indexOf(NEWLINE); at !== -1; at = chunk.indexOf(NEWLINE, at + 1)) line += 1;
    yield chunk;
  }
  try {
    decoder.decode();
  } catch {
    throw notUtf8(line);
  }
}

/** How many lines of the chunk end before the one that is not UTF-8. The first may begin within a character. */
function linesBeforeFault(chunk: Buffer): number {
  let start = chunk.indexOf(NEWLINE) + 1;
  for (let before = 1; start > 0; before += 1) {
    const end = chunk.indexOf(NEWLINE, start);
    if (end === -1) return isUtf8(chunk.subarray(start)) ? 0 : before;
    if (!isUtf8(chunk.subarray(start, end))) return before;
    start = end + 1;
  }
  return 0;
}

function rejectUtf16(start: Buffer): void {
  if (start.length >= 2 && (start.readUInt16BE(0) === 0xfeff || start.readUInt16BE(0) === 0xfffe)) {
    throw new Rejection('The text is in UTF-16; save it as UTF-8.');
  }
}

function notUtf8(line: number): Rejection {
  return new Rejection(`Line ${line} is not UTF-8 text; save the file as UTF-8.`);
}
