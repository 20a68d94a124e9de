/** Starts processes of this machine confined as their Backend says, or not at all. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { LimitOptions, LocalOptions } from '../../domain/backends/local';
import { messageOf, StepcastError } from '../../domain/errors';
import type { Pump } from '../attempt/pump';
import type { CommandExit, CommandHooks, PreparedAttempt, StartedCommand } from '../backend';
import { locateExecutable } from '../process/executable';
import { CommandNotStarted } from '../process/nativeProcess';
import { DEFAULT_GRACE_MS, membersOf, type Tree } from '../process/processTree';
import { startProcess } from '../process/start';
import { findControlGroups, type ControlGroup, type ControlGroups } from './controlGroups';
import { findPrivate, type Private } from './notForAll';
import { isSeen, sandboxWords, SETTINGS } from './sandbox';

export interface Confinement {
  /** Throws CommandNotStarted and UNAVAILABLE as `startProcess` does; UNAVAILABLE also when it cannot be confined. */
  start(attempt: PreparedAttempt, hooks: CommandHooks): StartedCommand;
  /** What this machine lacks, in a sentence; null when it can confine as it is told. */
  missing(): Promise<string | null>;
}

/** A control group is entered by a shell that then becomes the command. Its own trouble ends with a code of its own. */
const ENTER = 'for one in "$@"; do shift; [ "$one" = -- ] && break; echo $$ > "$one" || exit 125; done; exec "$@"';
/** bubblewrap and the first process of its name space count among the processes of a group. */
const SANDBOX_PROCESSES = 2;
const TRIAL_MS = 10_000;
/** What is to be hidden is looked for anew after this time. */
const HIDDEN_FOR_MS = 10_000;
const LOOK_AGAIN_MS = 10;
/** What the command wrote last is read within this time, unless a reader is slow. */
const READ_MS = 1000;
/** A program that tells its end by a signal through an exit code adds the signal's number to this. */
const SIGNAL_BASE = 128;

const execute = promisify(execFile);

