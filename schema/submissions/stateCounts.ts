/** Numbers of StepRuns by their state. */
import { Field, Int, ObjectType } from 'type-graphql';
import type { StateCounts } from '../../src/domain/graphRuns';

@ObjectType('StateCounts', { description: 'Numbers of StepRuns by their state.' })
export class StateCountsType {
  @Field(() => Int, { description: 'Wait for earlier steps.' })
  pending!: number;
  @Field(() => Int, { description: 'Wait for a worker.' })
  queued!: number;
  @Field(() => Int, { description: 'Run.' })
  running!: number;
  @Field(() => Int, { description: 'Wait for their next Attempt.' })
  retrying!: number;
  @Field(() => Int, { description: 'Are done.' })
  succeeded!: number;
  @Field(() => Int, { description: 'Failed for good.' })
  failed!: number;
  @Field(() => Int, { description: 'Were not needed.' })
  skipped!: number;
  @Field(() => Int, { description: 'Were stopped, or never started.' })
  cancelled!: number;
}

export function toStateCounts(counts: StateCounts): StateCountsType {
  return {
    pending: counts.PENDING,
    queued: counts.QUEUED,
    running: counts.RUNNING,
    retrying: counts.RETRYING,
    succeeded: counts.SUCCEEDED,
    failed: counts.FAILED,
    skipped: counts.SKIPPED,
    cancelled: counts.CANCELLED,
  };
}
