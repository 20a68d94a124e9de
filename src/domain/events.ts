/** Events: what subscribers see. Plain data, the same in the database, on the wire between processes and in GraphQL. */

export const EVENT_TYPES = [
  'SUBMISSION_STATE',
  'STEP_STATE',
  'STEP_PROGRESS',
  'ATTEMPT_LOST',
  'CANCEL_REQUESTED',
  'SUBMISSION_PAUSED',
  'SUBMISSION_UNPAUSED',
  'SUBMISSION_RESUMED',
] as const;
export type EventType = (typeof EVENT_TYPES)[number];

export interface SubmissionEvent {
  readonly submissionId: string;
  /** From 1, without gaps, per Submission. */
  readonly seq: number;
  readonly type: EventType;
  /** The new state of the Submission or the StepRun, for the two `…_STATE` types. */
  readonly state: string | null;
  readonly stepRunId: string | null;
  readonly stepName: string | null;
  readonly attempt: number | null;
  /** 0–100, for STEP_PROGRESS. */
  readonly percent: number | null;
  readonly message: string;
  /** ISO 8601, UTC. */
  readonly at: string;
}

/** An Event before it is numbered and stamped. */
export type EventDraft = Omit<SubmissionEvent, 'seq' | 'at'>;

export function submissionStateEvent(submissionId: string, state: string, message = ''): EventDraft {
  return {
    submissionId,
    type: 'SUBMISSION_STATE',
    state,
    stepRunId: null,
    stepName: null,
    attempt: null,
    percent: null,
    message,
  };
}

/** The step an Event speaks of. */
export interface EventStep {
  readonly submissionId: string;
  readonly id: string;
  readonly name: string;
  readonly attempt: number;
}

export function stepStateEvent(step: EventStep, state: string, message = ''): EventDraft {
  return stepEvent(step, 'STEP_STATE', state, null, message);
}

export function attemptLostEvent(step: EventStep, message: string): EventDraft {
  return stepEvent(step, 'ATTEMPT_LOST', null, null, message);
}

function stepEvent(
  step: EventStep,
  type: EventType,
  state: string | null,
  percent: number | null,
  message: string,
): EventDraft {
  return {
    submissionId: step.submissionId,
    type,
    state,
    stepRunId: step.id,
    stepName: step.name,
    attempt: step.attempt === 0 ? null : step.attempt,
    percent,
    message,
  };
}
