import { Arg, Args, Ctx, FieldResolver, Query, Resolver, Root } from 'type-graphql';
import { databaseNow } from '../../src/store/statements/firings';
import { firerStatus } from '../../src/store/statements/firers';
import type { Context, Services } from '../context';
import { PageArgs, pageOfList, type Connection } from '../relay/connection';
import { findSubmission } from '../submissions/reads';
import { SubmissionType, toSubmission } from '../submissions/types';
import { FiringsArgs } from './inputs';
import { firingOf, listFirings, listTimes } from './reads';
import {
  FiringConnection,
  FiringTimeConnection,
  FiringType,
  ScheduleConnection,
  ScheduleType,
  toSchedule,
  toTrigger,
  TriggerConnection,
  TriggerType,
  WebhookType,
  type FiringTimeType,
} from './types';

const IS_PAUSED = 'It is paused: nothing fires, until it is unpaused.';
const PROBLEM = 'Why nothing can be submitted, such as a file that is not there; empty when all is well.';
const FIRINGS = 'Its firings, latest first, each with its Submission or the reason why there is none.';

@Resolver(() => ScheduleType)
export class ScheduleResolver {
  @Query(() => ScheduleConnection, { description: 'Schedules that are defined, by name.' })
  schedules(@Args(() => PageArgs) args: PageArgs, @Ctx() { services }: Context): Connection<ScheduleType> {
    const all = [...services.catalog.current().schedules.values()].map(toSchedule);
    return pageOfList(all, args, services.limits.pageLimit, ({ name }) => name);
  }

  @Query(() => ScheduleType, { nullable: true, description: 'One Schedule by name; null when there is none.' })
  schedule(
    @Arg('name', () => String, { description: 'Its name.' }) name: string,
    @Ctx() { services }: Context,
  ): ScheduleType | null {
    const entry = services.catalog.current().schedules.get(name);
    return entry ? toSchedule(entry) : null;
  }

  @FieldResolver(() => Boolean, { description: IS_PAUSED })
  async paused(@Root() { name }: ScheduleType, @Ctx() { services }: Context): Promise<boolean> {
    return (await statusOf(services, 'SCHEDULE', name))?.paused ?? false;
  }

  @FieldResolver(() => String, { description: PROBLEM })
  async problem(@Root() { name }: ScheduleType, @Ctx() { services }: Context): Promise<string> {
    return (await statusOf(services, 'SCHEDULE', name))?.problem ?? '';
  }

  @FieldResolver(() => FiringTimeConnection, {
    description: 'The times to come, next first; without regard to a pause.',
  })
  async nextFirings(
    @Root() { spec }: ScheduleType,
    @Args(() => PageArgs) args: PageArgs,
    @Ctx() { services }: Context,
  ): Promise<Connection<FiringTimeType>> {
    return listTimes(spec, await databaseNow(services.db), args, services.limits.pageLimit);
  }

  @FieldResolver(() => FiringConnection, { description: FIRINGS })
  firings(
    @Root() { name }: ScheduleType,
    @Args(() => FiringsArgs) args: FiringsArgs,
    @Ctx() { services }: Context,
  ): Promise<Connection<FiringType>> {
    return listFirings(services.db, { kind: 'SCHEDULE', name }, args, services.limits.pageLimit);
  }
}

@Resolver(() => TriggerType)
export class TriggerResolver {
  @Query(() => TriggerConnection, { description: 'Triggers that are defined, by name.' })
  triggers(@Args(() => PageArgs) args: PageArgs, @Ctx() { services }: Context): Connection<TriggerType> {
    const all = [...services.catalog.current().triggers.values()].map(toTrigger);
    return pageOfList(all, args, services.limits.pageLimit, ({ name }) => name);
  }

  @Query(() => TriggerType, { nullable: true, description: 'One Trigger by name; null when there is none.' })
  trigger(
    @Arg('name', () => String, { description: 'Its name.' }) name: string,
    @Ctx() { services }: Context,
  ): TriggerType | null {
    const entry = services.catalog.current().triggers.get(name);
    return entry ? toTrigger(entry) : null;
  }

  @FieldResolver(() => WebhookType, {
    nullable: true,
    description: 'The call that fires it; null when the end of a Submission does.',
  })
  webhook(@Root() { spec }: TriggerType, @Ctx() { services }: Context): WebhookType | null {
    if (spec.on.kind !== 'WEBHOOK') return null;
    const { secret, perMinute } = spec.on;
    return { url: `${services.publicUrl}/hooks/${spec.name}`, secret, perMinute };
  }

  @FieldResolver(() => Boolean, { description: IS_PAUSED })
  async paused(@Root() { name }: TriggerType, @Ctx() { services }: Context): Promise<boolean> {
    return (await statusOf(services, 'TRIGGER', name))?.paused ?? false;
  }

  @FieldResolver(() => String, { description: PROBLEM })
  async problem(@Root() { name }: TriggerType, @Ctx() { services }: Context): Promise<string> {
    return (await statusOf(services, 'TRIGGER', name))?.problem ?? '';
  }

  @FieldResolver(() => FiringConnection, { description: FIRINGS })
  firings(
    @Root() { name }: TriggerType,
    @Args(() => FiringsArgs) args: FiringsArgs,
    @Ctx() { services }: Context,
  ): Promise<Connection<FiringType>> {
    return listFirings(services.db, { kind: 'TRIGGER', name }, args, services.limits.pageLimit);
  }
}

@Resolver(() => FiringType)
export class FiringResolver {
  @FieldResolver(() => SubmissionType, {
    nullable: true,
    description: 'What it became; null when it became none, or when that was deleted.',
  })
  submission(@Root() { submissionKey }: FiringType, @Ctx() { services }: Context): Promise<SubmissionType | null> {
    return submissionOf(services, submissionKey);
  }

  @FieldResolver(() => SubmissionType, {
    nullable: true,
    description: 'The Submission whose end fired it; null for a Schedule or a webhook, or when it was deleted.',
  })
  source(@Root() { sourceKey }: FiringType, @Ctx() { services }: Context): Promise<SubmissionType | null> {
    return submissionOf(services, sourceKey);
  }
}

@Resolver(() => SubmissionType)
export class SubmissionFiringResolver {
  @FieldResolver(() => FiringType, {
    nullable: true,
    description: 'The firing of a Schedule or Trigger that it came from; null when somebody submitted it.',
  })
  firing(@Root() { key }: SubmissionType, @Ctx() { services }: Context): Promise<FiringType | null> {
    return firingOf(services.db, key);
  }
}

async function statusOf({ db }: Services, kind: 'SCHEDULE' | 'TRIGGER', name: string) {
  return (await firerStatus(db, kind, [name]))[0];
}

async function submissionOf({ db }: Services, key: string | null): Promise<SubmissionType | null> {
  const row = key === null ? null : await findSubmission(db, key);
  return row && toSubmission(row);
}
