/**
 * The output of a container: live over its connection, and told again from the engine's log where that broke. The log
 * holds all of it; what was delivered already is passed over.
 */
import { PassThrough, type Readable } from 'node:stream';

export interface OutputSink {
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** The first bytes of standard error, in which a container's first process says why it started nothing. */
  firstError(): string;
  /** Delivers a stream of frames to its end, at the pace of the readers. Rejects when the stream breaks. */
  carry(frames: Readable): Promise<void>;
  /** The same with all that was ever written: what was delivered is passed over. */
  carryAgain(frames: Readable): Promise<void>;
  end(): void;
}

type Name = 'stdout' | 'stderr';

const HEADER_BYTES = 8;
const STDERR = 2;
const FIRST_BYTES = 512;

export function createOutputSink(): OutputSink {
  const streams = { stdout: new PassThrough(), stderr: new PassThrough() };
  const delivered = { stdout: 0, stderr: 0 };
  let first = '';

  const deliver = async (name: Name, bytes: Buffer): Promise<void> => {
    const stream = streams[name];
    delivered[name] += bytes.length;
    if (name === 'stderr' && first.length < FIRST_BYTES) first += bytes.toString('latin1', 0, FIRST_BYTES);
    if (stream.destroyed || stream.write(bytes)) return;
    await roomIn(stream);
  };

  const carryFrom = async (frames: Readable, passOver: Record<Name, number>): Promise<void> => {
    for await (const { name, bytes } of readFrames(frames)) {
      const over = Math.min(passOver[name], bytes.length);
      passOver[name] -= over;
      if (over < bytes.length) await deliver(name, bytes.subarray(over));
    }
  };

  return {
    ...streams,
    firstError: () => first,
    carry: (frames) => carryFrom(frames, { stdout: 0, stderr: 0 }),
    carryAgain: (frames) => carryFrom(frames, { ...delivered }),
    end: () => {
      for (const stream of Object.values(streams)) stream.end();
    },
  };
}

function roomIn(stream: PassThrough): Promise<void> {
  return new Promise((resolve) => {
    const go = (): void => {
      stream.off('drain', go).off('close', go);
      resolve();
    };
    stream.on('drain', go).on('close', go);
  });
}

/** Takes apart what the engine puts together: one byte for the stream, three empty ones, four for the length, the bytes. */
async function* readFrames(source: Readable): AsyncGenerator<{ readonly name: Name; readonly bytes: Buffer }> {
  let header = Buffer.alloc(0);
  let name: Name = 'stdout';
  let left = 0;
  for await (const chunk of source) {
    let bytes = chunk as Buffer;
    while (bytes.length > 0) {
      if (left === 0) {
        const wanted = HEADER_BYTES - header.length;
        header = Buffer.concat([header, bytes.subarray(0, wanted)]);
        bytes = bytes.subarray(wanted);
        if (header.length < HEADER_BYTES) break;
        name = header[0] === STDERR ? 'stderr' : 'stdout';
        left = header.readUInt32BE(4);
        header = Buffer.alloc(0);
        continue;
      }
      const part = bytes.subarray(0, left);
      left -= part.length;
      bytes = bytes.subarray(part.length);
      yield { name, bytes: part };
    }
  }
}
