/** StepRuns and their Attempts, as callers see them. */
import { Field, Float, ID, Int, ObjectType } from 'type-graphql';
import type { ATTEMPT_STATES, STEP_RUN_STATES, StepRunKind } from '../../src/domain/states';
import type { AttemptRow, StepRunRow } from '../../src/store/entities';
import { connectionOf, Node } from '../relay/connection';
import { toId } from '../relay/ids';
import { AttemptStateName, StepRunKindName, StepRunStateName } from './enums';

@ObjectType('StepRun', { implements: Node, description: 'One execution of one Step in one Submission.' })
export class StepRunType extends Node {
  key!: string;
  submissionKey!: string;
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
  @Field(() => Boolean, { description: 'It took the result of an equal, earlier run.' })
  cached!: boolean;
  @Field(() => Int, { nullable: true, description: 'The exit code of its newest Attempt.' })
  exitCode!: number | null;
  @Field(() => Int, { nullable: true, description: 'The progress it reported, 0–100.' })
  percent!: number | null;
  @Field(() => String, { description: 'Why it failed, was skipped, or what it says it does.' })
  message!: string;
  @Field(() => Date, { nullable: true, description: 'When it became ready.' })
  readyAt!: Date | null;
  @Field(() => Date, { nullable: true, description: 'When its first Attempt started.' })
  startedAt!: Date | null;
  @Field(() => Date, { nullable: true, description: 'When it ended.' })
  finishedAt!: Date | null;
}

@ObjectType('Attempt', { description: 'One try of a StepRun on a worker.' })
export class AttemptType {
  @Field(() => Int, { description: 'From 1.' })
  number!: number;
  @Field(() => AttemptStateName, { description: 'How it went.' })
  state!: (typeof ATTEMPT_STATES)[number];
  @Field(() => ID, { description: 'The worker that ran it.' })
  workerId!: string;
  @Field(() => Int, { nullable: true, description: "The command's exit code." })
  exitCode!: number | null;
  @Field(() => String, { nullable: true, description: 'The signal that ended it, such as SIGKILL.' })
  signal!: string | null;
  @Field(() => String, { description: 'Why it failed.' })
  message!: string;
  @Field(() => Float, {
    nullable: true,
    description: 'User and system time of the command and its children, in milliseconds.',
  })
  cpuMs!: number | null;
  @Field(() => Float, { nullable: true, description: 'Peak resident memory in bytes, when it could be told.' })
  peakMemoryBytes!: number | null;
  @Field(() => Date, { description: 'When it started.' })
  startedAt!: Date;
  @Field(() => Date, { nullable: true, description: 'When it ended.' })
  finishedAt!: Date | null;
}

export const StepRunConnection = connectionOf('StepRun', () => StepRunType);
export const AttemptConnection = connectionOf('Attempt', () => AttemptType);

export function toStepRun(row: StepRunRow): StepRunType {
  return {
    id: toId('StepRun', row.id),
    key: row.id,
    submissionKey: row.submissionId,
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
    cached: row.cached,
    exitCode: row.exitCode,
    percent: row.percent,
    message: row.message,
    readyAt: row.readyAt,
    startedAt: row.startedAt,
    finishedAt: row.finishedAt,
  };
}

export function toAttempt(row: AttemptRow): AttemptType {
  return {
    number: row.number,
    state: row.state,
    workerId: toId('Worker', row.workerId),
    exitCode: row.exitCode,
    signal: row.signal,
    message: row.message,
    cpuMs: row.cpuMs,
    peakMemoryBytes: row.peakMemoryBytes === null ? null : Number(row.peakMemoryBytes),
    startedAt: row.startedAt,
    finishedAt: row.finishedAt,
  };
}
