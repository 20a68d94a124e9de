/** What runs on this machine: from /proc on Linux, from `ps` on macOS. */
import { execFile, execFileSync } from 'node:child_process';
import { opendir } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';

/** One running process. Zombies are not listed: they hold nothing and cannot be killed. */
export interface ProcessEntry {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
  /** 0 where the system does not tell. */
  readonly session: number;
  /** With the pid, names the process for good. */
  readonly startedAt: string;
  /** True when its environment has exactly this `NAME=value`. False also for processes of other users. */
  has(variable: string): boolean;
  /** The variable's value, or undefined. */
  variable(name: string): string | undefined;
}

/** Entries of /proc read before other work of this thread may go on. */
const READ_AT_ONCE = 32;
/** The output of `ps` with every environment; more than that is cut by an error. */
const MAX_PS_BYTES = 64 * 1024 * 1024;

/** Every process that this one may see, in no special order. */
export function listProcesses(): Promise<ProcessEntry[]> {
  return process.platform === 'linux' ? listFromProc() : listFromPs();
}

/** When the process started; undefined when there is none (a zombie counts as none). */
export function processStart(pid: number): string | undefined {
  if (process.platform === 'linux') return readStat(pid)?.startedAt;
  try {
    const line = execFileSync('ps', ['-o', 'state=,lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim();
    return line.startsWith('Z') ? undefined : line.replace(/^\S+\s+/, '').replace(/\s+/g, '_');
  } catch {
    return undefined;
  }
}

async function listFromProc(): Promise<ProcessEntry[]> {
  const entries: ProcessEntry[] = [];
  let read = 0;
  for await (const { name } of await opendir('/proc', { bufferSize: 256 })) {
    if (!/^\d+$/.test(name)) continue;
    const stat = readStat(Number(name));
    if (stat) entries.push(withEnvironment(stat, () => readEnvironment(stat.pid)));
    if (++read % READ_AT_ONCE === 0) await nextTurn();
  }
  return entries;
}

type Stat = Omit<ProcessEntry, 'has' | 'variable'>;

function withEnvironment(stat: Stat, read: () => Buffer): ProcessEntry {
  let environment: Buffer | undefined;
  const find = (start: string): Buffer | undefined => {
    environment ??= read();
    const at = environment.indexOf(`\0${start}`);
    if (at < 0) return undefined;
    const end = environment.indexOf(0, at + 1);
    return environment.subarray(at + 1, end < 0 ? undefined : end);
  };
  return {
    ...stat,
    has: (variable) => find(`${variable}\0`) !== undefined,
    variable: (name) =>
      find(`${name}=`)
        ?.toString()
        .slice(name.length + 1),
  };
}

/** With a NUL before the first and after the last variable, so that each stands between two. */
function readEnvironment(pid: number): Buffer {
  try {
    return Buffer.concat([NUL, readFileSync(`/proc/${pid}/environ`), NUL]);
  } catch {
    return NUL; // another user's, or just ended
  }
}

const NUL = Buffer.from([0]);

function readStat(pid: number): Stat | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    return undefined;
  }
  // The name in parentheses may itself hold spaces and parentheses; the numbers follow the last one.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const [state, parent, group, session] = fields;
  const startedAt = fields[19];
  if (state === undefined || state === 'Z' || state === 'X' || startedAt === undefined) return undefined;
  return { pid, parent: Number(parent), group: Number(group), session: Number(session), startedAt };
}

/** `-E` adds the environment to the command on macOS, separated by spaces. */
function listFromPs(): Promise<ProcessEntry[]> {
  return new Promise((resolve, reject) => {
    const argv = ['-A', '-E', '-ww', '-o', 'pid=,ppid=,pgid=,state=,lstart=,command='];
    execFile('ps', argv, { maxBuffer: MAX_PS_BYTES, encoding: 'utf8' }, (error, text) =>
      error ? reject(new Error('ps failed', { cause: error })) : resolve(parsePs(text)),
    );
  });
}

/** Reads the table of `ps -E -o pid=,ppid=,pgid=,state=,lstart=,command=`. */
export function parsePs(text: string): ProcessEntry[] {
  return text.split('\n').flatMap((line) => {
    const match = /^\s*(\d+)\s+(\d+)\s+(\d+)\s+(\S+)\s+(\S+\s+\S+\s+\d+\s+[\d:]+\s+\d+)\s(.*)$/.exec(line);
    const [, pid, parent, group, state, started, command] = match ?? [];
    if (!state || state.startsWith('Z') || started === undefined || command === undefined) return [];
    const stat = {
      pid: Number(pid),
      parent: Number(parent),
      group: Number(group),
      session: 0,
      startedAt: started.replace(/\s+/g, '_'),
    };
    return [withEnvironment(stat, () => Buffer.from(`\0${command.split(' ').join('\0')}\0`))];
  });
}