/** `path`: where the tools for it are looked for. */
export function createConfinement({ sandbox, limits = {} }: LocalOptions, path: string): Confinement {
  const isRoot = process.getuid?.() === 0;
  const tool = (name: string): string | undefined => {
    const found = locateExecutable(name, path, '/');
    return 'path' in found ? found.path : undefined;
  };
  const bubblewrap = sandbox && tool('bwrap');
  const prlimit = tool('prlimit');
  const groups = needsGroups(limits) ? findControlGroups() : null;

  let known: { readonly at: number; readonly hidden: readonly Private[] } | undefined;
  const hidden = (): readonly Private[] => {
    if (!known || performance.now() - known.at > HIDDEN_FOR_MS)
      known = { at: performance.now(), hidden: findPrivate(SETTINGS) };
    return known.hidden;
  };

  const lacking = (): string | null => {
    if (process.platform !== 'linux') return 'Commands are confined on Linux only.';
    if (sandbox && !bubblewrap)
      return 'A sandbox needs bubblewrap, and this worker finds no `bwrap`. Install it: apt-get install bubblewrap.';
    const unseen = [...(sandbox?.readOnly ?? []), ...(sandbox?.writable ?? [])].find((one) => !existsSync(one));
    if (unseen !== undefined) return `The sandbox is to show ${unseen}, which does not exist on this worker.`;
    if (usesPrlimit(limits, groups) && !prlimit)
      return 'Limits need `prlimit`, which this worker does not find. Install it: apt-get install util-linux.';
    if (limits.cpus !== undefined && !groups?.controllers.has('cpu')) return noGroup('cpus', 'cpu');
    // Root is exempt from the limit that prlimit sets.
    if (limits.processes !== undefined && !groups?.controllers.has('pids') && isRoot)
      return noGroup('processes', 'pids');
    return null;
  };

  function start(attempt: PreparedAttempt, hooks: CommandHooks): StartedCommand {
    const problem = lacking();
    if (problem !== null) throw new StepcastError('UNAVAILABLE', problem);
    const { argv, env, directory, stepRunId } = attempt;
    const located = locateExecutable(argv[0] ?? '', env.PATH ?? '', directory.out);
    if ('problem' in located) throw new CommandNotStarted(located.problem);
    if (sandbox && !isSeen(located.path, sandbox, directory))
      throw new CommandNotStarted(
        `\`${located.path}\` is not to be seen in the sandbox. Add its folder to the Backend: sandbox: { read-only: [ … ] }.`,
      );
    const held = holds(limits, attempt);
    const group = groups?.create(`${stepRunId}.${attempt.attempt}`, {
      ...(groups.controllers.has('memory') ? { memoryBytes: held.memoryBytes } : {}),
      ...(groups.controllers.has('cpu') ? { cpus: held.cpus } : {}),
      ...(groups.controllers.has('pids') && held.processes !== undefined
        ? { processes: held.processes + (sandbox ? SANDBOX_PROCESSES : 0) }
        : {}),
    });
    const wrapped = (): string[] => [
      ...(group && group.entrances.length > 0 ? ['/bin/sh', '-c', ENTER, 'stepcast', ...group.entrances, '--'] : []),
      ...(prlimit && usesPrlimit(limits, groups) ? [prlimit, ...prlimitWords(limits, groups), '--'] : []),
      ...(sandbox && bubblewrap ? sandboxWords(sandbox, directory, { bubblewrap, hidden: hidden() }) : []),
      ...argv,
    ];
    try {
      return watched(attempt, hooks, wrapped(), held, group);
    } catch (error) {
      void group?.remove();
      throw error;
    }
  }

  function watched(
    attempt: PreparedAttempt,
    hooks: CommandHooks,
    argv: readonly string[],
    { memoryBytes }: LimitOptions,
    group: ControlGroup | undefined,
  ): StartedCommand {
    let exceeded = false;
    const byKernel = groups?.controllers.has('memory') ?? false;
    const resources = { ...attempt.resources, memoryBytes: byKernel ? undefined : memoryBytes };
    const outOfMemory = (): void => {
      if (memoryBytes === attempt.resources.memoryBytes) return hooks.outOfMemory();
      exceeded = true;
      started.end(true).catch(() => hooks.outOfMemory());
    };
    const { pid, ...started } = startProcess({ ...attempt, resources }, { outOfMemory }, { argv });
    const marks = Object.entries(attempt.marks).map(([name, value]) => `${name}=${value}`);
    const tree: Tree = { pid, marks };
    const isScript = attempt.task.command.kind === 'shell';
    const exited = started.exited.then((exit): CommandExit => {
      const told = sandbox && !isScript ? withSignal(exit) : exit;
      const isKilled = (group?.memoryKills() ?? 0) > 0 && exit.exitCode !== 0;
      if (!exceeded && !isKilled) return told;
      const message = `The command used more memory than it may, with everything it had started, and was ended: ${mebibytes(memoryBytes ?? 0)}. Raise the limit of its backend, or the task's resources.`;
      return { ...told, failure: { kind: 'OUT_OF_MEMORY', message } };
    });
    return {
      ...started,
      exited,
      end: async (urgent) => {
        if (sandbox && !urgent) await askToEnd(tree);
        await started.end(urgent || sandbox !== undefined);
        // What has left the tree and cleared its environment is still in the group.
        group?.kill();
      },
      settle: async (pumps) => {
        if (!sandbox || !(await areReadSoon(pumps))) await started.settle?.(pumps);
        await group?.remove();
      },
    };
  }

  return {
    start,
    async missing() {
      const problem = lacking();
      if (problem !== null || !sandbox || !bubblewrap) return problem;
      try {
        await execute(bubblewrap, ['--unshare-all', '--ro-bind', '/', '/', '--proc', '/proc', '--', '/bin/true'], {
          timeout: TRIAL_MS,
        });
        return null;
      } catch (error) {
        const why = (error as { stderr?: string }).stderr?.trim() || messageOf(error);
        return `bubblewrap cannot make a sandbox here: ${why}. Allow user name spaces, or run the worker as root.`;
      }
    },
  };
}

