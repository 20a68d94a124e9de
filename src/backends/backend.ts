/**
 * The one interface that every kind of Backend implements, and what passes through it. What is the same for all kinds
 * (directories, staged inputs, clocks, progress, collected outputs, how an end is read) is the frame's: `attempt/run.ts`.
 */
import type { Readable } from 'node:stream';
import type { BackendHealth } from '../domain/backendHealth';
import type { AttemptState } from '../domain/states';
import type { BackendSpec, Resources, TaskSpec } from '../domain/definitions';
import type { FailureKind } from '../domain/failure';
import type { Values } from '../domain/values';
import type { Pump } from './attempt/pump';

/** What is needed to run one Attempt. */
export interface AttemptRequest {
  readonly stepRunId: string;
  /** The Attempt's number, from 1; also the fencing number. */
  readonly attempt: number;
  readonly task: TaskSpec;
  readonly backend: BackendSpec;
  /** Values of the Task's data ports and Parameters, defaults filled in. */
  readonly values: Values;
  /** What it may use: the Task's own, or more after a try that used too much memory. Nothing is told or held if not given. */
  readonly resources?: Resources;
}

/** What is told while an Attempt runs. Calls never throw and never block the command for long. */
export interface AttemptObserver {
  /** A piece of output, in order per stream. The promise is backpressure: nothing more is read before it resolves. */
  log(stream: 'stdout' | 'stderr', bytes: Buffer): void | Promise<void>;
  /** From a `::progress` line: percent 0–100 and what the task says it does. */
  progress(percent: number, message: string): void;
  /** A sentence about what the Backend did with it, for the log. */
  note?(message: string): void;
}

/** How an Attempt ended. */
export interface AttemptOutcome {
  readonly state: Exclude<AttemptState, 'RUNNING' | 'LOST'>;
  /** Only for FAILED: what kind of failure. */
  readonly failure: FailureKind | null;
  /** Only for FAILED: whether another try may help. */
  readonly retryable: boolean;
  /** Only for SUCCEEDED: the Submission ends here, as succeeded (exit code or missing output says so). */
  readonly terminate: boolean;
  readonly exitCode: number | null;
  readonly signal: string | null;
  /** A sentence for people: why it failed, what is missing. Empty on plain success. */
  readonly message: string;
  /** Partial outputs are kept on failure. */
  readonly outputs: Values;
  /** User and system time of the command and the children it waited for, in milliseconds. */
  readonly cpuMs: number | null;
  /** Peak resident memory in bytes; null when it was too small or too short-lived to be told from the worker's own. */
  readonly peakMemoryBytes: number | null;
}

/** A running Attempt. */
export interface RunningAttempt {
  readonly outcome: Promise<AttemptOutcome>;
  /**
   * `cancelled` ends the command and everything it started. `shutdown` does so too, unless the Backend can find it
   * again: then it goes on without this worker. Idempotent; `outcome` then resolves.
   */
  cancel(reason: 'cancelled' | 'shutdown'): void;
  /**
   * The worker ends soon: what runs elsewhere and can be found again is let go of, for the next worker to go on with.
   * `outcome` then resolves with CANCELLED as soon as that is safe. All else runs on here, as if nothing were said.
   */
  handOver(): void;
}

/** Where an Attempt's files lie. `out` is the working directory, `tmp` for passing files. */
export interface AttemptPlace {
  readonly root: string;
  readonly out: string;
  readonly tmp: string;
}

/** An Attempt that has its place. */
export interface PlacedAttempt {
  readonly stepRunId: string;
  readonly attempt: number;
  readonly task: TaskSpec;
  readonly values: Values;
  readonly resources: Resources;
  readonly directory: AttemptPlace;
}

