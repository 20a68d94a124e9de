import { spawn, type ChildProcess } from 'node:child_process';
import path from 'node:path';

const BIN = path.join(__dirname, '../../bin/stepcast.js');

export interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** The command while it runs. */
export interface Running {
  readonly process: ChildProcess;
  readonly ended: Promise<Ran>;
  /** Waits until its standard output matches. */
  says(pattern: RegExp): Promise<void>;
}

/** Starts `stepcast` as a shell would. */
export function startCommand(url: string, ...args: readonly string[]): Running {
  const child = spawn(process.execPath, [BIN, ...args], {
    env: { PATH: process.env['PATH'], STEPCAST_URL: url },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let out = '';
  let err = '';
  let over = false;
  const listeners = new Set<() => void>();
  const wake = (): void => listeners.forEach((listener) => listener());
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text;
    wake();
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    err += text;
  });
  const ended = new Promise<Ran>((resolve) => {
    child.once('close', (code) => {
      over = true;
      resolve({ code, out, err });
      wake();
    });
  });
  const says = (pattern: RegExp): Promise<void> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        if (!pattern.test(out) && !over) return;
        listeners.delete(look);
        if (pattern.test(out)) resolve();
        else reject(new Error(`stepcast ended without saying ${String(pattern)}:\n${out}${err}`));
      };
      listeners.add(look);
      look();
    });
  return { process: child, ended, says };
}

/** Runs `stepcast` to its end. */
export function stepcast(url: string, ...args: readonly string[]): Promise<Ran> {
  return startCommand(url, ...args).ended;
}

/** Jobs that the examples lack: one that fails, one that waits for a file, one with inputs of every kind. */
export const JOBS = `
job: break
steps: { first: { task: say-hello }, second: { task: fail-loudly, after: [first] } }
---
job: break-one
inputs: { codes: 'int[]' }
steps: { each: { task: exit-with, in: { code: codes }, scatter: code } }
---
job: wait-for-file
inputs: { file: string }
steps: { begin: { task: say-hello }, wait: { task: wait-for, in: { file: file }, after: [begin] } }
---
job: list-folder
inputs: { folder: Directory, file: File }
steps: { list: { task: list-folder, in: { folder: folder, file: file } } }
---
task: list-folder
shell: true
command: cd "$folder"; find . | sort; cat "$file.idx"
inputs: { folder: Directory, file: { type: File, secondary: .idx } }
---
job: maybe-fail
inputs: { code: int }
steps: { end: { task: exit-with, in: { code: code } } }
---
task: exit-with
shell: true
command: exit "$code"
parameters: { code: int }
---
job: many-kinds
inputs:
  files: 'File[]'
  words: { type: 'string[]', default: [] }
  big: { type: 'long?' }
  flag: { type: boolean, default: false }
steps: { list: { task: list-all, in: { files: files, words: words, big: big, flag: flag } } }
outputs: { listing: list.listing }
---
task: say-hello
command: echo hello
---
task: fail-loudly
shell: true
command: |
  for n in 1 2 3; do echo "line $n"; done
  echo 'the disk is on fire' >&2
  exit 3
---
task: wait-for
shell: true
command: |
  echo waiting
  while [ ! -e "$file" ]; do sleep 0.05; done
  echo '::progress 50 half'
  echo found
parameters: { file: string }
---
task: list-all
command: cat $I1
stdout: listing
inputs: { files: 'File[]', words: 'string[]', big: 'long?' }
parameters: { flag: { type: boolean, default: false } }
outputs: { listing: { from: stdout, path: listing.txt } }
`;
