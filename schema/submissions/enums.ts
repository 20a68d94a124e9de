/** The states and kinds of `src/domain`, as GraphQL enums. */
import type { EventType } from '../../src/domain/events';
import type { FailureKind } from '../../src/domain/failure';
import type { AttemptState, Priority, StepRunKind, StepRunState, SubmissionState } from '../../src/domain/states';
import { enumOf } from '../relay/enums';

export const SubmissionStateName = enumOf<SubmissionState>(
  'SubmissionState',
  'Where a Submission stands. SUCCEEDED, FAILED and CANCELLED are final.',
  {
    QUEUED: 'Stored; no step has started.',
    RUNNING: 'A step has started.',
    CANCELLING: 'Cancelled; a worker is still stopping a step.',
    SUCCEEDED: 'All that should run has run.',
    FAILED: 'A step failed for good.',
    CANCELLED: 'Cancelled, and nothing runs any more.',
  },
);
export const StepRunStateName = enumOf<StepRunState>(
  'StepRunState',
  'Where a StepRun stands. SUCCEEDED, FAILED, SKIPPED and CANCELLED are final.',
  {
    PENDING: 'Waits for earlier steps.',
    QUEUED: 'Ready; waits for a worker.',
    RUNNING: 'A worker runs it.',
    RETRYING: 'Failed for a passing reason; waits for its next Attempt.',
    SUCCEEDED: 'Done.',
    FAILED: 'Failed for good.',
    SKIPPED: 'Its condition said no, or the job ended early.',
    CANCELLED: 'Stopped, or never started because the submission ended.',
  },
);
export const StepRunKindName = enumOf<StepRunKind>('StepRunKind', 'What a StepRun stands for.', {
  TASK: 'A run of a Task.',
  SCATTER: 'A Step that runs once per element of a list; the elements are its parts.',
  JOB: 'A run of a nested Job; its steps are its parts.',
});
export const AttemptStateName = enumOf<AttemptState>('AttemptState', 'How one try went.', {
  RUNNING: 'Under way.',
  SUCCEEDED: 'Done.',
  FAILED: 'The command failed.',
  CANCELLED: 'Stopped.',
  LOST: 'Its worker died or fell silent.',
});
export const FailureKindName = enumOf<FailureKind>(
  'FailureKind',
  'Why something failed, for programs; the message is for people.',
  {
    EXIT_CODE: 'The command ended with an exit code that is no success.',
    SIGNAL: 'The command crashed, or somebody outside ended it.',
    TIMEOUT: 'It ran longer than the timeout of an attempt.',
    HEARTBEAT: 'It reported nothing for longer than its heartbeat.',
    OUT_OF_MEMORY: 'It used more memory than it was given.',
    MISSING_OUTPUT: 'It ended well and did not produce what its task declares.',
    BAD_OUTPUT: 'It produced what cannot be taken: of another type, too large, a link to elsewhere.',
    NOT_STARTED: 'The command could not be started, or its inputs are not right.',
    EXPRESSION: 'The expression of a computed step failed, or passed its limits.',
    MACHINE: "A fault of the worker's machine, such as a full disk.",
    LOST: 'Its worker died or fell silent.',
    QUEUE_TIMEOUT: 'It was ready for too long, and no worker took it.',
    STEP_TIMEOUT: 'The step took too long, all attempts and waits together.',
  },
);
export const PriorityName = enumOf<Priority>(
  'Priority',
  'HIGH goes before NORMAL before LOW; waiting raises, so that LOW never starves.',
  {
    HIGH: 'Before all others.',
    NORMAL: 'The usual.',
    LOW: 'When nothing else waits, or after a minute or two.',
  },
);
export const EventTypeName = enumOf<EventType>('EventType', 'What happened.', {
  SUBMISSION_STATE: 'The Submission is in a new state.',
  STEP_STATE: 'A StepRun is in a new state.',
  STEP_PROGRESS: 'A command reported progress.',
  ATTEMPT_LOST: 'A worker died or fell silent while it ran this.',
  CANCEL_REQUESTED: 'Someone asked to cancel.',
  SUBMISSION_PAUSED: 'Paused: what runs goes on, nothing new starts.',
  SUBMISSION_UNPAUSED: 'It goes on after a pause.',
  SUBMISSION_RESUMED: 'It had failed or was cancelled, and goes on from what succeeded.',
});
