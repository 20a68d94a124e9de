/**
 * The few C library calls that start a process and learn how it ended. `posix_spawn` costs the same however large the
 * worker has grown; `child_process.spawn` forks, and pays for every page the worker has mapped.
 */
import type * as Koffi from 'koffi' with { 'resolution-mode': 'import' };
import { StepcastError } from '../../domain/errors';

// The package has a CommonJS entry, but its types describe the ESM one alone.
// eslint-disable-next-line @typescript-eslint/no-require-imports
const koffi = require('koffi') as typeof Koffi;

interface PlatformTable {
  /** Flags of `posix_spawnattr_setflags`. */
  readonly spawnFlags: number;
  /** `O_CLOEXEC` for `pipe2`; null where that call is missing and the spawn flags close descriptors instead. */
  readonly closeOnExec: number | null;
  /** What one unit of `ru_maxrss` is, in bytes. */
  readonly maxRssUnit: number;
}

const SETSIGDEF = 0x04;
const SETSIGMASK = 0x08;

/** From <spawn.h>, <fcntl.h> and getrusage(2) of each system. The macOS row follows its headers and was never run. */
const PLATFORMS: Readonly<Partial<Record<NodeJS.Platform, PlatformTable>>> = {
  linux: { spawnFlags: SETSIGDEF | SETSIGMASK | 0x80, closeOnExec: 0o2000000, maxRssUnit: 1024 },
  darwin: { spawnFlags: SETSIGDEF | SETSIGMASK | 0x0400 | 0x4000, closeOnExec: null, maxRssUnit: 1 },
};

const WNOHANG = 1;
const O_RDONLY = 0;
const LAST_STANDARD_DESCRIPTOR = 2;
/** Larger than the opaque structs of every C library in the table. */
const STRUCT_BYTES = 1024;

/** How a process is started at this level. Every descriptor here stays open in the caller. */
export interface RawSpawn {
  /** Absolute path of the program. */
  readonly path: string;
  readonly argv: readonly string[];
  /** `NAME=value` strings. */
  readonly environment: readonly string[];
  readonly cwd: string;
  /** Null: /dev/null. */
  readonly stdin: number | null;
  readonly stdout: number;
  readonly stderr: number;
}

/** What `wait4` says of an ended process. Signal numbers are those of this system. */
export interface RawExit {
  readonly exitCode: number | null;
  readonly signal: number | null;
  /** User and system time, in milliseconds. */
  readonly cpuMs: number;
  /** `ru_maxrss` in bytes. It starts at the caller's own peak, because the child shares its memory until it runs. */
  readonly maxRssBytes: number;
}

export interface Libc {
  /** A pipe whose ends no other child inherits. Throws UNAVAILABLE when the process has no descriptors left. */
  pipe(): { readonly readEnd: number; readonly writeEnd: number };
  /** Starts a process in a session of its own, all signals at their defaults. Returns its pid, or an errno. */
  spawn(request: RawSpawn): { readonly pid: number } | { readonly errno: number };
  /** Collects an ended child; null while it runs, 'gone' when it is not (or no longer) a child of this process. */
  wait(pid: number): RawExit | 'gone' | null;
}

function bind(): Libc {
  const platform = PLATFORMS[process.platform];
  if (!platform) {
    throw new StepcastError('CONFIGURATION', `Commands run on Linux and macOS only; this is ${process.platform}.`);
  }
  const library = koffi.load(null);
  const call = (prototype: string) => library.func(prototype) as (...values: unknown[]) => number;
  const optional = (prototype: string) => {
    try {
      return call(prototype);
    } catch {
      return null; // an older or other C library; the descriptors are close-on-exec all the same
    }
  };

  const makePipe = platform.closeOnExec === null ? call('int pipe(void*)') : call('int pipe2(void*, int)');
  const posixSpawn = call('int posix_spawn(void*, const char*, void*, void*, const char**, const char**)');
  const wait4 = call('int wait4(int, void*, int, void*)');
  const actionsInit = call('int posix_spawn_file_actions_init(void*)');
  const actionsDestroy = call('int posix_spawn_file_actions_destroy(void*)');
  const addDup2 = call('int posix_spawn_file_actions_adddup2(void*, int, int)');
  const addOpen = call('int posix_spawn_file_actions_addopen(void*, int, const char*, int, unsigned int)');
  const addChdir = call('int posix_spawn_file_actions_addchdir_np(void*, const char*)');
  const addCloseFrom = optional('int posix_spawn_file_actions_addclosefrom_np(void*, int)');

  const attributes = Buffer.alloc(STRUCT_BYTES);
  const signals = Buffer.alloc(STRUCT_BYTES);
  call('int posix_spawnattr_init(void*)')(attributes);
  call('int posix_spawnattr_setflags(void*, short)')(attributes, platform.spawnFlags);
  call('int sigfillset(void*)')(signals);
  call('int posix_spawnattr_setsigdefault(void*, void*)')(attributes, signals);
  call('int sigemptyset(void*)')(signals);
  call('int posix_spawnattr_setsigmask(void*, void*)')(attributes, signals);

  // All calls are synchronous and on one thread, so one set of buffers serves them all.
  const actions = Buffer.alloc(STRUCT_BYTES);
  const ends = Buffer.alloc(8);
  const pidOut = Buffer.alloc(4);
  const statusOut = Buffer.alloc(4);
  const usage = Buffer.alloc(STRUCT_BYTES);

  // Seconds are a long; microseconds a long or, on macOS, an int with padding: the low half is right for both.
  const milliseconds = (offset: number) =>
    Number(usage.readBigInt64LE(offset)) * 1000 + usage.readInt32LE(offset + 8) / 1000;

  return {
    pipe() {
      const failed = platform.closeOnExec === null ? makePipe(ends) : makePipe(ends, platform.closeOnExec);
      if (failed !== 0) {
        throw new StepcastError(
          'UNAVAILABLE',
          `The worker cannot open a pipe (errno ${koffi.errno()}). Raise its limit of open files (ulimit -n) or lower its concurrency.`,
        );
      }
      return { readEnd: ends.readInt32LE(0), writeEnd: ends.readInt32LE(4) };
    },

    spawn({ path, argv, environment, cwd, stdin, stdout, stderr }) {
      actionsInit(actions);
      try {
        if (stdin === null) addOpen(actions, 0, '/dev/null', O_RDONLY, 0);
        else addDup2(actions, stdin, 0);
        addDup2(actions, stdout, 1);
        addDup2(actions, stderr, 2);
        addCloseFrom?.(actions, LAST_STANDARD_DESCRIPTOR + 1);
        addChdir(actions, cwd);
        const errno = posixSpawn(pidOut, path, actions, attributes, [...argv, null], [...environment, null]);
        return errno === 0 ? { pid: pidOut.readInt32LE(0) } : { errno };
      } finally {
        actionsDestroy(actions);
      }
    },

    wait(pid) {
      const found = wait4(pid, statusOut, WNOHANG, usage);
      if (found === 0) return null;
      if (found < 0) return 'gone';
      const status = statusOut.readInt32LE(0);
      const signal = status & 0x7f;
      return {
        exitCode: signal === 0 ? (status >> 8) & 0xff : null,
        signal: signal === 0 ? null : signal,
        cpuMs: milliseconds(0) + milliseconds(16),
        maxRssBytes: Number(usage.readBigInt64LE(32)) * platform.maxRssUnit,
      };
    },
  };
}

let bound: Libc | undefined;

/** The C library of this machine, bound at first use. Throws CONFIGURATION on a system that is not in the table. */
export function libc(): Libc {
  return (bound ??= bind());
}
