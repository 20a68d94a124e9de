import { GraphQLJSON } from 'graphql-scalars';
import { Field, Int, ObjectType, registerEnumType } from 'type-graphql';
import { CATCH_UPS, COMPLETIONS, OVERLAPS, type ScheduleSpec, type TriggerSpec } from '../../src/domain/firing';
import type { PRIORITIES } from '../../src/domain/states';
import type { CatalogEntry } from '../../src/engine/catalog';
import { describeSource } from '../../src/engine/define';
import type { FiringRow } from '../../src/store/entities';
import { connectionOf, Node } from '../relay/connection';
import { toId } from '../relay/ids';
import { UserErrorType } from '../relay/userErrors';
import { enumOf, PriorityName } from '../submissions/enums';
import { BatchType } from '../submissions/types';

export const OverlapName = enumOf(OVERLAPS);
registerEnumType(OverlapName, {
  name: 'Overlap',
  description: 'What happens to a firing while the Submission of an earlier one has not ended.',
  valuesConfig: {
    SKIP: { description: 'It is skipped.' },
    QUEUE: { description: 'It waits until the earlier one has ended.' },
    CANCEL_RUNNING: { description: 'The earlier one is cancelled.' },
    ALLOW: { description: 'Both run.' },
  },
});
export const CatchUpName = enumOf(CATCH_UPS);
registerEnumType(CatchUpName, {
  name: 'CatchUp',
  description: 'Which of the times fire that passed while no server ran.',
  valuesConfig: {
    NONE: { description: 'None: they are recorded as skipped.' },
    LATEST: { description: 'The latest, unless a time that was not missed fires anyway.' },
    ALL: { description: 'All of them, up to `catchUpLimit`.' },
  },
});
export const CompletionName = enumOf(COMPLETIONS);
registerEnumType(CompletionName, {
  name: 'Completion',
  description: 'Which ends of a Submission count.',
  valuesConfig: {
    SUCCEEDED: { description: 'It succeeded.' },
    FAILED: { description: 'It failed.' },
    ANY: { description: 'It ended, in whatever way.' },
  },
});
export const FIRING_STATES = ['DUE', 'SUBMITTED', 'SKIPPED', 'REFUSED'] as const;
export const FiringStateName = enumOf(FIRING_STATES);
registerEnumType(FiringStateName, {
  name: 'FiringState',
  description: 'What became of a firing.',
  valuesConfig: {
    DUE: { description: 'Nothing yet: its delay runs, or it waits. The message says for what.' },
    SUBMITTED: { description: 'A Submission.' },
    SKIPPED: { description: 'Nothing, by the rules of its definition. The message says which.' },
    REFUSED: { description: 'Nothing, since something was wrong. The message says what.' },
  },
});

@ObjectType('Firing', { implements: Node, description: 'One time that a Schedule or a Trigger fired.' })
export class FiringType extends Node {
  submissionKey!: string | null;
  sourceKey!: string | null;
  kind!: FiringRow['kind'];
  @Field(() => String, { description: 'The Schedule or Trigger.' })
  name!: string;
  @Field(() => Date, { description: 'The time it stands for: of the schedule, of the call, or of the end.' })
  time!: Date;
  @Field(() => Date, { description: 'When it starts: its time, and the delay by `jitter`.' })
  dueAt!: Date;
  @Field(() => FiringStateName, { description: 'What became of it.' })
  state!: FiringRow['state'];
  @Field(() => String, { description: 'Why it was skipped or refused, or what it waits for; empty otherwise.' })
  message!: string;
  @Field(() => Boolean, { description: 'It was made afterwards, by `backfillSchedule`.' })
  backfill!: boolean;
  @Field(() => Date, { description: 'When it was recorded.' })
  createdAt!: Date;
}
export const FiringConnection = connectionOf('Firing', () => FiringType);

@ObjectType('FiringTime', { description: 'A time at which a Schedule will fire.' })
export class FiringTimeType {
  @Field(() => Date, { description: 'The time.' })
  time!: Date;
  @Field(() => Date, { description: 'When it starts: its time, and its delay by `jitter`.' })
  dueAt!: Date;
}
export const FiringTimeConnection = connectionOf('FiringTime', () => FiringTimeType);

@ObjectType('Schedule', { implements: Node, description: 'Submits a Job at times.' })
export class ScheduleType extends Node {
  spec!: ScheduleSpec;
  @Field(() => String, { description: 'Unique among Schedules.' })
  name!: string;
  @Field(() => String, { description: 'What it is for.' })
  description!: string;
  @Field(() => String, { description: 'The Job it submits.' })
  job!: string;
  @Field(() => String, { description: 'When: a cron line.' })
  cron!: string;
  @Field(() => String, { description: 'The time zone that the cron line is read in.' })
  timeZone!: string;
  @Field(() => GraphQLJSON, { description: 'What it submits, as it was written.' })
  inputs!: unknown;
  @Field(() => OverlapName, { description: 'What happens while the Submission of an earlier firing has not ended.' })
  overlap!: ScheduleSpec['overlap'];
  @Field(() => CatchUpName, { description: 'Which missed times fire.' })
  catchUp!: ScheduleSpec['catchUp'];
  @Field(() => Int, { description: 'How many missed times fire at most.' })
  catchUpLimit!: number;
  @Field(() => Int, { description: 'The longest delay of a firing, in seconds.' })
  jitterSeconds!: number;
  @Field(() => PriorityName, { description: 'The priority of its Submissions.' })
  priority!: (typeof PRIORITIES)[number];
  @Field(() => String, { description: 'The label of its Submissions.' })
  label!: string;
  @Field(() => Boolean, { description: 'False: its definition says that it does nothing.' })
  enabled!: boolean;
  @Field(() => Int, { description: 'Grows with each change.' })
  version!: number;
  @Field(() => String, { description: 'The file or door it was defined by.' })
  source!: string;
  @Field(() => Date, { description: 'When this version came to be.' })
  createdAt!: Date;
}
export const ScheduleConnection = connectionOf('Schedule', () => ScheduleType);

