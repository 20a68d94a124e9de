/** The one interface every Backend kind implements. The worker knows nothing else of how a Task runs. */
import type { AttemptState } from '../domain/states';
import type { Resources, TaskSpec } from '../domain/definitions';
import type { FailureKind } from '../domain/failure';
import type { Values } from '../domain/values';

/** What a Backend needs to run one Attempt. */
export interface AttemptRequest {
  readonly stepRunId: string;
  /** The Attempt's number, from 1; also the fencing number. */
  readonly attempt: number;
  readonly workerId: string;
  readonly task: TaskSpec;
  /** Values of the Task's data ports and Parameters, defaults filled in. */
  readonly values: Values;
  /** The Backend's own variables. */
  readonly backendEnvironment: Readonly<Record<string, string>>;
  /** What it may use: the Task's own, or more after a try that used too much memory. Nothing is told or held if not given. */
  readonly resources?: Resources;
}

/** What is told while an Attempt runs. Calls never throw and never block the command for long. */
export interface AttemptObserver {
  /** A piece of output, in order per stream. The promise is backpressure: the pipe is not read before it resolves. */
  log(stream: 'stdout' | 'stderr', bytes: Buffer): void | Promise<void>;
  /** From a `::progress` line: percent 0–100 and what the task says it does. */
  progress(percent: number, message: string): void;
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
  /** Ends the command and everything it started. Idempotent; `outcome` then resolves. */
  cancel(reason: 'cancelled' | 'shutdown'): void;
}

export interface Backend {
  readonly kind: string;
  /** Prepares, starts and collects one Attempt. Throws only for faults of the worker's own machine (disk, permissions). */
  start(request: AttemptRequest, observer: AttemptObserver): RunningAttempt;
  /** Kills what earlier workers left on this machine. Returns how many processes it ended. */
  sweep(): Promise<number>;
  close(): Promise<void>;
}
