/** The states of DESIGN §4 and which of them are final. */
export const SUBMISSION_STATES = ['QUEUED', 'RUNNING', 'CANCELLING', 'SUCCEEDED', 'FAILED', 'CANCELLED'] as const;
export type SubmissionState = (typeof SUBMISSION_STATES)[number];

export const STEP_RUN_STATES = [
  'PENDING',
  'QUEUED',
  'RUNNING',
  'RETRYING',
  'SUCCEEDED',
  'FAILED',
  'SKIPPED',
  'CANCELLED',
] as const;
export type StepRunState = (typeof STEP_RUN_STATES)[number];

/** What a StepRun stands for: a run of a Task, the elements of a scatter, or the steps of a nested Job. */
export const STEP_RUN_KINDS = ['TASK', 'SCATTER', 'JOB'] as const;
export type StepRunKind = (typeof STEP_RUN_KINDS)[number];

/** LOST: the worker died or fell silent while it ran. */
export const ATTEMPT_STATES = ['RUNNING', 'SUCCEEDED', 'FAILED', 'CANCELLED', 'LOST'] as const;
export type AttemptState = (typeof ATTEMPT_STATES)[number];

export const PRIORITIES = ['HIGH', 'NORMAL', 'LOW'] as const;
export type Priority = (typeof PRIORITIES)[number];

const FINAL_SUBMISSION: ReadonlySet<SubmissionState> = new Set(['SUCCEEDED', 'FAILED', 'CANCELLED']);
const FINAL_STEP_RUN: ReadonlySet<StepRunState> = new Set(['SUCCEEDED', 'FAILED', 'SKIPPED', 'CANCELLED']);

export const isFinalSubmission = (state: SubmissionState): boolean => FINAL_SUBMISSION.has(state);
export const isFinalStepRun = (state: StepRunState): boolean => FINAL_STEP_RUN.has(state);

/** 0 HIGH, 1 NORMAL, 2 LOW: how a Priority is stored and ordered. */
export const priorityRank = (priority: Priority): number => PRIORITIES.indexOf(priority);

/** The Priority of a stored rank; anything out of range is NORMAL. */
export const priorityOf = (rank: number): Priority => PRIORITIES[rank] ?? 'NORMAL';

/** What ends a Submission once its last StepRun is final. */
export type Ending = 'SUCCEEDED' | 'FAILED' | 'CANCELLED';
