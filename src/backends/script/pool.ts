/**
 * Interpreters that wait, started, with their packages loaded. Each runs one script and then ends with it, so that no
 * script sees anything of another; the next one starts in its place.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '../../domain/errors';
import { removeTree } from '../attempt/attemptDirectory';
import { spawnProcess, type NativeProcess } from '../process/nativeProcess';
import { processStart } from '../process/processList';
import { killTree } from '../process/processTree';

/** An interpreter that waits. */
export interface Waiting {
  readonly process: NativeProcess;
  /** Its working directory, which nobody else has. What is still there at its end is removed. */
  readonly folder: string;
}

export interface Pool {
  /** One that waits; undefined when none does just now. */
  take(): Waiting | undefined;
  /** Why those that were to wait do not, in a sentence; empty when nothing is wrong. */
  trouble(): string;
  close(): Promise<void>;
}

export interface PoolOptions {
  readonly size: number;
  /** Where its folder is made, which is the home of those that wait. */
  readonly parent: string;
  /** The words and the environment of an interpreter that is to wait; undefined: there is none on this machine. */
  readonly command: (
    home: string,
  ) => { readonly argv: readonly string[]; readonly env: Readonly<Record<string, string>> } | undefined;
  readonly log: (message: string) => void;
}

/** After one that ended before it was used, the next one starts so much later, in milliseconds: twice as long each time. */
const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 5 * 60 * 1000;
/**
 * The next one is started when the script that was given one has had so long for itself, or soon after its end: not at
 * once, for its worker is busy with that end. In milliseconds.
 */
const HEAD_START_MS = 100;
const AFTER_END_MS = 10;
/** A pipe that somebody else still holds is given up after so long, in milliseconds. */
const LAST_WORDS_MS = 1000;
/** Of what one said before it ended, so much is told, in characters. */
const TOLD_CHARACTERS = 500;

export function createPool({ size, parent, command, log }: PoolOptions): Pool {
  const waiting: Waiting[] = [];
  let home: string | undefined;
  let pauseMs = 0;
  let timer: NodeJS.Timeout | undefined;
  let trouble = '';
  let closed = false;

  const failed = (message: string): void => {
    if (message !== trouble) log(message);
    trouble = message;
    pauseMs = Math.min(LONGEST_PAUSE_MS, pauseMs === 0 ? FIRST_PAUSE_MS : 2 * pauseMs);
  };
  const commonHome = (): string => {
    mkdirSync(parent, { recursive: true });
    return (home ??= mkdtempSync(join(parent, 'warm-')));
  };
  const startOne = (): boolean => {
    const words = command(commonHome());
    if (!words) return false;
    const folder = mkdtempSync(join(commonHome(), 'one-'));
    const child = spawnProcess({ ...words, cwd: folder, stdin: 'pipe' });
    // It has ended, which its exit tells.
    child.stdin?.on('error', () => {});
    const one = { process: child, folder };
    waiting.push(one);
    void child.exited.then(() => endedEarly(one));
    return true;
  };
  const fill = (): void => {
    clearTimeout(timer);
    timer = undefined;
    try {
      while (!closed && waiting.length < size && startOne());
    } catch (error) {
      failed(`An interpreter that was to wait could not be started: ${messageOf(error)}`);
      refill(pauseMs);
    }
  };
  const refill = (afterMs: number): void => {
    if (closed || timer) return;
    timer = setTimeout(fill, afterMs);
    timer.unref();
  };
  const endedEarly = async (one: Waiting): Promise<void> => {
    const at = waiting.indexOf(one);
    if (at < 0) return;
    waiting.splice(at, 1);
    const said = (await lastWords(one.process)).trim();
    discard(one);
    failed(`Interpreters that wait end before they are used: ${said || 'they say nothing of it'}`);
    refill(pauseMs);
  };

  fill();
  return {
    take() {
      // Of one that was killed a moment ago the end may not have been heard yet: it stays for those who wait for that.
      const at = waiting.findIndex(({ process: { pid } }) => processStart(pid) !== undefined);
      const [one] = at < 0 ? [] : waiting.splice(at, 1);
      if (one) {
        // It came so far, so the next one will.
        pauseMs = 0;
        trouble = '';
        void one.process.exited.then(() => {
          rmSync(one.folder, { recursive: true, force: true });
          if (pauseMs > 0 || !timer) return;
          clearTimeout(timer);
          timer = undefined;
          refill(AFTER_END_MS);
        });
      }
      refill(Math.max(HEAD_START_MS, pauseMs));
      return one;
    },
    trouble: () => trouble,
    async close() {
      closed = true;
      clearTimeout(timer);
      const rest = waiting.splice(0);
      await Promise.all(
        rest.map(async (one) => {
          await killTree({ pid: one.process.pid, marks: [] }, 0);
          await one.process.exited;
          discard(one);
        }),
      );
      if (home !== undefined) await removeTree(home);
    },
  };
}

/** What one that has ended had written on standard error, as far as the pipe holds it. */
async function lastWords({ stderr }: NativeProcess): Promise<string> {
  let said = '';
  const ended = new Promise<void>((resolve) => stderr.once('close', resolve));
  stderr.on('data', (bytes: Buffer) => (said = `${said}${bytes.toString()}`.slice(-TOLD_CHARACTERS)));
  await Promise.race([ended, delay(LAST_WORDS_MS, undefined, { ref: false })]);
  return said;
}

function discard({ process: { stdin, stdout, stderr }, folder }: Waiting): void {
  for (const stream of [stdin, stdout, stderr]) stream?.destroy();
  rmSync(folder, { recursive: true, force: true });
}
