/** The kinds of failure: what a program can tell apart, where the message is for people. */

export const FAILURE_KINDS = [
  'EXIT_CODE',
  'SIGNAL',
  'TIMEOUT',
  'HEARTBEAT',
  'OUT_OF_MEMORY',
  'MISSING_OUTPUT',
  'BAD_OUTPUT',
  'NOT_STARTED',
  'EXPRESSION',
  'MACHINE',
  'LOST',
  'QUEUE_TIMEOUT',
  'STEP_TIMEOUT',
] as const;

/** Why an Attempt or a StepRun failed. QUEUE_TIMEOUT comes without an Attempt. */
export type FailureKind = (typeof FAILURE_KINDS)[number];
