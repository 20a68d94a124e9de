/** When a failed Attempt is tried again. */
import type { RetryPolicy } from './definitions';

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
