import { Arg, Ctx, FieldResolver, Mutation, Resolver, Root } from 'type-graphql';
import { userError } from '../../src/domain/errors';
import { PRIORITIES, priorityOf, priorityRank, type Priority } from '../../src/domain/states';
import { pauseBackend, pauseSubmission, unpauseBackend, unpauseSubmission } from '../../src/engine/pause';
import { queuePauses } from '../../src/store/statements/pause';
import type { Context, Services } from '../context';
import { BackendType, toBackend } from '../definitions/types';
import { fromId } from '../relay/ids';
import { conflictAt, withUserErrors } from '../relay/userErrors';
import { PriorityName } from '../submissions/enums';
import { getSubmission } from '../submissions/reads';
import { queuesOf } from '../workers/resolver';
import {
  PauseBackendInput,
  PauseBackendPayload,
  PauseQueueInput,
  PauseQueuePayload,
  PauseSubmissionInput,
  PauseSubmissionPayload,
  UnpauseBackendInput,
  UnpauseQueueInput,
  UnpauseSubmissionInput,
} from './types';

const NO_REASON = 'Paused by the user.';
const MAX_REASON = 1_000;

@Resolver(() => BackendType)
export class PauseResolver {
  @FieldResolver(() => [PriorityName], {
    description:
      'The priorities at which it is paused: nothing is taken from these queues. All three after `pauseBackend`.',
  })
  async pausedPriorities(@Root() backend: BackendType, @Ctx() { services }: Context): Promise<Priority[]> {
    const pauses = await queuePauses(services.db);
    return pauses.filter((one) => one.queue === backend.name).map((one) => priorityOf(one.priority));
  }

  @Mutation(() => PauseSubmissionPayload, {
    description:
      'Pauses a Submission: what runs goes on, nothing new starts, until `unpauseSubmission`. It can be cancelled.',
  })
  pauseSubmission(
    @Arg('input', () => PauseSubmissionInput, { description: 'Which, and why.' }) input: PauseSubmissionInput,
    @Ctx() { services }: Context,
  ): Promise<PauseSubmissionPayload> {
    return onSubmission(services, input.id, (key) => pauseSubmission(services, key, reasonOf(input)));
  }

  @Mutation(() => PauseSubmissionPayload, {
    description: 'Lets a paused Submission go on, at once and at the place in the queue that its steps had.',
  })
  unpauseSubmission(
    @Arg('input', () => UnpauseSubmissionInput, { description: 'Which.' }) input: UnpauseSubmissionInput,
    @Ctx() { services }: Context,
  ): Promise<PauseSubmissionPayload> {
    return onSubmission(services, input.id, (key) => unpauseSubmission(services, key));
  }

  @Mutation(() => PauseBackendPayload, {
    description: 'Pauses a Backend: what runs on it goes on, and its workers take nothing new from it.',
  })
  pauseBackend(
    @Arg('input', () => PauseBackendInput, { description: 'Which, and why.' }) input: PauseBackendInput,
    @Ctx() { services }: Context,
  ): Promise<PauseBackendPayload> {
    return onBackend(services, input.backend, () => pauseBackend(services, input.backend, ALL, reasonOf(input)));
  }

  @Mutation(() => PauseBackendPayload, { description: 'Lets a Backend go on, at all priorities.' })
  unpauseBackend(
    @Arg('input', () => UnpauseBackendInput, { description: 'Which.' }) input: UnpauseBackendInput,
    @Ctx() { services }: Context,
  ): Promise<PauseBackendPayload> {
    return onBackend(services, input.backend, () => unpauseBackend(services, input.backend, ALL));
  }

  @Mutation(() => PauseQueuePayload, { description: 'Pauses one queue: a Backend at one priority.' })
  pauseQueue(
    @Arg('input', () => PauseQueueInput, { description: 'Which, and why.' }) input: PauseQueueInput,
    @Ctx() { services }: Context,
  ): Promise<PauseQueuePayload> {
    return onQueue(services, input, (rank) => pauseBackend(services, input.backend, [rank], reasonOf(input)));
  }

  @Mutation(() => PauseQueuePayload, { description: 'Lets one queue go on.' })
  unpauseQueue(
    @Arg('input', () => UnpauseQueueInput, { description: 'Which.' }) input: UnpauseQueueInput,
    @Ctx() { services }: Context,
  ): Promise<PauseQueuePayload> {
    return onQueue(services, input, (rank) => unpauseBackend(services, input.backend, [rank]));
  }
}

const ALL = PRIORITIES.map(priorityRank);

const reasonOf = ({ reason }: { reason?: string | null }): string => (reason ?? NO_REASON).slice(0, MAX_REASON);

function onSubmission(
  services: Services,
  id: string,
  apply: (key: string) => Promise<void>,
): Promise<PauseSubmissionPayload> {
  return withUserErrors<PauseSubmissionPayload>(
    async () => {
      const key = fromId('Submission', id);
      await getSubmission(services.db, key);
      await conflictAt(['input', 'id'], apply(key));
      return { submission: await getSubmission(services.db, key), userErrors: [] };
    },
    (userErrors) => ({ submission: null, userErrors }),
  );
}

function onBackend(services: Services, name: string, apply: () => Promise<void>): Promise<PauseBackendPayload> {
  return withUserErrors<PauseBackendPayload>(
    async () => {
      const entry = services.catalog.current().backends.get(name);
      if (!entry) throw noBackend(name);
      await conflictAt(['input', 'backend'], apply());
      return { backend: toBackend(entry), userErrors: [] };
    },
    (userErrors) => ({ backend: null, userErrors }),
  );
}

function onQueue(
  services: Services,
  { backend, priority }: UnpauseQueueInput,
  apply: (rank: number) => Promise<void>,
): Promise<PauseQueuePayload> {
  return withUserErrors<PauseQueuePayload>(
    async () => {
      if (!services.catalog.current().backends.has(backend)) throw noBackend(backend);
      await conflictAt(['input', 'priority'], apply(priorityRank(priority)));
      const queue = (await queuesOf(services, [backend])).find((one) => one.priority === priority);
      return { queue: queue ?? null, userErrors: [] };
    },
    (userErrors) => ({ queue: null, userErrors }),
  );
}

const noBackend = (name: string): Error =>
  userError('NOT_FOUND', `There is no backend ${JSON.stringify(name.slice(0, 200))}. The query backends lists them.`, [
    'input',
    'backend',
  ]);
