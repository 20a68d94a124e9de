/** StepRuns, as callers see them. */
import { Field, ID, Int, ObjectType } from 'type-graphql';
import type { FailureKind } from '../../src/domain/failure';
import type { STEP_RUN_STATES, StepRunKind } from '../../src/domain/states';
import type { StepRunRow } from '../../src/store/entities';
import { connectionOf, Node } from '../relay/connection';
import { toId } from '../relay/ids';
import { FailureKindName, StepRunKindName, StepRunStateName } from './enums';

@ObjectType('StepRun', { implements: Node, description: 'One execution of one Step in one Submission.' })
export class StepRunType extends Node {
  key!: string;
  reusedFromKey!: string | null;
  submissionKey!: string;
  /** Where it stands in its queue, for field resolvers. */
  place!: Pick<StepRunRow, 'queue' | 'priority' | 'held' | 'lane'>;
  /** Where its parts are found: its scope and its node in it. */
  scopeKey!: string;
  node!: number;
  @Field(() => String, {
    description: 'The name of the Step; of an element or a step of a nested Job the way to it: `per-sample[12]/align`.',
  })
  name!: string;
  @Field(() => StepRunKindName, { description: 'Whether it runs a Task, once per element, or a Job.' })
  kind!: StepRunKind;
  @Field(() => String, { description: 'The Task or Job it runs.' })
  taskName!: string;
  @Field(() => ID, { nullable: true, description: 'The scatter or nested Job that it is a part of.' })
  parentId!: string | null;
  @Field(() => Int, { nullable: true, description: 'Which element of a scatter it is, from 0.' })
  scatterIndex!: number | null;
  @Field(() => Int, { nullable: true, description: 'Of a scatter: its elements in all, once that is known.' })
  width!: number | null;
  @Field(() => StepRunStateName, { description: 'Where it stands.' })
  state!: (typeof STEP_RUN_STATES)[number];
  @Field(() => String, { description: 'The Backend whose queue it waits in.' })
  backend!: string;
  @Field(() => Int, { description: 'Earlier steps that it still waits for.' })
  waitingFor!: number;
  @Field(() => Int, { description: 'The number of its newest Attempt; 0 before the first.' })
  attempt!: number;
  @Field(() => Int, { description: 'The generation of its Submission in which it came to be, or was opened last.' })
  generation!: number;
  @Field(() => Boolean, { description: 'It took the result of an equal, earlier run.' })
  cached!: boolean;
  @Field(() => Int, { nullable: true, description: 'The exit code of its newest Attempt.' })
  exitCode!: number | null;
  @Field(() => Int, { nullable: true, description: 'The progress it reported, 0–100.' })
  percent!: number | null;
  @Field(() => String, { description: 'Why it failed, was skipped, or what it says it does.' })
  message!: string;
  @Field(() => FailureKindName, {
    nullable: true,
    description: 'Why it failed, or why its latest try did while it is RETRYING.',
  })
  failure!: FailureKind | null;
  @Field(() => Date, { nullable: true, description: 'When it fails if no worker has taken it by then.' })
  queueDeadline!: Date | null;
  @Field(() => Date, {
    nullable: true,
    description: 'When it fails if it has not ended by then; known once it is ready.',
  })
  deadline!: Date | null;
  @Field(() => Date, { nullable: true, description: 'When it became ready.' })
  readyAt!: Date | null;
  @Field(() => Date, { nullable: true, description: 'When its first Attempt started.' })
  startedAt!: Date | null;
  @Field(() => Date, { nullable: true, description: 'When it ended.' })
  finishedAt!: Date | null;
}

export const StepRunConnection = connectionOf('StepRun', () => StepRunType);

export function toStepRun(row: StepRunRow): StepRunType {
  return {
    id: toId('StepRun', row.id),
    key: row.id,
    reusedFromKey: row.reusedFrom,
    submissionKey: row.submissionId,
    place: row,
    name: row.name,
    kind: row.kind,
    taskName: row.taskName,
    parentId: row.parentId === null ? null : toId('StepRun', row.parentId),
    scatterIndex: row.scatterIndex < 0 ? null : row.scatterIndex,
    width: row.width,
    scopeKey: row.scopeId,
    node: row.node,
    state: row.state,
    backend: row.queue,
    waitingFor: row.waiting,
    attempt: row.attempt,
    generation: row.generation,
    cached: row.cached,
    exitCode: row.exitCode,
    percent: row.percent,
    message: row.message,
    failure: row.failure,
    queueDeadline: row.state === 'QUEUED' ? row.queueDeadline : null,
    deadline: row.finishedAt === null ? row.deadline : null,
    readyAt: row.readyAt,
    startedAt: row.startedAt,
    finishedAt: row.finishedAt,
  };
}
