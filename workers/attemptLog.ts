/** The log of one Attempt on its way to Postgres: small delay, few statements, bounded size, bounded memory. */
import type { PubSub } from '../src/delivery/pubsub';
import type { Database } from '../src/store/database';
import { appendLog, logSize, type LogStream } from '../src/store/statements/logs';

export interface AttemptLog {
  /** Resolves when there is room for more: backpressure for the command's pipe. */
  write(stream: LogStream, bytes: Buffer): Promise<void>;
  /** Resolves when all is stored. Never rejects: a log that cannot be stored does not fail its step. */
  close(): Promise<void>;
}

/** Output is gathered for this long, so that a chatty command costs few statements. */
const FLUSH_MS = 50;
const CHUNK_BYTES = 65_536;
/** Past this much unstored output the command's pipe waits. */
const HIGH_WATER_BYTES = 4 * CHUNK_BYTES;

interface Piece {
  readonly stream: LogStream;
  readonly data: Buffer;
}

export function openAttemptLog(
  {
    db,
    pubsub,
    maxBytes,
    onTrouble,
  }: { db: Database; pubsub: PubSub; maxBytes: number; onTrouble: (error: unknown) => void },
  stepRunId: string,
  attempt: number,
): AttemptLog {
  let offset: Promise<number> | null = null;
  let pieces: Piece[] = [];
  let pending = 0;
  let accepted: number | null = null;
  let cut = false;
  let flushing: Promise<void> = Promise.resolve();
  let timer: NodeJS.Timeout | null = null;

  const flush = (): Promise<void> => {
    if (timer) clearTimeout(timer);
    timer = null;
    const batch = pieces;
    pieces = [];
    pending = 0;
    if (batch.length > 0) flushing = flushing.then(() => store(batch)).catch(onTrouble);
    return flushing;
  };

  const store = async (batch: readonly Piece[]): Promise<void> => {
    let start = await (offset ?? Promise.resolve(0));
    const chunks = merge(batch).map(({ stream, data }) => {
      const chunk = { stepRunId, startByte: start, attempt, stream, data };
      start += data.length;
      return chunk;
    });
    await appendLog(db, chunks);
    offset = Promise.resolve(start);
    pubsub.publish(`log:${stepRunId}`, String(start));
  };

  const add = (stream: LogStream, data: Buffer): void => {
    pieces.push({ stream, data });
    pending += data.length;
    timer ??= setTimeout(() => void flush(), FLUSH_MS);
  };

  return {
    write: async (stream, bytes) => {
      // Only a later Attempt finds something before it; the first begins at 0 without asking.
      offset ??= attempt === 1 ? Promise.resolve(0) : logSize(db, stepRunId);
      accepted ??= await offset.catch(() => 0);
      if (cut) return;
      const room = maxBytes - accepted;
      accepted += Math.min(room, bytes.length);
      if (room > 0) add(stream, Buffer.from(bytes.subarray(0, room)));
      if (bytes.length > room) {
        cut = true;
        add('system', Buffer.from(`\n[log cut at ${maxBytes} bytes; the command runs on]\n`));
      }
      if (pending >= HIGH_WATER_BYTES) await flush();
    },
    close: () => flush(),
  };
}

/** Neighbouring pieces of one stream become one row, up to a chunk's size. */
function merge(pieces: readonly Piece[]): Piece[] {
  const merged: { stream: LogStream; parts: Buffer[]; size: number }[] = [];
  for (const { stream, data } of pieces) {
    for (let at = 0; at < data.length; at += CHUNK_BYTES) {
      const part = data.subarray(at, at + CHUNK_BYTES);
      const last = merged.at(-1);
      if (last && last.stream === stream && last.size + part.length <= CHUNK_BYTES) {
        last.parts.push(part);
        last.size += part.length;
      } else {
        merged.push({ stream, parts: [part], size: part.length });
      }
    }
  }
  return merged.map(({ stream, parts }) => ({
    stream,
    data: parts.length === 1 && parts[0] ? parts[0] : Buffer.concat(parts),
  }));
}
