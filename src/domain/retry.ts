/** When a failed Attempt is tried again, and on what. */
import type { RetryCause, RetryPolicy, TaskSpec } from './definitions';
import { unreachable } from './errors';
import type { FailureKind } from './failure';

/** Sent from outside, by people or the system: the same command may well succeed elsewhere or later. */
const SIGNALS_FROM_OUTSIDE: readonly string[] = ['SIGKILL', 'SIGTERM', 'SIGHUP', 'SIGINT', 'SIGQUIT'];

/** What is tried again when a Task does not say. Too little memory stays too little, unless it grows. */
const USUAL_CAUSES: readonly RetryCause[] = ['TIMEOUT', 'HEARTBEAT', 'LOST'];

/** How an Attempt failed. */
export interface Failure {
  readonly kind: FailureKind;
  readonly exitCode: number | null;
  readonly signal: string | null;
  /** The memory that the Attempt was given, for OUT_OF_MEMORY. */
  readonly memoryBytes?: number;
}

/** Whether the Task wants another try after such a failure. How many tries there are is another question. */
export function isRetried(task: Pick<TaskSpec, 'retry' | 'exitRules'>, failure: Failure): boolean {
  const { retry, exitRules } = task;
  const { kind, exitCode, signal } = failure;
  switch (kind) {
    case 'EXIT_CODE':
      return exitCode !== null && (exitRules.temporary.includes(exitCode) || retriedExits(retry).includes(exitCode));
    case 'SIGNAL':
      return signal !== null && (retry.on?.signals ?? SIGNALS_FROM_OUTSIDE).includes(signal);
    case 'OUT_OF_MEMORY':
      return retry.growth === undefined
        ? retriedCauses(retry).includes(kind)
        : (failure.memoryBytes ?? 0) < retry.growth.maxMemoryBytes;
    case 'TIMEOUT':
    case 'HEARTBEAT':
    case 'MISSING_OUTPUT':
    case 'LOST':
      return retriedCauses(retry).includes(kind);
    case 'MACHINE':
      return true;
    case 'BAD_OUTPUT':
    case 'NOT_STARTED':
    case 'EXPRESSION':
    case 'QUEUE_TIMEOUT':
    case 'STEP_TIMEOUT':
      return false;
    default:
      return unreachable(kind);
  }
}

const retriedExits = (policy: RetryPolicy): readonly number[] => policy.on?.exitCodes ?? [];
const retriedCauses = (policy: RetryPolicy): readonly RetryCause[] => policy.on?.causes ?? USUAL_CAUSES;

/**
 * Seconds to wait after the `failures`-th failure: exponential back-off with full jitter, as described in Marc
 * Brooker's "Exponential Backoff and Jitter". `random` is uniform in [0, 1).
 */
export function retryDelaySeconds(policy: RetryPolicy, failures: number, random: number): number {
  // The power of a long row of failures is infinite, and 0 times that is no number.
  const grown = Math.min(policy.factor ** (failures - 1), Number.MAX_VALUE);
  const ceiling = Math.min(policy.maxDelaySeconds, policy.initialDelaySeconds * grown);
  return ceiling * random;
}

/** Whether one more Attempt is due after `failures` failed ones. Attempts lost with their worker or handed back do not count. */
export function mayRetry(policy: RetryPolicy, failures: number): boolean {
  return failures < policy.maxAttempts;
}

/** A StepRun whose worker died this often is taken to be the cause. */
export const MAX_LOST_ATTEMPTS = 3;

/** Null: a StepRun whose worker died for the `lost`-th time runs again. Otherwise the reason why it fails. */
export function failureAfterLoss(policy: RetryPolicy | undefined, lost: number): string | null {
  if (policy && !retriedCauses(policy).includes('LOST')) {
    return 'Its worker died or fell silent while it ran, and its task does not allow another try after that: it may have done its work, in part or whole.';
  }
  if (lost < MAX_LOST_ATTEMPTS) return null;
  return `Its worker died ${MAX_LOST_ATTEMPTS} times while it ran: the step is taken to be the cause.`;
}
