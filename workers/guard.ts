/**
 * A guard ends a worker's commands when the worker can no longer do it: after `kill -9`, a crash or the out-of-memory
 * killer. It is a small process of its own that does nothing but wait for the end of a pipe that only the worker holds.
 * The kernel closes that pipe however the worker dies.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { StepcastError } from '../src/domain/errors';
import { formatMark, ownMark, WORKER_VARIABLE } from '../src/backends/process/identity';
import { killMarked } from '../src/backends/process/processTree';

/** A worker's guard, seen from the worker. */
export interface Guard {
  /** The guard's process now; another one after it was replaced. */
  readonly pid: number | undefined;
  /** Lets the guard go: it ends what still carries the worker's mark, and exits. Idempotent. */
  close(): Promise<void>;
}

export interface GuardOptions {
  readonly workerId: string;
  /** Told when the guard died and was replaced, or could not be. */
  readonly log?: (message: string) => void;
  /** The compiled guard; this file by default. */
  readonly script?: string;
}

/** A guard that keeps dying is given up after so many replacements: something on the machine does not want it. */
const MAX_REPLACEMENTS = 10;
const REPLACE_AFTER_MS = 1000;
/** A guard waits for a pipe; it needs next to no heap. */
const NODE_FLAGS = ['--max-old-space-size=32', '--max-semi-space-size=1'];
/** After the last process was found dead, one more look: a command may have been about to start as the worker died. */
const SECOND_LOOK_MS = 100;

/** Starts the guard of the process that calls. The guard lives in a session of its own, so a Ctrl-C passes it by. */
export function startGuard(options: GuardOptions): Guard {
  const script = options.script ?? __filename;
  const mark = formatMark(ownMark(options.workerId));
  let child: ChildProcess;
  let exited: Promise<void>;
  let closing = false;
  let replacements = 0;

  const start = (): void => {
    child = spawn(process.execPath, [...NODE_FLAGS, script, mark], {
      detached: true,
      stdio: ['pipe', 'ignore', 'inherit'],
      env: {},
    });
    child.stdin?.on('error', () => {}); // a pipe to a guard that died; its exit is handled below
    child.unref();
    exited = new Promise((resolve) => {
      child.once('error', () => resolve());
      child.once('exit', () => resolve());
    });
    void exited.then(() => {
      if (!closing) void replace();
    });
  };

  const replace = async (): Promise<void> => {
    replacements += 1;
    if (replacements > MAX_REPLACEMENTS) {
      options.log?.(
        'The worker runs without its guard, which died again and again. After a crash, commands may go on.',
      );
      return;
    }
    options.log?.("The worker's guard died; another one starts.");
    await delay(REPLACE_AFTER_MS, undefined, { ref: false });
    if (!closing) start();
  };

  start();
  return {
    get pid() {
      return child.pid;
    },
    async close() {
      closing = true;
      child.stdin?.end();
      child.ref();
      await exited;
    },
  };
}

/** The guard itself: waits for the end of its standard input, then ends everything with the mark. */
async function watch(mark: string | undefined): Promise<void> {
  if (!mark) throw new StepcastError('CONFIGURATION', 'The guard is started by a worker, with its mark as argument.');
  for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(name, () => {}); // it outlives its worker
  process.stdin.resume();
  await new Promise((resolve) => process.stdin.once('end', resolve).once('error', resolve));
  await killMarked(`${WORKER_VARIABLE}=${mark}`);
  await delay(SECOND_LOOK_MS);
  await killMarked(`${WORKER_VARIABLE}=${mark}`);
}

if (require.main === module) {
  watch(process.argv[2]).then(
    () => process.exit(0),
    (error: unknown) => {
      process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
      process.exit(1);
    },
  );
}
