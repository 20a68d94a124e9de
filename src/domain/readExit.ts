/** What the end of a command means for its Attempt. Pure: the rules of the Task, applied to what happened. */
import type { TaskSpec } from './definitions';
import { unreachable } from './errors';
import type { FailureKind } from './failure';
import { isRetried } from './retry';

/** Why the worker ended a command: it ran too long, it reported nothing for too long, it used too much memory. */
export type LimitKind = Extract<FailureKind, 'TIMEOUT' | 'HEARTBEAT' | 'OUT_OF_MEMORY'>;

/** What happened. */
export interface ExitFacts {
  readonly exitCode: number | null;
  /** The name of the signal that ended the command, such as `SIGKILL`. */
  readonly signal: string | null;
  /** The limit of its Task that the command passed, for which the worker ended it. */
  readonly passed: LimitKind | null;
  /** The memory it was given and what it used when it was ended for that, in bytes. */
  readonly memory?: { readonly limitBytes: number; readonly usedBytes: number };
  /** Why the worker ended it, if somebody asked for it. */
  readonly cancelled: 'cancelled' | 'shutdown' | null;
  /** A failure that its Backend knows more of than the exit code tells. */
  readonly told?: { readonly kind: FailureKind; readonly message: string };
  /** One phrase for each output that was not produced, such as "`table` (no file matches *.csv)". */
  readonly missing: readonly string[];
  /** One sentence for each output that was produced and cannot be taken: not JSON, too large, a link out. */
  readonly faults?: readonly string[];
}

export interface ExitReading {
  readonly state: 'SUCCEEDED' | 'FAILED' | 'CANCELLED';
  /** Only for FAILED: what kind of failure. */
  readonly failure: FailureKind | null;
  /** Only for FAILED: whether another try may help. */
  readonly retryable: boolean;
  /** Only for SUCCEEDED: the Submission ends here, as succeeded. */
  readonly terminate: boolean;
  /** A sentence for people; empty on plain success. */
  readonly message: string;
}

type RunRules = Pick<TaskSpec, 'exitRules' | 'missingOutput' | 'timeoutSeconds' | 'heartbeatSeconds' | 'retry'>;

const MEANINGS: Readonly<Record<string, string>> = {
  SIGKILL: 'Most likely the machine ran out of memory, or somebody ended the process by hand',
  SIGTERM: 'Something outside Stepcast asked it to end',
  SIGSEGV: 'The program crashed: it used memory that is not its own',
  SIGBUS: 'The program crashed on a bad memory access, or a file it had mapped was cut short',
  SIGABRT: 'The program gave up by itself; its log may say why',
  SIGFPE: 'The program crashed on an arithmetic error, such as a division by zero',
  SIGILL: 'The program holds an instruction that this processor does not know',
  SIGXCPU: 'It used up its limit of processor time',
  SIGXFSZ: 'It wrote a file larger than its limit allows',
  SIGPIPE: 'It wrote to a pipe that nobody reads any more',
};

/** Shells report a child's signal as an exit code above this. */
const SHELL_SIGNAL_BASE = 128;
const SHELL_KILLED = SHELL_SIGNAL_BASE + 9;
const SHELL_NOT_EXECUTABLE = 126;
const SHELL_NOT_FOUND = 127;

const SHUT_DOWN = 'The worker shut down and ended the command.';

