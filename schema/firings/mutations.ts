import { Arg, Ctx, Mutation, Resolver } from 'type-graphql';
import { userError } from '../../src/domain/errors';
import { followDefinitions, pauseFirer } from '../../src/engine/firings';
import type { Context, Services } from '../context';
import { withUserErrors } from '../relay/userErrors';
import { getBatch } from '../submissions/reads';
import { toBatch } from '../submissions/types';
import { backfill } from './backfill';
import { BackfillScheduleInput, ScheduleNameInput, TriggerNameInput } from './inputs';
import { pinFiles } from './pin';
import { BackfillPayload, SchedulePayload, toSchedule, toTrigger, TriggerPayload } from './types';

const WHICH = { description: 'Which.' };

@Resolver()
export class FiringMutations {
  @Mutation(() => SchedulePayload, {
    description: 'Pauses a Schedule: nothing of it fires, until `unpauseSchedule`. What it has submitted goes on.',
  })
  pauseSchedule(
    @Arg('input', () => ScheduleNameInput, WHICH) { name }: ScheduleNameInput,
    @Ctx() { services }: Context,
  ): Promise<SchedulePayload> {
    return onSchedule(services, name, true);
  }

  @Mutation(() => SchedulePayload, {
    description: 'Lets a paused Schedule go on with its next time. What passed meanwhile can be back-filled.',
  })
  unpauseSchedule(
    @Arg('input', () => ScheduleNameInput, WHICH) { name }: ScheduleNameInput,
    @Ctx() { services }: Context,
  ): Promise<SchedulePayload> {
    return onSchedule(services, name, false);
  }

  @Mutation(() => TriggerPayload, {
    description: 'Pauses a Trigger: its webhook answers 503, ends are passed over, until `unpauseTrigger`.',
  })
  pauseTrigger(
    @Arg('input', () => TriggerNameInput, WHICH) { name }: TriggerNameInput,
    @Ctx() { services }: Context,
  ): Promise<TriggerPayload> {
    return onTrigger(services, name, true);
  }

  @Mutation(() => TriggerPayload, { description: 'Lets a paused Trigger go on.' })
  unpauseTrigger(
    @Arg('input', () => TriggerNameInput, WHICH) { name }: TriggerNameInput,
    @Ctx() { services }: Context,
  ): Promise<TriggerPayload> {
    return onTrigger(services, name, false);
  }

  @Mutation(() => BackfillPayload, {
    description:
      'Submits every time of a Schedule in a range that lies behind us, as one Batch: all or none. Times that were submitted before are left out; overlap, catch-up and jitter do not count here.',
  })
  backfillSchedule(
    @Arg('input', () => BackfillScheduleInput, { description: 'Which, and the range.' }) input: BackfillScheduleInput,
    @Ctx() { services }: Context,
  ): Promise<BackfillPayload> {
    return withUserErrors<BackfillPayload>(
      async () => {
        const { spec } = await scheduleNamed(services, input.name);
        const request = { ...input, priority: input.priority ?? null, label: input.label ?? null };
        const { batchId, ...counts } = await backfill(services, spec, request);
        const row = batchId === null ? null : await getBatch(services.db, batchId);
        return { batch: row && toBatch(row), ...counts, userErrors: [] };
      },
      (userErrors) => ({ batch: null, submitted: 0, alreadyFired: 0, userErrors }),
    );
  }
}

function onSchedule(services: Services, name: string, paused: boolean): Promise<SchedulePayload> {
  return withUserErrors<SchedulePayload>(
    async () => {
      const entry = await scheduleNamed(services, name);
      await pauseFirer(services.db, { kind: 'SCHEDULE', name }, paused, entry.spec);
      return { schedule: toSchedule(entry), userErrors: [] };
    },
    (userErrors) => ({ schedule: null, userErrors }),
  );
}

function onTrigger(services: Services, name: string, paused: boolean): Promise<TriggerPayload> {
  return withUserErrors<TriggerPayload>(
    async () => {
      await follow(services);
      const entry = services.catalog.current().triggers.get(name);
      if (!entry) throw notFound('trigger', name);
      await pauseFirer(services.db, { kind: 'TRIGGER', name }, paused, null);
      return { trigger: toTrigger(entry), userErrors: [] };
    },
    (userErrors) => ({ trigger: null, userErrors }),
  );
}

async function scheduleNamed(services: Services, name: string) {
  await follow(services);
  const entry = services.catalog.current().schedules.get(name);
  if (!entry) throw notFound('schedule', name);
  return entry;
}

/** What was defined a moment ago has its row from here on. */
async function follow(services: Services): Promise<void> {
  await services.catalog.refresh();
  await followDefinitions(services.db, pinFiles(services));
}

function notFound(what: string, name: string) {
  return userError('NOT_FOUND', `There is no ${what} ${JSON.stringify(name.slice(0, 200))}.`, ['input', 'name']);
}
