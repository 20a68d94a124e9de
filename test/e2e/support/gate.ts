import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { eventually } from './wait';

/**
 * Jobs whose steps tell that they run and wait until they may go on: `hold` (one step), `short` (one quick step).
 * A step appends `<pid> <attempt>` to the file `ran` of the folder `gate`, and ends when `open` or `open-<attempt>`
 * is there.
 */
export const GATED_JOBS = `
task: hold
shell: true
command: |
  n="\${STEPCAST_ATTEMPT##*.}"
  echo "$$ $n" >> "$gate/ran"
  while [ ! -e "$gate/open" ] && [ ! -e "$gate/open-$n" ]; do sleep 0.05; done
  echo "attempt $n" > "$result"
parameters: { gate: { type: string } }
outputs: { result: '*.result' }
---
task: short
shell: true
command: echo "$$ \${STEPCAST_ATTEMPT##*.} $name" >> "$gate/ran"
parameters: { gate: { type: string }, name: { type: string, default: short } }
---
job: hold
inputs: { gate: string }
steps: { hold: { task: hold, in: { gate: gate } } }
outputs: { result: hold.result }
---
job: short
inputs: { gate: string, name: { type: string, default: short } }
steps: { short: { task: short, in: { gate: gate, name: name } } }
`;

/** A folder by which a test and its steps talk. */
export interface Gate {
  readonly folder: string;
  /** What the steps wrote so far, in words, one entry per run. */
  runs(): Promise<string[][]>;
  /** Waits until this many runs have begun. */
  untilRuns(count: number, withinMs?: number): Promise<string[][]>;
  /** Lets all runs end, or those of one attempt. */
  open(attempt?: number): Promise<void>;
  remove(): Promise<void>;
}

export async function makeGate(): Promise<Gate> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'stepcast-gate-'));
  const runs = async (): Promise<string[][]> => {
    const text = await readFile(path.join(folder, 'ran'), 'utf8').catch(() => '');
    return text
      .split('\n')
      .slice(0, -1)
      .map((line) => line.split(' '));
  };
  return {
    folder,
    runs,
    untilRuns: (count, withinMs) =>
      eventually(
        `${count} runs at ${folder}`,
        async () => {
          const found = await runs();
          return found.length >= count ? found : null;
        },
        withinMs,
      ),
    open: (attempt) => writeFile(path.join(folder, attempt === undefined ? 'open' : `open-${attempt}`), ''),
    remove: () => rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 }),
  };
}
