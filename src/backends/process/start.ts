/** Starts a process of this machine for an Attempt: what all kinds that run one here share. */
import type { CommandExit, CommandHooks, PreparedAttempt, StartedCommand } from '../backend';
import { awaitEnd } from './lastBytes';
import { limitMemory } from './memoryLimit';
import { spawnProcess, type NativeProcess, type ProcessRequest } from './nativeProcess';
import { killTree, type Tree } from './processTree';

/** A command that is a process of this machine. */
export interface StartedProcess extends StartedCommand {
  readonly pid: number;
}

/**
 * Starts the words in the Attempt's own directory, session and environment, and holds it to its memory. Throws
 * CommandNotStarted when the command cannot run, and UNAVAILABLE when the machine is short of something.
 */
export function startProcess(
  attempt: PreparedAttempt,
  hooks: Pick<CommandHooks, 'outOfMemory'>,
  process: Partial<ProcessRequest> = {},
): StartedProcess {
  const { argv, env, stdin, directory } = attempt;
  return watchProcess(spawnProcess({ argv, cwd: directory.out, env, stdin, ...process }), attempt, hooks);
}

/** Takes a process that runs already as the command of an Attempt. It need not carry the Attempt's marks itself. */
export function watchProcess(
  child: NativeProcess,
  { marks, resources }: PreparedAttempt,
  hooks: Pick<CommandHooks, 'outOfMemory'>,
): StartedProcess {
  const tree: Tree = { pid: child.pid, marks: Object.entries(marks).map(([name, value]) => `${name}=${value}`) };
  const { memoryBytes } = resources;
  const memory = memoryBytes === undefined ? undefined : limitMemory(tree, memoryBytes, hooks.outOfMemory);
  const exited = child.exited.then((exit): CommandExit => {
    const peak = memory?.end();
    return peak === undefined ? exit : { ...exit, treePeakBytes: peak };
  });
  return {
    pid: child.pid,
    stdout: child.stdout,
    stderr: child.stderr,
    exited,
    // What takes too much memory would take more while it is asked to end.
    end: (urgent) => (urgent ? killTree(tree, 0) : killTree(tree)),
    settle: (pumps) => awaitEnd(tree, pumps),
  };
}