/**
 * With bubblewrap all that it held has ended, and with that its pipes. Its group is no sign of it: the name space's first
 * process stays there as a zombie until the machine's init looks for it, which is not its business to do at once.
 */
async function areReadSoon(pumps: readonly Pump[]): Promise<boolean> {
  const late = new AbortController();
  const read = Promise.all(pumps.map((each) => each.done)).then(() => true);
  const passed = delay(READ_MS, false, { signal: late.signal }).catch(() => false);
  try {
    return await Promise.race([read, passed]);
  } finally {
    late.abort();
  }
}

const needsGroups = ({ memoryBytes, cpus, processes }: LimitOptions): boolean =>
  memoryBytes !== undefined || cpus !== undefined || processes !== undefined;

const noGroup = (limit: string, controller: string): string =>
  `The limit \`${limit}\` needs a control group for ${controller} in which this worker may make groups. Run it as root, or by a systemd unit with Delegate=yes and DelegateSubgroup=worker.`;

/** What holds for one Attempt: what its Task may use, and no more than the Backend allows. */
function holds(limits: LimitOptions, { resources }: PreparedAttempt): LimitOptions {
  const least = (...all: readonly (number | undefined)[]): number | undefined => {
    const given = all.filter((one) => one !== undefined);
    return given.length === 0 ? undefined : Math.min(...given);
  };
  return {
    ...limits,
    memoryBytes: least(limits.memoryBytes, resources.memoryBytes),
    cpus: limits.cpus === undefined ? undefined : least(limits.cpus, resources.cpus),
  };
}

function prlimitWords({ fileBytes, openFiles, cpuSeconds, processes }: LimitOptions, groups: ControlGroups | null) {
  const counted = groups?.controllers.has('pids') ? undefined : processes;
  const wanted: [string, number | undefined][] = [
    ['fsize', fileBytes],
    ['nofile', openFiles],
    ['cpu', cpuSeconds === undefined ? undefined : Math.ceil(cpuSeconds)],
    ['nproc', counted],
  ];
  return wanted.flatMap(([name, value]) => (value === undefined ? [] : [`--${name}=${value}`]));
}

const usesPrlimit = (limits: LimitOptions, groups: ControlGroups | null): boolean =>
  prlimitWords(limits, groups).length > 0;

/** bubblewrap tells the end of its command by a signal as a shell does. */
function withSignal(exit: CommandExit): CommandExit {
  const name = exit.exitCode === null ? undefined : SIGNALS[exit.exitCode - SIGNAL_BASE];
  return name === undefined ? exit : { ...exit, exitCode: null, signal: name };
}

/** Those by which the kernel or another process ends one. */
const SIGNALS: Readonly<Record<number, string>> = {
  3: 'SIGQUIT',
  4: 'SIGILL',
  6: 'SIGABRT',
  7: 'SIGBUS',
  8: 'SIGFPE',
  9: 'SIGKILL',
  11: 'SIGSEGV',
  13: 'SIGPIPE',
  15: 'SIGTERM',
  24: 'SIGXCPU',
  25: 'SIGXFSZ',
};

/**
 * SIGTERM to all but bubblewrap itself, with which everything would end at once, and the time to follow it. The first
 * process of the name space is among them, and hears no signal from outside but the last one.
 */
async function askToEnd(tree: Tree): Promise<void> {
  const inside = (await membersOf(tree)).filter(({ pid }) => pid !== tree.pid);
  for (const { pid } of inside) tryKill(pid, 'SIGTERM');
  const deadline = performance.now() + DEFAULT_GRACE_MS;
  while (performance.now() < deadline && tryKill(tree.pid, 0)) await delay(LOOK_AGAIN_MS);
}

/** False when there is no such process. */
function tryKill(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}

const mebibytes = (bytes: number): string => `${Math.ceil(bytes / 1024 ** 2)} MB`;
