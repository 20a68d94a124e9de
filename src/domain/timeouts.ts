/** Timeouts beyond those of one Attempt: of waiting in the queue, of a whole step, of a whole Submission. */
import type { JobSpec, TaskSpec } from './definitions';

/** From the moment a StepRun is ready: seconds until it must have started, and until it must have ended. */
export interface WaitLimits {
  readonly queueSeconds?: number;
  readonly stepSeconds?: number;
}

export function waitLimits(task: Partial<TaskSpec>): WaitLimits {
  const { queueTimeoutSeconds, stepTimeoutSeconds } = task;
  return {
    ...(queueTimeoutSeconds === undefined ? {} : { queueSeconds: queueTimeoutSeconds }),
    ...(stepTimeoutSeconds === undefined ? {} : { stepSeconds: stepTimeoutSeconds }),
  };
}

/** Seconds that a Submission may take: the shorter of what its Job allows and what its submitter asked for. */
export function submissionSeconds(job: Pick<JobSpec, 'timeoutSeconds'>, asked: number | null): number | null {
  const limits = [job.timeoutSeconds, asked ?? undefined].filter((one) => one !== undefined);
  return limits.length === 0 ? null : Math.min(...limits);
}

/** Why something ended that was out of time, for people. */
export const timeoutMessages = {
  queue: (task: Partial<TaskSpec>): string =>
    `No worker took it for ${spell(task.queueTimeoutSeconds)} after it was ready, which is its timeout. Start more workers for its backend, or raise the queue timeout of the task.`,
  step: (task: Partial<TaskSpec>): string =>
    `The step took longer than its timeout of ${spell(task.stepTimeoutSeconds)}, all attempts and waits together. Raise the step timeout of the task if it needs more.`,
  job: (job: Pick<JobSpec, 'name' | 'timeoutSeconds'>): string =>
    `The job "${job.name}" took longer than its timeout of ${spell(job.timeoutSeconds)} and was ended. Raise its timeout if it needs more.`,
  submission: 'The submission took longer than its timeout and was ended.',
} as const;

function spell(seconds: number | undefined): string {
  if (seconds === undefined) return 'too long';
  return seconds === 1 ? '1 second' : `${seconds} seconds`;
}
