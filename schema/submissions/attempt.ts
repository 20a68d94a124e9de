/** One try of a StepRun, as clients see it. */
import { Field, Float, ID, Int, ObjectType } from 'type-graphql';
import type { Resources } from '../../src/domain/definitions';
import type { FailureKind } from '../../src/domain/failure';
import type { ATTEMPT_STATES } from '../../src/domain/states';
import type { AttemptRow } from '../../src/store/entities';
import { connectionOf } from '../relay/connection';
import { toId } from '../relay/ids';
import { AttemptStateName, FailureKindName } from './enums';

@ObjectType('Resources', { description: 'What something may use. What is null is neither told nor held.' })
export class ResourcesType {
  @Field(() => Float, { nullable: true, description: 'Resident memory of everything it starts, in bytes.' })
  memoryBytes!: number | null;
  @Field(() => Int, { nullable: true, description: 'Processor cores.' })
  cpus!: number | null;
  @Field(() => Float, { nullable: true, description: 'Disk, in bytes.' })
  diskBytes!: number | null;
}

export const toResources = (resources: Resources): ResourcesType => ({
  memoryBytes: resources.memoryBytes ?? null,
  cpus: resources.cpus ?? null,
  diskBytes: resources.diskBytes ?? null,
});

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
  @Field(() => FailureKindName, { nullable: true, description: 'Why it failed; null when it did not.' })
  failure!: FailureKind | null;
  @Field(() => ResourcesType, {
    nullable: true,
    description: 'What it was given; null when its task declares nothing.',
  })
  resources!: ResourcesType | null;
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

export const AttemptConnection = connectionOf('Attempt', () => AttemptType);

export function toAttempt(row: AttemptRow): AttemptType {
  return {
    number: row.number,
    state: row.state,
    workerId: toId('Worker', row.workerId),
    exitCode: row.exitCode,
    failure: row.failure,
    resources: row.resources === null ? null : toResources(row.resources),
    signal: row.signal,
    message: row.message,
    cpuMs: row.cpuMs,
    peakMemoryBytes: row.peakMemoryBytes === null ? null : Number(row.peakMemoryBytes),
    startedAt: row.startedAt,
    finishedAt: row.finishedAt,
  };
}
