/** Reads what Hadoop's client says of its job: the id, and how far it is. */
import { pipeline, Transform, type Readable } from 'node:stream';

export interface JobListener {
  readonly started: (jobId: string) => void;
  readonly progress: (map: number, reduce: number) => void;
}

/** A longer line is none of these. */
const MAX_LINE = 4096;

/** The same bytes; the listener is told of the lines among them. */
export function listen(stream: Readable, listener: JobListener): Readable {
  let carried = '';
  const through = new Transform({
    transform(chunk: Buffer, _, done) {
      const lines = (carried + chunk.toString('latin1')).split('\n');
      carried = (lines.pop() ?? '').slice(0, MAX_LINE);
      for (const line of lines) read(line, listener);
      done(null, chunk);
    },
  });
  // Whichever side is closed first closes the other; the pump reads the end.
  pipeline(stream, through, () => {});
  return through;
}

function read(line: string, { started, progress }: JobListener): void {
  const id = /\bRunning job: (job_[\w-]+)/.exec(line)?.[1];
  if (id !== undefined) started(id);
  const [, map, reduce] = /\bmap (\d{1,3})% reduce (\d{1,3})%/.exec(line) ?? [];
  if (map !== undefined && reduce !== undefined) progress(Number(map), Number(reduce));
}
