import type { Readable } from 'node:stream';

/** Reads a stream by numbers of bytes; holds one chunk, and what one `take` asks for. */
export interface ByteReader {
  /** The next bytes; undefined when fewer are left. */
  take(count: number): Promise<Buffer | undefined>;
  /** The next bytes, fewer at the end. */
  takeUpTo(count: number): Promise<Buffer>;
  /** Passes over bytes; false when fewer are left. */
  skip(count: number): Promise<boolean>;
  /** Passes over all bytes up to and including the next such byte; false when there is none. */
  skipPast(byte: number): Promise<boolean>;
}

export function createByteReader(stream: Readable): ByteReader {
  const chunks = (stream as AsyncIterable<Buffer>)[Symbol.asyncIterator]();
  let chunk: Buffer = Buffer.alloc(0);

  /** Makes sure that the chunk has a byte. */
  async function fill(): Promise<boolean> {
    while (chunk.length === 0) {
      const next = await chunks.next();
      if (next.done) return false;
      chunk = next.value;
    }
    return true;
  }

  async function takeUpTo(count: number): Promise<Buffer> {
    if (chunk.length < count) {
      const parts: Buffer[] = [];
      let missing = count;
      while (missing > 0 && (await fill())) {
        const part = chunk.subarray(0, missing);
        parts.push(part);
        chunk = chunk.subarray(part.length);
        missing -= part.length;
      }
      return Buffer.concat(parts);
    }
    const taken = chunk.subarray(0, count);
    chunk = chunk.subarray(count);
    return taken;
  }

  return {
    takeUpTo,
    async take(count) {
      const taken = await takeUpTo(count);
      return taken.length === count ? taken : undefined;
    },
    async skip(count) {
      let left = count;
      while (left > 0) {
        if (!(await fill())) return false;
        const passed = Math.min(left, chunk.length);
        chunk = chunk.subarray(passed);
        left -= passed;
      }
      return true;
    },
    async skipPast(byte) {
      while (await fill()) {
        const at = chunk.indexOf(byte);
        chunk = at === -1 ? Buffer.alloc(0) : chunk.subarray(at + 1);
        if (at !== -1) return true;
      }
      return false;
    },
  };
}
