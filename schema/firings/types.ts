import { GraphQLJSON } from 'graphql-scalars';
import { Field, Int, ObjectType } from 'type-graphql';
import type { CatchUp, Completion, Overlap, ScheduleSpec, TriggerSpec } from '../../src/domain/firing';
import type { Priority } from '../../src/domain/states';
import type { CatalogEntry } from '../../src/engine/catalog';
import { describeSource } from '../../src/engine/define';
import type { FiringRow } from '../../src/store/entities';
import { connectionOf, Node } from '../relay/connection';
import { enumOf } from '../relay/enums';
import { toId } from '../relay/ids';
import { UserErrorType } from '../relay/userErrors';
import { PriorityName } from '../submissions/enums';
import { BatchType } from '../submissions/types';

export const OverlapName = enumOf<Overlap>(
  'Overlap',
  'What happens to a firing while the Submission of an earlier one has not ended.',
  {
    SKIP: 'It is skipped.',
    QUEUE: 'It waits until the earlier one has ended.',
    CANCEL_RUNNING: 'The earlier one is cancelled.',
    ALLOW: 'Both run.',
  },
);
export const CatchUpName = enumOf<CatchUp>('CatchUp', 'Which of the times fire that passed while no server ran.', {
  NONE: 'None: they are recorded as skipped.',
  LATEST: 'The latest, unless a time that was not missed fires anyway.',
  ALL: 'All of them, up to `catchUpLimit`.',
});
export const CompletionName = enumOf<Completion>('Completion', 'Which ends of a Submission count.', {
  SUCCEEDED: 'It succeeded.',
  FAILED: 'It failed.',
  ANY: 'It ended, in whatever way.',
});
export const FiringStateName = enumOf<FiringRow['state']>('FiringState', 'What became of a firing.', {
  DUE: 'Nothing yet: its delay runs, or it waits. The message says for what.',
  SUBMITTED: 'A Submission.',
  SKIPPED: 'Nothing, by the rules of its definition. The message says which.',
  REFUSED: 'Nothing, since something was wrong. The message says what.',
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

/** What a Schedule and a Trigger have in common: both submit a Job with inputs. */
@ObjectType()
abstract class FirerType extends Node {
  @Field(() => String, { description: 'What it is for.' })
  description!: string;
  @Field(() => String, { description: 'The Job it submits.' })
  job!: string;
  @Field(() => GraphQLJSON, { description: 'What it submits, as it was written.' })
  inputs!: unknown;
  @Field(() => PriorityName, { description: 'The priority of its Submissions.' })
  priority!: Priority;
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

@ObjectType('Schedule', { implements: Node, description: 'Submits a Job at times.' })
export class ScheduleType extends FirerType {
  spec!: ScheduleSpec;
  @Field(() => String, { description: 'Unique among Schedules.' })
  name!: string;
  @Field(() => String, { description: 'When: a cron line.' })
  cron!: string;
  @Field(() => String, { description: 'The time zone that the cron line is read in.' })
  timeZone!: string;
  @Field(() => OverlapName, { description: 'What happens while the Submission of an earlier firing has not ended.' })
  overlap!: ScheduleSpec['overlap'];
  @Field(() => CatchUpName, { description: 'Which missed times fire.' })
  catchUp!: ScheduleSpec['catchUp'];
  @Field(() => Int, { description: 'How many missed times fire at most.' })
  catchUpLimit!: number;
  @Field(() => Int, { description: 'The longest delay of a firing, in seconds.' })
  jitterSeconds!: number;
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
  on!: Completion;
}

@ObjectType('Trigger', { implements: Node, description: 'Submits a Job when something happens.' })
export class TriggerType extends FirerType {
  spec!: TriggerSpec;
  @Field(() => String, { description: 'Unique among Triggers.' })
  name!: string;
  @Field(() => AwaitedEndType, { nullable: true, description: 'The end it waits for; null for a webhook.' })
  after!: AwaitedEndType | null;
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

export function toSchedule(entry: CatalogEntry<ScheduleSpec>): ScheduleType {
  const { name, jitterSeconds } = entry.spec;
  return { ...toFirer(entry), id: toId('Schedule', name), jitterSeconds: Math.ceil(jitterSeconds) };
}

export function toTrigger(entry: CatalogEntry<TriggerSpec>): TriggerType {
  const { name, on } = entry.spec;
  const after = on.kind === 'COMPLETION' ? { job: on.job, on: on.ending } : null;
  return { ...toFirer(entry), id: toId('Trigger', name), after };
}

const toFirer = <Spec extends object>({ spec, version, source, createdAt }: CatalogEntry<Spec>) => ({
  ...spec,
  spec,
  version,
  source: describeSource(source),
  createdAt: new Date(createdAt),
});

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