/** Reads how a command ended. A cancel wins over a passed limit, that over the exit code, and that over outputs. */
export function readExit(task: RunRules, facts: ExitFacts): ExitReading {
  const { exitCode, signal } = facts;
  if (facts.cancelled === 'cancelled') return cancelled('Cancelled.');
  const failed = (failure: FailureKind, message: string): ExitReading => ({
    state: 'FAILED',
    failure,
    retryable: isRetried(task, { kind: failure, exitCode, signal, memoryBytes: facts.memory?.limitBytes }),
    terminate: false,
    message,
  });
  if (facts.cancelled === 'shutdown') {
    const began = exitCode !== null || signal !== null;
    const lost = failed('LOST', `${SHUT_DOWN} Its task does not allow another try after that.`);
    return began && !lost.retryable ? lost : cancelled(SHUT_DOWN);
  }
  if (facts.passed !== null) return failed(facts.passed, explainLimit(task, facts.passed, facts.memory));
  if (facts.told) return failed(facts.told.kind, facts.told.message);
  if (signal !== null) {
    const meaning = MEANINGS[signal];
    return failed('SIGNAL', `The command was ended by ${signal}.${meaning ? ` ${meaning}.` : ''}`);
  }
  if (exitCode === null) return failed('MACHINE', 'The command ended, and how it ended was lost.');

  const { exitRules } = task;
  if (exitRules.temporary.includes(exitCode)) {
    return failed('EXIT_CODE', `Exit code ${exitCode}, which the task declares a temporary failure.`);
  }
  const ends = exitRules.terminate.includes(exitCode);
  if (!ends && !exitRules.success.includes(exitCode)) {
    return failed('EXIT_CODE', explainCode(exitCode, exitRules.success));
  }
  return readOutputs(task, facts, ends ? `Exit code ${exitCode} ends the submission here, as succeeded.` : '', failed);
}

function readOutputs(
  task: RunRules,
  { missing, faults = [] }: ExitFacts,
  early: string,
  failed: (failure: FailureKind, message: string) => ExitReading,
): ExitReading {
  if (faults.length > 0) return failed('BAD_OUTPUT', faults.join(' '));
  // Who ends early by exit code has said that there is nothing more to come.
  if (early) return { ...succeeded(early), terminate: true };
  if (missing.length === 0) return succeeded('');
  const what = `${missing.length === 1 ? 'Missing output' : 'Missing outputs'}: ${missing.join('; ')}.`;
  switch (task.missingOutput) {
    case 'FAIL':
      return failed('MISSING_OUTPUT', `The command ended well, but did not produce what the task declares. ${what}`);
    case 'CONTINUE':
      return succeeded(`${what} The task allows it.`);
    case 'TERMINATE':
      return { ...succeeded(`${what} The submission ends here, as succeeded.`), terminate: true };
  }
}

function explainLimit(task: RunRules, limit: LimitKind, memory: ExitFacts['memory']): string {
  switch (limit) {
    case 'TIMEOUT':
      return `The command ran longer than its timeout of ${seconds(task.timeoutSeconds)} and was ended, with everything it had started. Raise the task's timeout if it needs more.`;
    case 'HEARTBEAT':
      return `The command reported nothing for ${seconds(task.heartbeatSeconds ?? 0)} and was ended, with everything it had started. Print \`::progress 42\` or \`::heartbeat\` on a line of its own more often, and flush it, or raise the task's heartbeat.`;
    case 'OUT_OF_MEMORY': {
      const { limitBytes = 0, usedBytes = 0 } = memory ?? {};
      return `The command used ${mebibytes(usedBytes)} of memory, with everything it had started, and was ended: it may use ${mebibytes(limitBytes)}. Raise the task's resources if it needs more.`;
    }
    default:
      return unreachable(limit);
  }
}

const mebibytes = (bytes: number): string => `${Math.ceil(bytes / 1024 ** 2)} MB`;

function explainCode(code: number, success: readonly number[]): string {
  const plain = success.length === 1 && success[0] === 0;
  const expected = plain ? '' : ` Success would be ${success.length > 0 ? success.join(' or ') : 'no code at all'}.`;
  return `Exit code ${code}.${codeMeaning(code)}${expected}`;
}

function codeMeaning(code: number): string {
  if (code === SHELL_NOT_FOUND) return ' From a shell this means that a command in it was not found.';
  if (code === SHELL_NOT_EXECUTABLE) return ' From a shell this means that a file in it could not be executed.';
  if (code === SHELL_KILLED) {
    return ' From a shell this means that a command in it was killed, most likely because the machine ran out of memory.';
  }
  return '';
}

function seconds(count: number): string {
  return count === 1 ? '1 second' : `${count} seconds`;
}

const cancelled = (message: string): ExitReading => ({
  state: 'CANCELLED',
  failure: null,
  retryable: false,
  terminate: false,
  message,
});
const succeeded = (message: string): ExitReading => ({
  state: 'SUCCEEDED',
  failure: null,
  retryable: false,
  terminate: false,
  message,
});
