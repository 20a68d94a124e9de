import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { LEAVE } from '../config/parentWatch';
import type { LogFile } from './logFile';

/** Crashes within the window after which it is given up. */
const MAX_CRASHES = 5;
const CRASH_WINDOW_MS = 60_000;
const FIRST_DELAY_MS = 250;
const MAX_DELAY_MS = 8_000;
const TAIL_LINES = 12;
const MAX_LINE_CHARACTERS = 16_384;
/** Lines that reach the terminal in one window; the rest is in the log file. */
const MAX_SHOWN_LINES = 20;
const SHOWN_WINDOW_MS = 10_000;
/** pino's number for a warning. */
const WARN_LEVEL = 40;

export interface SupervisedOptions {
  /** As people call it: `API`, `Worker`. */
  readonly name: string;
  /** The program, a JavaScript file. */
  readonly entry: string;
  readonly args?: readonly string[];
  /** Asked at each start. */
  readonly environment: () => NodeJS.ProcessEnv;
  readonly log: LogFile;
  readonly print: (line: string) => void;
  /** Called once, when it crashed too often. */
  readonly gaveUp: (reason: string) => void;
}

/** A program that is started again when it crashes. */
export interface Supervised {
  readonly pid: () => number | undefined;
  /** Whether it ended at least once without being asked to. */
  crashes(): number;
  /** The last lines it wrote to standard error, for messages. */
  tail(): string;
  /** Ends and starts it again, for a changed environment. */
  restart(): void;
  /** Asks it to end and waits; kills it when it is not gone by then. */
  stop(withinMs: number): Promise<void>;
  /** Kills it now. */
  kill(): void;
}

/** Starts a program tied to us by an IPC channel, and starts it again, ever more slowly, when it crashes. */
export function supervise(options: SupervisedOptions): Supervised {
  const { name, log, print } = options;
  let child: ChildProcess;
  let stopping = false;
  let wanted = false;
  let crashed = 0;
  let recent: number[] = [];
  let timer: NodeJS.Timeout | undefined;
  let gone: Promise<void> = Promise.resolve();
  const tail: string[] = [];
  const show = limitedPrint(print, log.path);

  const start = (): void => {
    wanted = false;
    // A session of its own: Ctrl-C in the terminal reaches only the launcher, which stops all in order.
    child = spawn(process.execPath, [options.entry, ...(options.args ?? [])], {
      env: options.environment(),
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    const current = child;
    current.on('error', () => undefined);
    follow(current, (line, fromError) => {
      log.write(line);
      const text = fromError || line.startsWith('{') ? warningIn(line) : undefined;
      if (text === undefined) return;
      tail.push(text);
      if (tail.length > TAIL_LINES) tail.shift();
      show(`${name}: ${text}`);
    });
    gone = new Promise((resolve) => {
      current.once('close', (code, signal) => {
        resolve();
        if (stopping) return;
        if (wanted) start();
        else onCrash(signal ?? `code ${code ?? 1}`);
      });
    });
  };

  const onCrash = (how: string): void => {
    crashed += 1;
    const now = Date.now();
    recent = [...recent.filter((time) => now - time < CRASH_WINDOW_MS), now];
    if (recent.length > MAX_CRASHES) {
      options.gaveUp(`${name} ended ${recent.length} times within a minute (last with ${how}): see ${log.path}.`);
      return;
    }
    const delay = Math.min(FIRST_DELAY_MS * 2 ** (recent.length - 1), MAX_DELAY_MS);
    print(`${name} ended unexpectedly (${how}); starting it again in ${delay / 1_000} s.`);
    timer = setTimeout(start, delay);
  };

  start();
  return {
    pid: () => child.pid,
    crashes: () => crashed,
    tail: () => tail.join('\n'),
    restart: () => {
      wanted = true;
      child.kill('SIGTERM');
    },
    kill: () => {
      stopping = true;
      clearTimeout(timer);
      child.kill('SIGKILL');
    },
    stop: async (withinMs) => {
      stopping = true;
      clearTimeout(timer);
      if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
      // No signal: a service manager that signals all processes has sent one to it too, and a second one ends it at once.
      if (!child.connected || !child.send(LEAVE, () => undefined)) child.kill('SIGTERM');
      const limit = setTimeout(() => {
        print(`${name} did not end in time and was killed.`);
        child.kill('SIGKILL');
      }, withinMs);
      await gone;
      clearTimeout(limit);
    },
  };
}

function follow(child: ChildProcess, take: (line: string, fromError: boolean) => void): void {
  for (const stream of [child.stdout, child.stderr]) {
    if (!stream) continue;
    createInterface({ input: stream }).on('line', (line) =>
      take(line.slice(0, MAX_LINE_CHARACTERS), stream === child.stderr),
    );
  }
}

/** What of a line concerns the person at the terminal: warnings of the structured log, and all that is not structured. */
function warningIn(line: string): string | undefined {
  if (!line.startsWith('{')) return line.trim() === '' ? undefined : line;
  try {
    const entry = JSON.parse(line) as { level?: unknown; msg?: unknown; err?: { message?: unknown } };
    if (typeof entry.level !== 'number' || entry.level < WARN_LEVEL) return undefined;
    const cause = typeof entry.err?.message === 'string' ? entry.err.message : '';
    const text = typeof entry.msg === 'string' ? entry.msg : '';
    return [text, text.includes(cause) ? '' : cause].filter((part) => part !== '').join(': ');
  } catch {
    return line;
  }
}

function limitedPrint(print: (line: string) => void, file: string): (line: string) => void {
  let start = 0;
  let shown = 0;
  return (line) => {
    const now = Date.now();
    if (now - start > SHOWN_WINDOW_MS) {
      start = now;
      shown = 0;
    }
    shown += 1;
    if (shown <= MAX_SHOWN_LINES) print(line);
    else if (shown === MAX_SHOWN_LINES + 1) print(`… more in ${file}`);
  };
}
