/**
 * Follows a file that grows on another machine. It is opened anew for each look: only that makes NFS ask the server, which
 * otherwise may show an old size for a minute.
 */
import { open } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import type { Pace } from './pace';

/** Nobody writes any more: the size that the file has in the end, null when that is not known. */
export interface FinalSize {
  readonly size: number | null;
}

export interface TailRequest {
  readonly path: string;
  readonly pace: Pace;
  /** Null while somebody may still write. */
  readonly final: () => FinalSize | null;
}

/** What is read at once, in bytes. */
const CHUNK_BYTES = 64 * 1024;
/** How long bytes that were written elsewhere may take to arrive here, in milliseconds. */
const ARRIVAL_MS = 30_000;
const LOOK_AGAIN_MS = 100;

/** The content from the beginning to the final size, as it comes. Nothing is read before the last chunk is taken. */
export function tail({ path, pace, final }: TailRequest): Readable {
  let offset = 0;
  let giveUpAt: number | null = null;

  /** The next bytes; null at the end. */
  async function next(): Promise<Buffer | null> {
    while (!stream.destroyed) {
      // Asked before reading: what is there afterwards was there before.
      const end = final();
      const { bytes, size } = await readAt(path, offset);
      // The command has cut its own log, as `> /dev/stdout` does. What was told is told; what comes is new.
      if (size < offset) offset = 0;
      else if (bytes.length > 0) {
        offset += bytes.length;
        pace.quicken();
        return bytes;
      } else if (!end) await pace.next();
      else if (offset >= (end.size ?? 0)) return null;
      else {
        giveUpAt ??= Date.now() + ARRIVAL_MS;
        if (Date.now() > giveUpAt) return null;
        await delay(LOOK_AGAIN_MS);
      }
    }
    return null;
  }

  const stream = new Readable({
    highWaterMark: CHUNK_BYTES,
    read() {
      next().then(
        (bytes) => void stream.push(bytes),
        (error: Error) => stream.destroy(error),
      );
    },
  });
  return stream;
}

async function readAt(path: string, offset: number): Promise<{ bytes: Buffer; size: number }> {
  const file = await open(path, 'r').catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null; // it has not arrived
    throw error;
  });
  if (!file) return { bytes: Buffer.alloc(0), size: offset };
  try {
    const { size } = await file.stat();
    if (size <= offset) return { bytes: Buffer.alloc(0), size };
    const buffer = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, size - offset));
    const { bytesRead } = await file.read(buffer, 0, buffer.length, offset);
    return { bytes: buffer.subarray(0, bytesRead), size };
  } finally {
    await file.close();
  }
}
