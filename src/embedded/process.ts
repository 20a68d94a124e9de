import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { errnoOf } from './errors';

/** How a service is tied to our life: by the kernel, or by a wrapper that watches its standard input. */
export type TieMethod = 'setpriv' | 'wrapper';

/** A signal that means "shut down cleanly" to the service. */
export type StopSignal = 'SIGINT' | 'SIGTERM';

/** Lines of output kept to explain a failed start. */
const TAIL_LINES = 60;
const MAX_LINE_CHARACTERS = 4_000;

/** A service process that dies when we die, however we die. */
export interface TiedProcess {
  readonly child: ChildProcess;
  readonly exited: Promise<void>;
  hasExited(): boolean;
  /** The last lines of output, for messages. */
  tail(): string;
}

export interface TiedCommand {
  readonly command: readonly string[];
  /** Put before everything, such as `unshare --user …`. */
  readonly prefix?: readonly string[];
  readonly signal: StopSignal;
  readonly cwd: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly log: (line: string) => void;
  readonly method?: TieMethod;
}

// Runs where setpriv does not exist. The pipe on standard input closes when the parent dies, even by `kill -9`.
const WRAPPER = `
const [signal, command, ...args] = process.argv.slice(1);
const child = require('node:child_process').spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit'] });
const stop = () => child.kill(signal);
for (const name of ['SIGINT', 'SIGTERM', 'SIGQUIT']) process.on(name, () => child.kill(name));
process.on('SIGHUP', stop);
process.stdin.on('end', stop).on('error', stop).resume();
child.on('error', (error) => { console.error(error.message); process.exit(127); });
child.on('exit', (code) => process.exit(code ?? 1));
`;

/** Starts a service in a process group of its own, so that Ctrl-C in the terminal does not reach it before us. */
export async function spawnTied(options: TiedCommand): Promise<TiedProcess> {
  const method = options.method ?? (await tieMethod());
  const tie =
    method === 'setpriv'
      ? ['setpriv', '--pdeathsig', options.signal.slice('SIG'.length)]
      : [process.execPath, '-e', WRAPPER, options.signal];
  const [file = '', ...args] =
    method === 'setpriv'
      ? [...(options.prefix ?? []), ...tie, ...options.command]
      : [...tie, ...(options.prefix ?? []), ...options.command];
  const child = spawn(file, args, {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    detached: true,
    stdio: [method === 'wrapper' ? 'pipe' : 'ignore', 'pipe', 'pipe'],
  });
  const lines: string[] = [];
  const keep = (line: string): void => {
    const short = line.slice(0, MAX_LINE_CHARACTERS);
    lines.push(short);
    if (lines.length > TAIL_LINES) lines.shift();
    options.log(short);
  };
  for (const stream of [child.stdout, child.stderr]) {
    if (stream) createInterface({ input: stream }).on('line', keep);
  }
  let gone = false;
  const exited = new Promise<void>((resolve) => {
    child.once('error', (error) => keep(error.message));
    child.once('close', () => {
      gone = true;
      resolve();
    });
  });
  return { child, exited, hasExited: () => gone, tail: () => lines.join('\n') };
}

let known: Promise<TieMethod> | undefined;

/** `setpriv` of util-linux ties by the kernel; BusyBox has a `setpriv` that cannot, so it is tried and not looked up. */
function tieMethod(): Promise<TieMethod> {
  known ??= run(['setpriv', '--pdeathsig', 'TERM', 'true']).then(({ ok }) => (ok ? 'setpriv' : 'wrapper'));
  return known;
}

export interface RunResult {
  readonly ok: boolean;
  /** Standard output and standard error. */
  readonly output: string;
  readonly stdout: string;
}

/** Runs a short command to its end. A command that does not exist is `ok: false`, not an exception. */
export function run(
  command: readonly string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv; timeoutMs?: number } = {},
): Promise<RunResult> {
  const [file = '', ...args] = command;
  return new Promise((resolve) => {
    execFile(
      file,
      args,
      {
        cwd: options.cwd,
        env: { ...process.env, LC_ALL: 'C', ...options.env },
        timeout: options.timeoutMs ?? 120_000,
        maxBuffer: 16 * 1024 * 1024,
      },
      (error, stdout, stderr) => {
        const reason = error && stderr === '' && stdout === '' ? error.message : '';
        resolve({ ok: error === null, output: `${stdout}${stderr}${reason}`, stdout });
      },
    );
  });
}

/** Whether a process exists. One that belongs to another user counts. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errnoOf(error) === 'EPERM';
  }
}

/** Whether this process is alive and its command line names the program: process numbers are used again. */
export async function isProgram(pid: number, name: string): Promise<boolean> {
  if (!isAlive(pid)) return false;
  const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(async () => {
    const { stdout } = await run(['ps', '-p', String(pid), '-o', 'command=']);
    return stdout;
  });
  return line.includes(name);
}

/** Sends the signal (quietly when the process is gone) and waits; false when it still lives after the time. */
export async function signalAndWait(pid: number, signal: NodeJS.Signals, timeoutMs: number): Promise<boolean> {
  try {
    process.kill(pid, signal);
  } catch {
    return true;
  }
  return waitUntil(() => Promise.resolve(!isAlive(pid)), timeoutMs);
}

const POLL_MS = 20;

/** Asks again and again; false when the time is over. */
export async function waitUntil(done: () => Promise<boolean>, timeoutMs: number): Promise<boolean> {
  const end = Date.now() + timeoutMs;
  for (;;) {
    if (await done()) return true;
    if (Date.now() >= end) return false;
    await delay(POLL_MS);
  }
}

/** A free loopback port: the preferred one when it is free. */
export async function freePort(preferred = 0): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error) => {
      if (preferred === 0) reject(error);
      else resolve(freePort());
    });
    server.listen(preferred, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => {
        if (address !== null && typeof address === 'object') resolve(address.port);
        else reject(new Error('no port'));
      });
    });
  });
}
