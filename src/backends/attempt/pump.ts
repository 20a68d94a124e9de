/** Carries one output stream of a command to whoever watches, at the pace of the slowest. */
import type { FileHandle } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { messageOf } from '../../domain/errors';
import type { AttemptObserver } from '../backend';
import { readProgress } from './progress';

export interface PumpRequest {
  readonly stream: Readable;
  readonly name: 'stdout' | 'stderr';
  readonly observer: AttemptObserver;
  /** Where the stream is written as well, when an output is made of it. */
  readonly file: FileHandle | undefined;
  /** Called when the command reports that it lives. */
  readonly beat?: () => void;
}

export interface Pump {
  /** All bytes are delivered and written. Rejects when the file cannot be written; the stream is then closed. */
  readonly done: Promise<void>;
  /** Milliseconds that deliveries were awaited, in all: the pipe may have been full behind them, and the command waited. */
  heldUpMs(): number;
  /** Milliseconds since the last byte; 0 while a delivery is awaited, for then the pipe may be full behind it. */
  quietFor(): number;
  /** Lets go of the pipe, whoever still holds its other end. */
  abandon(): void;
}

/** Starts at once. Nothing is read from the pipe while a delivery is awaited. */
export function pump({ stream, name, observer, file, beat }: PumpRequest): Pump {
  const progress = readProgress((percent, message) => observer.progress(percent, message), beat);
  let lastByteAt = performance.now();
  let delivering: Promise<void> | undefined;
  let heldSince = 0;
  let heldUpMs = 0;
  let fault: Error | undefined;

  const deliver = async (told: void | Promise<void>, chunk: Buffer): Promise<void> => {
    try {
      await Promise.all([told, file?.appendFile(chunk)]);
    } catch (error) {
      fault ??= error instanceof Error ? error : new Error(messageOf(error));
      stream.destroy();
    }
    delivering = undefined;
    lastByteAt = performance.now();
    heldUpMs += lastByteAt - heldSince;
    stream.resume();
  };

  stream.on('data', (chunk: Buffer) => {
    lastByteAt = performance.now();
    progress.feed(chunk);
    const told = observer.log(name, chunk);
    if (told === undefined && !file) return;
    stream.pause();
    heldSince = performance.now();
    delivering = deliver(told, chunk);
  });
  stream.on('error', () => {}); // a broken pipe ends the stream; what was read is delivered
  const done = new Promise<void>((resolve) => stream.once('close', () => resolve())).then(async () => {
    await delivering;
    progress.end();
    if (fault) throw fault;
  });
  done.catch(() => {}); // awaited later; until then it is not unhandled
  return {
    done,
    heldUpMs: () => heldUpMs + (delivering ? performance.now() - heldSince : 0),
    quietFor: () => (delivering ? 0 : performance.now() - lastByteAt),
    abandon: () => stream.destroy(),
  };
}
