/** Starts commands through the C library and learns how they ended, without Node's child_process. */
import { closeSync, openSync } from 'node:fs';
import { Socket } from 'node:net';
import { constants } from 'node:os';
import type { Readable, Writable } from 'node:stream';
import { StepcastError } from '../../domain/errors';
import { explainSpawnFailure, locateExecutable } from './executable';
import { libc, type RawExit } from './libc';
import { watchMemory, type MemoryWatch } from './peakMemory';

export interface ProcessRequest {
  readonly argv: readonly string[];
  readonly cwd: string;
  /** The whole environment; the program is looked up in its PATH. */
  readonly env: Readonly<Record<string, string>>;
  /** `pipe`: what is written to the process's own `stdin`. */
  readonly stdin: 'null' | 'pipe' | { readonly file: string };
}

/** How a process ended, and what it used. */
export interface ProcessExit {
  readonly exitCode: number | null;
  /** The name of the signal that ended it, such as `SIGKILL`. */
  readonly signal: string | null;
  /** User and system time of the process and of the children it waited for, in milliseconds. */
  readonly cpuMs: number | null;
  /** Peak resident memory in bytes; null when it cannot be told from the worker's own. */
  readonly maxRssBytes: number | null;
}

/** A process that leads its own session and process group, so that its pid is also its group's. */
export interface NativeProcess {
  readonly pid: number;
  /** Both must be read (or destroyed) for their descriptors to close. */
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Where it reads from, if that was asked for. Writing to a process that has ended is an 'error' of it. */
  readonly stdin?: Writable;
  /** Resolves when the process itself has ended; its pipes may still be held by what it left behind. */
  readonly exited: Promise<ProcessExit>;
}

/** The task's fault that a command did not start at all: not found, not executable, malformed. */
export class CommandNotStarted extends StepcastError {
  constructor(message: string) {
    super('BAD_INPUT', message);
    this.name = 'CommandNotStarted';
  }
}

interface Child {
  readonly memory: MemoryWatch;
  readonly ended: (exit: ProcessExit) => void;
}

/** How long an exit may go unnoticed if its signal is lost, in milliseconds. */
const LOST_SIGNAL_MS = 1000;
/** The same where signals do not reach listeners at all, as inside test sandboxes. */
const WITHOUT_SIGNALS_MS = 20;
/** After a pipe's end the process is usually gone within this many milliseconds. */
const AFTER_PIPE_END_MS = 1;

const children = new Map<number, Child>();
let signalSeen = false;
let listening = false;
let backstop: NodeJS.Timeout | undefined;

/**
 * Starts a process. Throws CommandNotStarted when the command cannot run (wherever it is tried), and UNAVAILABLE when
 * this machine is short of memory, processes or descriptors.
 */
export function spawnProcess(request: ProcessRequest): NativeProcess {
  const { argv, cwd, env } = request;
  const located = locateExecutable(argv[0] ?? '', env.PATH ?? '', cwd);
  if ('problem' in located) throw new CommandNotStarted(located.problem);
  const environment = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  refuseNulBytes(argv, environment);
  listen();

  const toClose: number[] = [];
  const toCloseOnFailure: number[] = [];
  try {
    const fed = request.stdin === 'pipe' ? libc().pipe() : undefined;
    if (fed) toCloseOnFailure.push(fed.writeEnd);
    const stdin = fed?.readEnd ?? (typeof request.stdin === 'object' ? openSync(request.stdin.file, 'r') : null);
    if (stdin !== null) toClose.push(stdin);
    const stdout = libc().pipe();
    toClose.push(stdout.writeEnd);
    toCloseOnFailure.push(stdout.readEnd);
    const stderr = libc().pipe();
    toClose.push(stderr.writeEnd);
    toCloseOnFailure.push(stderr.readEnd);
    const started = libc().spawn({
      path: located.path,
      argv,
      environment,
      cwd,
      stdin,
      stdout: stdout.writeEnd,
      stderr: stderr.writeEnd,
    });
    if ('errno' in started) throw new CommandNotStarted(explainSpawnFailure(started.errno, located.path, cwd));
    toCloseOnFailure.length = 0;
    const child = adopt(started.pid, stdout.readEnd, stderr.readEnd);
    return fed ? { ...child, stdin: new Socket({ fd: fed.writeEnd, readable: false, writable: true }) } : child;
  } finally {
    for (const descriptor of [...toClose, ...toCloseOnFailure]) closeSync(descriptor);
  }
}

function adopt(pid: number, stdoutEnd: number, stderrEnd: number): NativeProcess {
  const exited = new Promise<ProcessExit>((resolve) => {
    children.set(pid, { memory: watchMemory(pid), ended: resolve });
  });
  const reader = (fd: number): Readable => {
    const stream = new Socket({ fd, readable: true, writable: false });
    stream.once('end', () => {
      if (!reap(pid)) setTimeout(reap, AFTER_PIPE_END_MS, pid);
    });
    return stream;
  };
  keepLooking();
  return { pid, stdout: reader(stdoutEnd), stderr: reader(stderrEnd), exited };
}

/** A C string ends at its first NUL: what follows it would be lost without a word. */
function refuseNulBytes(argv: readonly string[], environment: readonly string[]): void {
  const argument = argv.findIndex((word) => word.includes('\0'));
  if (argument >= 0) throw new CommandNotStarted(`Argument ${argument} of the command holds a NUL character.`);
  const variable = environment.find((entry) => entry.includes('\0'));
  if (variable === undefined) return;
  throw new CommandNotStarted(`The environment variable ${variable.split('=')[0]} holds a NUL character.`);
}

function listen(): void {
  if (listening) return;
  listening = true;
  process.on('SIGCHLD', () => {
    signalSeen = true;
    reapAll();
  });
}

/** Only pids of ours are asked for: a wait for any child would steal the exits that Node itself waits for. */
function reapAll(): void {
  for (const pid of children.keys()) reap(pid);
}

function reap(pid: number): boolean {
  const child = children.get(pid);
  if (!child) return true;
  const exit = libc().wait(pid);
  if (exit === null) return false;
  children.delete(pid);
  if (children.size === 0) {
    clearTimeout(backstop);
    backstop = undefined;
  }
  if (exit === 'gone') {
    child.ended({ exitCode: null, signal: null, cpuMs: null, maxRssBytes: child.memory.stop(null) });
  } else {
    child.ended(describe(exit, child.memory));
  }
  return true;
}

function describe(exit: RawExit, memory: MemoryWatch): ProcessExit {
  return {
    exitCode: exit.exitCode,
    signal: exit.signal === null ? null : signalName(exit.signal),
    cpuMs: exit.cpuMs,
    maxRssBytes: memory.stop(exit.maxRssBytes),
  };
}

function keepLooking(): void {
  backstop ??= setTimeout(
    () => {
      backstop = undefined;
      reapAll();
      if (children.size > 0) keepLooking();
    },
    signalSeen ? LOST_SIGNAL_MS : WITHOUT_SIGNALS_MS,
  );
}

/** Reversed, so that of two names for one number the older and better known (SIGABRT, not SIGIOT) stays. */
const SIGNAL_NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(constants.signals)
    .reverse()
    .map(([name, number]) => [number, name]),
);

function signalName(number: number): string {
  return SIGNAL_NAMES.get(number) ?? `signal ${number}`;
}