/** An Attempt that is ready to be started: its inputs are in place. */
export interface PreparedAttempt extends PlacedAttempt {
  /** The words of an argv or shell command; none for the others, which are read from `task.command`. */
  readonly argv: readonly string[];
  /** The whole environment, as for a process of this machine. */
  readonly env: Readonly<Record<string, string>>;
  /** Those variables of `env` that mark its processes as belonging to this worker and Attempt. */
  readonly marks: Readonly<Record<string, string>>;
  readonly stdin: 'null' | { readonly file: string };
  /** Where the Files and Directories of each input port lie. */
  readonly inputPaths: Readonly<Record<string, string | readonly string[]>>;
  /** What each output port promises, relative to `directory.out`. */
  readonly outputPaths: Readonly<Record<string, string>>;
}

/** How a command ended, as its Backend tells it. */
export interface CommandExit {
  readonly exitCode: number | null;
  /** The name of the signal that ended it, such as `SIGKILL`. */
  readonly signal: string | null;
  readonly cpuMs: number | null;
  readonly maxRssBytes: number | null;
  /** The most memory that all its processes had together, when it was held to a limit. */
  readonly treePeakBytes?: number;
  /** A failure that the Backend knows more of than the exit code tells, with a sentence for people. */
  readonly failure?: { readonly kind: FailureKind; readonly message: string };
  /** What a script, query or request returned, by output port: JSON, with the paths of files relative to `directory.out`. */
  readonly returned?: Readonly<Record<string, unknown>>;
}

/** A command that was started. */
export interface StartedCommand {
  /** Read as far as the observer takes it; both end when the command's output has ended. */
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Resolves when the command itself has ended. Rejects only when how it ended cannot be found out. */
  readonly exited: Promise<CommandExit>;
  /** Resolves when it really runs, for Backends with queues of their own: its timeouts count from then. */
  readonly running?: Promise<unknown>;
  /** Ends it with everything it started; at once if `urgent`, else after a time to clean up. `exited` then resolves. */
  end(urgent: boolean): Promise<unknown>;
  /** After `exited`: resolves when the pumps are done; ends what stands in their way. Without it they are just awaited. */
  settle?(pumps: readonly Pump[]): Promise<void>;
  /**
   * Lets go of it: it runs on without this worker, which does nothing more about it. Only for Backends that recover.
   * Idempotent. Resolves when another worker can find it, if that takes a while.
   */
  detach?(): void | Promise<void>;
  /** Its outputs are collected: removes what the engine has kept of it. Never rejects. */
  dispose?(): Promise<void>;
}

/** What the frame offers to a command while it starts and runs. */
export interface CommandHooks {
  /** The command used more memory than it may: ends it as OUT_OF_MEMORY. */
  outOfMemory(): void;
  /** A sentence for the Attempt's log. */
  note(message: string): void;
  /** What the engine tells of its progress: percent 0–100, and what it does. It counts as a sign of life. */
  progress(percent: number, message: string): void;
  /** Throws when the Attempt was stopped meanwhile; to be called between the steps of a long start. */
  checkpoint(): void;
  /**
   * False when this worker was silent, and another may have gone on with it. For Backends that recover, to be asked at once
   * before anything that the other must not find done.
   */
  isOurs(): boolean;
}

export type { BackendHealth } from '../domain/backendHealth';

/** One Backend of one worker. */
export interface Backend {
  /**
   * Starts the command. Throws BAD_INPUT (or CommandNotStarted) for what the Task is to blame for, and UNAVAILABLE when
   * the engine cannot take it: another try may then help.
   */
  start(attempt: PreparedAttempt, hooks: CommandHooks): StartedCommand | Promise<StartedCommand>;
  /**
   * With it, commands outlive their worker: goes on with what an earlier worker started in this directory, its output
   * told again from the beginning. Null when nothing is to be found of it any more, and it must be started again.
   */
  recover?(attempt: PlacedAttempt, hooks: CommandHooks): Promise<StartedCommand | null>;
  /** For those that recover: ends what runs in a directory whose step nobody wants any more. */
  abandon?(directory: AttemptPlace): Promise<void>;
  health(): Promise<BackendHealth>;
  /** Lets go of connections and warm processes. What runs was ended or let go before. */
  close(): Promise<void>;
}
