import { createWriteStream, mkdirSync, openSync, renameSync, statSync, type WriteStream } from 'node:fs';
import path from 'node:path';

/** One log holds at most twice this: the file and its predecessor `….1`. */
const MAX_LOG_BYTES = 10 * 1024 * 1024;

/** A log of bounded size. */
export interface LogFile {
  readonly path: string;
  write(line: string): void;
  close(): Promise<void>;
}

/** Opens `<folder>/<name>.log`; when it is full it becomes `<name>.log.1`, and a new one begins. */
export function openLog(folder: string, name: string, maxBytes = MAX_LOG_BYTES): LogFile {
  mkdirSync(folder, { recursive: true });
  const file = path.join(folder, `${name}.log`);
  let size = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  let stream = open(file);
  return {
    path: file,
    write(line) {
      const bytes = Buffer.byteLength(line) + 1;
      if (size + bytes > maxBytes && size > 0) {
        stream = turnOver(file, stream);
        size = 0;
      }
      size += bytes;
      // A disk that cannot keep up must not make this process grow: lines are lost instead.
      if (stream.writableLength < maxBytes) stream.write(`${line}\n`);
    },
    close: () =>
      new Promise((resolve) => {
        stream.once('close', resolve);
        stream.end();
      }),
  };
}

function turnOver(file: string, full: WriteStream): WriteStream {
  try {
    renameSync(file, `${file}.1`);
    const next = open(file);
    full.end();
    return next;
  } catch {
    return full;
  }
}

function open(file: string): WriteStream {
  // Opened at once: a stream that opens later would open whatever file has the name by then.
  const stream = createWriteStream(file, { fd: openSync(file, 'a') });
  // A full disk must not end the service: its log just stops.
  stream.on('error', () => undefined);
  return stream;
}
