import { ArgsType, Field, InputType } from 'type-graphql';
import { GraphQLJSON } from 'graphql-scalars';
import type { PRIORITIES } from '../../src/domain/states';
import type { FiringRow } from '../../src/store/entities';
import { PageArgs } from '../relay/connection';
import { PriorityName } from '../submissions/enums';
import { FiringStateName } from './types';

@InputType()
abstract class DefineFirerInput {
  @Field(() => String, { description: 'Unique among its kind.' })
  name!: string;
  @Field(() => String, { nullable: true, description: 'What it is for.' })
  description?: string | null;
  @Field(() => String, { description: 'The Job it submits.' })
  job!: string;
  @Field(() => GraphQLJSON, {
    nullable: true,
    description:
      'Values by input of the Job, as for `submitJob`, with references such as `{"firing": "time"}` in them.',
  })
  inputs?: unknown;
  @Field(() => PriorityName, { nullable: true, description: 'The priority of its Submissions; NORMAL if not given.' })
  priority?: (typeof PRIORITIES)[number] | null;
  @Field(() => String, { nullable: true, description: 'The label of its Submissions; its name if not given.' })
  label?: string | null;
  @Field(() => Boolean, { nullable: true, description: '`false`: it does nothing.' })
  enabled?: boolean | null;
}

@InputType({ description: 'A Schedule, in the form of the files.' })
export class DefineScheduleInput extends DefineFirerInput {
  @Field(() => String, {
    description: 'Minute, hour, day of the month, month, day of the week: `30 2 * * *`. Or `@hourly`, `@daily` …',
  })
  cron!: string;
  @Field(() => String, { nullable: true, description: 'Such as `Europe/Stockholm`; `UTC` if not given.' })
  timeZone?: string | null;
  @Field(() => String, { nullable: true, description: 'SKIP (the default), QUEUE, CANCEL_RUNNING or ALLOW.' })
  overlap?: string | null;
  @Field(() => String, { nullable: true, description: 'NONE (the default), LATEST or ALL.' })
  catchUp?: string | null;
  @Field(() => GraphQLJSON, { nullable: true, description: 'With catch-up ALL: how many at most; 100 if not given.' })
  catchUpLimit?: unknown;
  @Field(() => GraphQLJSON, { nullable: true, description: 'The longest delay: seconds, or a duration such as "10m".' })
  jitter?: unknown;
}

@InputType({ description: 'A Trigger, in the form of the files: with `webhook` or with `after`.' })
export class DefineTriggerInput extends DefineFirerInput {
  @Field(() => GraphQLJSON, { nullable: true, description: '`true`, or an object with `secret` and `perMinute`.' })
  webhook?: unknown;
  @Field(() => GraphQLJSON, {
    nullable: true,
    description: 'The name of a Job, or an object with `job` and `on` (SUCCEEDED, FAILED or ANY).',
  })
  after?: unknown;
}

@InputType({ description: 'Which Schedule.' })
export class ScheduleNameInput {
  @Field(() => String, { description: 'Its name.' })
  name!: string;
}

@InputType({ description: 'Which Trigger.' })
export class TriggerNameInput {
  @Field(() => String, { description: 'Its name.' })
  name!: string;
}

@InputType({ description: 'Times of a Schedule that are to be submitted now.' })
export class BackfillScheduleInput {
  @Field(() => String, { description: 'The Schedule.' })
  name!: string;
  @Field(() => Date, { description: 'The first moment of the range.' })
  from!: Date;
  @Field(() => Date, { description: 'The end of the range, which is not in it itself; not in the future.' })
  to!: Date;
  @Field(() => PriorityName, { nullable: true, description: "The schedule's own if not given." })
  priority?: (typeof PRIORITIES)[number] | null;
  @Field(() => String, {
    nullable: true,
    description: 'Your own words for the Batch; the name of the schedule if not given.',
  })
  label?: string | null;
}

@ArgsType()
export class FiringsArgs extends PageArgs {
  @Field(() => [FiringStateName], { nullable: true, description: 'Only those in one of these states.' })
  states?: FiringRow['state'][] | null;
}
