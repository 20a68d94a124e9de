/** The states and kinds of `src/domain`, as GraphQL enums. */
import { registerEnumType } from 'type-graphql';
import { EVENT_TYPES } from '../../src/domain/events';
import { FAILURE_KINDS } from '../../src/domain/failure';
import {
  ATTEMPT_STATES,
  PRIORITIES,
  STEP_RUN_KINDS,
  STEP_RUN_STATES,
  SUBMISSION_STATES,
} from '../../src/domain/states';

/** A list of names as the object that GraphQL makes an enum of. */
export /** The values as type-graphql wants an enum. */
const enumOf = <T extends string>(values: readonly T[]): { readonly [Value in T]: Value } =>
  Object.fromEntries(values.map((value) => [value, value])) as { readonly [Value in T]: Value };

export const SubmissionStateName = enumOf(SUBMISSION_STATES);
registerEnumType(SubmissionStateName, {
  name: 'SubmissionState',
  description: 'Where a Submission stands. SUCCEEDED, FAILED and CANCELLED are final.',
  valuesConfig: {
    QUEUED: { description: 'Stored; no step has started.' },
    RUNNING: { description: 'A step has started.' },
    CANCELLING: { description: 'Cancelled; a worker is still stopping a step.' },
    SUCCEEDED: { description: 'All that should run has run.' },
    FAILED: { description: 'A step failed for good.' },
    CANCELLED: { description: 'Cancelled, and nothing runs any more.' },
  },
});
export const StepRunStateName = enumOf(STEP_RUN_STATES);
registerEnumType(StepRunStateName, {
  name: 'StepRunState',
  description: 'Where a StepRun stands. SUCCEEDED, FAILED, SKIPPED and CANCELLED are final.',
  valuesConfig: {
    PENDING: { description: 'Waits for earlier steps.' },
    QUEUED: { description: 'Ready; waits for a worker.' },
    RUNNING: { description: 'A worker runs it.' },
    RETRYING: { description: 'Failed for a passing reason; waits for its next Attempt.' },
    SUCCEEDED: { description: 'Done.' },
    FAILED: { description: 'Failed for good.' },
    SKIPPED: { description: 'Its condition said no, or the job ended early.' },
    CANCELLED: { description: 'Stopped, or never started because the submission ended.' },
  },
});
export const StepRunKindName = enumOf(STEP_RUN_KINDS);
registerEnumType(StepRunKindName, {
  name: 'StepRunKind',
  description: 'What a StepRun stands for.',
  valuesConfig: {
    TASK: { description: 'A run of a Task.' },
    SCATTER: { description: 'A Step that runs once per element of a list; the elements are its parts.' },
    JOB: { description: 'A run of a nested Job; its steps are its parts.' },
  },
});
export const AttemptStateName = enumOf(ATTEMPT_STATES);
registerEnumType(AttemptStateName, {
  name: 'AttemptState',
  description: 'How one try went.',
  valuesConfig: {
    RUNNING: { description: 'Under way.' },
    SUCCEEDED: { description: 'Done.' },
    FAILED: { description: 'The command failed.' },
    CANCELLED: { description: 'Stopped.' },
    LOST: { description: 'Its worker died or fell silent.' },
  },
});
export const FailureKindName = enumOf(FAILURE_KINDS);
registerEnumType(FailureKindName, {
  name: 'FailureKind',
  description: 'Why something failed, for programs; the message is for people.',
  valuesConfig: {
    EXIT_CODE: { description: 'The command ended with an exit code that is no success.' },
    SIGNAL: { description: 'The command crashed, or somebody outside ended it.' },
    TIMEOUT: { description: 'It ran longer than the timeout of an attempt.' },
    HEARTBEAT: { description: 'It reported nothing for longer than its heartbeat.' },
    OUT_OF_MEMORY: { description: 'It used more memory than it was given.' },
    MISSING_OUTPUT: { description: 'It ended well and did not produce what its task declares.' },
    BAD_OUTPUT: { description: 'It produced what cannot be taken: of another type, too large, a link to elsewhere.' },
    NOT_STARTED: { description: 'The command could not be started, or its inputs are not right.' },
    EXPRESSION: { description: 'The expression of a computed step failed, or passed its limits.' },
    MACHINE: { description: "A fault of the worker's machine, such as a full disk." },
    LOST: { description: 'Its worker died or fell silent.' },
    QUEUE_TIMEOUT: { description: 'It was ready for too long, and no worker took it.' },
    STEP_TIMEOUT: { description: 'The step took too long, all attempts and waits together.' },
  },
});
export const PriorityName = enumOf(PRIORITIES);
registerEnumType(PriorityName, {
  name: 'Priority',
  description: 'HIGH goes before NORMAL before LOW; waiting raises, so that LOW never starves.',
  valuesConfig: {
    HIGH: { description: 'Before all others.' },
    NORMAL: { description: 'The usual.' },
    LOW: { description: 'When nothing else waits, or after a minute or two.' },
  },
});
export const EventTypeName = enumOf(EVENT_TYPES);
registerEnumType(EventTypeName, {
  name: 'EventType',
  description: 'What happened.',
  valuesConfig: {
    SUBMISSION_STATE: { description: 'The Submission is in a new state.' },
    STEP_STATE: { description: 'A StepRun is in a new state.' },
    STEP_PROGRESS: { description: 'A command reported progress.' },
    ATTEMPT_LOST: { description: 'A worker died or fell silent while it ran this.' },
    CANCEL_REQUESTED: { description: 'Someone asked to cancel.' },
    SUBMISSION_PAUSED: { description: 'Paused: what runs goes on, nothing new starts.' },
    SUBMISSION_UNPAUSED: { description: 'It goes on after a pause.' },
    SUBMISSION_RESUMED: { description: 'It had failed or was cancelled, and goes on from what succeeded.' },
  },
});
