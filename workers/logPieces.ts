/** Output in pieces that are stored as rows, none of which cuts a UTF-8 character in two. Pure. */
import type { LogStream } from '../src/store/statements/logs';

export interface LogPiece {
  readonly stream: LogStream;
  readonly data: Buffer;
}

export interface WholeCharacters {
  /** The bytes, without a character at their end that is not complete, and with what was held back before. A copy. */
  take(bytes: Buffer): Buffer;
  /** What is still held back: the output ended within a character. */
  rest(): Buffer;
}

/** Holds back the start of a character until its rest comes. Bytes that are no UTF-8 pass as they are. */
export function wholeCharacters(): WholeCharacters {
  let held = Buffer.alloc(0);
  return {
    take: (bytes) => {
      // A copy in any case: the reader may use its buffer again.
      const data = Buffer.concat([held, bytes]);
      const end = characterEnd(data, data.length);
      held = data.subarray(end);
      return data.subarray(0, end);
    },
    rest: () => {
      const rest = held;
      held = Buffer.alloc(0);
      return rest;
    },
  };
}

/** Neighbouring pieces of one stream become one row, up to a row's size. */
export function joinPieces(pieces: readonly LogPiece[], maxBytes: number): LogPiece[] {
  const joined: { stream: LogStream; parts: Buffer[]; size: number }[] = [];
  for (const { stream, data } of pieces) {
    for (let at = 0, end = 0; at < data.length; at = end) {
      end = Math.min(data.length, at + maxBytes);
      if (end < data.length) end = at + (characterEnd(data.subarray(at), end - at) || end - at);
      const part = data.subarray(at, end);
      const last = joined.at(-1);
      if (last && last.stream === stream && last.size + part.length <= maxBytes) {
        last.parts.push(part);
        last.size += part.length;
      } else {
        joined.push({ stream, parts: [part], size: part.length });
      }
    }
  }
  return joined.map(({ stream, parts }) => ({
    stream,
    data: parts.length === 1 && parts[0] ? parts[0] : Buffer.concat(parts),
  }));
}

/** The last place at or before `end` where no character is cut, as far as the bytes are UTF-8 at all. */
function characterEnd(data: Buffer, end: number): number {
  for (let back = 1; back <= 3 && back <= end; back += 1) {
    const byte = data[end - back] ?? 0;
    if ((byte & 0xc0) === 0x80) continue;
    const length = byte >= 0xf0 && byte < 0xf8 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return byte < 0xf8 && length > back ? end - back : end;
  }
  return end;
}