@ObjectType('Webhook', { description: 'A signed call that fires a Trigger.' })
export class WebhookType {
  @Field(() => String, { description: 'Where to POST to.' })
  url!: string;
  @Field(() => String, { description: 'The name of the secret that signs calls. Its value is a setting.' })
  secret!: string;
  @Field(() => Int, { description: 'Calls that are taken in one minute.' })
  perMinute!: number;
}

@ObjectType('AwaitedEnd', { description: 'The end of a Submission that fires a Trigger.' })
export class AwaitedEndType {
  @Field(() => String, { description: 'The Job whose Submissions are watched.' })
  job!: string;
  @Field(() => CompletionName, { description: 'Which ends count.' })
  on!: (typeof COMPLETIONS)[number];
}

@ObjectType('Trigger', { implements: Node, description: 'Submits a Job when something happens.' })
export class TriggerType extends Node {
  spec!: TriggerSpec;
  @Field(() => String, { description: 'Unique among Triggers.' })
  name!: string;
  @Field(() => String, { description: 'What it is for.' })
  description!: string;
  @Field(() => String, { description: 'The Job it submits.' })
  job!: string;
  @Field(() => AwaitedEndType, { nullable: true, description: 'The end it waits for; null for a webhook.' })
  after!: AwaitedEndType | null;
  @Field(() => GraphQLJSON, { description: 'What it submits, as it was written.' })
  inputs!: unknown;
  @Field(() => PriorityName, { description: 'The priority of its Submissions.' })
  priority!: (typeof PRIORITIES)[number];
  @Field(() => String, { description: 'The label of its Submissions.' })
  label!: string;
  @Field(() => Boolean, { description: 'False: its definition says that it does nothing.' })
  enabled!: boolean;
  @Field(() => Int, { description: 'Grows with each change.' })
  version!: number;
  @Field(() => String, { description: 'The file or door it was defined by.' })
  source!: string;
  @Field(() => Date, { description: 'When this version came to be.' })
  createdAt!: Date;
}
export const TriggerConnection = connectionOf('Trigger', () => TriggerType);

@ObjectType({ description: 'A Schedule after a change.' })
export class SchedulePayload {
  @Field(() => ScheduleType, { nullable: true, description: 'As it stands now; null when there are userErrors.' })
  schedule!: ScheduleType | null;
  @Field(() => [UserErrorType], { description: 'Why nothing was changed.' })
  userErrors!: UserErrorType[];
}

@ObjectType({ description: 'A Trigger after a change.' })
export class TriggerPayload {
  @Field(() => TriggerType, { nullable: true, description: 'As it stands now; null when there are userErrors.' })
  trigger!: TriggerType | null;
  @Field(() => [UserErrorType], { description: 'Why nothing was changed.' })
  userErrors!: UserErrorType[];
}

@ObjectType({ description: 'What a back-fill became.' })
export class BackfillPayload {
  @Field(() => BatchType, { nullable: true, description: 'Its Submissions; null when there are userErrors.' })
  batch!: BatchType | null;
  @Field(() => Int, { description: 'Times that were submitted.' })
  submitted!: number;
  @Field(() => Int, { description: 'Times of the range that had been submitted before, or are about to be.' })
  alreadyFired!: number;
  @Field(() => [UserErrorType], { description: 'Why nothing was submitted.' })
  userErrors!: UserErrorType[];
}

export function toSchedule({ spec, version, source, createdAt }: CatalogEntry<ScheduleSpec>): ScheduleType {
  return {
    ...spec,
    spec,
    id: toId('Schedule', spec.name),
    jitterSeconds: Math.ceil(spec.jitterSeconds),
    version,
    source: describeSource(source),
    createdAt: new Date(createdAt),
  };
}

export function toTrigger({ spec, version, source, createdAt }: CatalogEntry<TriggerSpec>): TriggerType {
  return {
    ...spec,
    spec,
    id: toId('Trigger', spec.name),
    after: spec.on.kind === 'COMPLETION' ? { job: spec.on.job, on: spec.on.ending } : null,
    version,
    source: describeSource(source),
    createdAt: new Date(createdAt),
  };
}

export function toFiring(row: FiringRow): FiringType {
  return {
    id: toId('Firing', row.id),
    submissionKey: row.submissionId,
    sourceKey: row.sourceId,
    kind: row.kind,
    name: row.name,
    time: row.time,
    dueAt: row.dueAt,
    state: row.state,
    message: row.message,
    backfill: row.backfill,
    createdAt: row.createdAt,
  };
}
