import { Args, Ctx, Field, Float, Int, ObjectType, Query, Resolver } from 'type-graphql';
import { beeQueueName } from '../../src/delivery/beeQueues';
import { PRIORITIES, priorityOf } from '../../src/domain/states';
import { WorkerRow } from '../../src/store/entities';
import { queueDepths } from '../../src/store/statements/outbox';
import { queuePauses } from '../../src/store/statements/pause';
import type { Context } from '../context';
import {
  connectionOf,
  Node,
  numericKey,
  PageArgs,
  pageOf,
  pageOfList,
  toConnection,
  type Connection,
} from '../relay/connection';
import { enumOf } from '../relay/enums';
import { toId } from '../relay/ids';
import { PriorityName } from '../submissions/enums';

export const WorkerStateName = enumOf<WorkerRow['state']>('WorkerState', 'How a worker is.', {
  ALIVE: 'It takes work.',
  DRAINING: 'It finishes what it has and takes nothing new.',
  STOPPED: 'It has left in good order.',
  LOST: 'It fell silent; its work was given to others.',
});

@ObjectType('Worker', { implements: Node, description: 'A worker process.' })
export class WorkerType extends Node {
  @Field(() => String, { description: 'The machine.' })
  host!: string;
  @Field(() => Int, { description: 'The process id there.' })
  pid!: number;
  @Field(() => WorkerStateName, { description: 'How it is.' })
  state!: WorkerRow['state'];
  @Field(() => [String], { description: 'The Backends whose queues it serves.' })
  queues!: string[];
  @Field(() => Int, { description: 'How many steps it runs on its machine at once, at most.' })
  concurrency!: number;
  @Field(() => Int, { description: 'How many steps it watches at once that run elsewhere, as on a cluster.' })
  waitingConcurrency!: number;
  @Field(() => Int, { description: 'How many it ran at its last heartbeat.' })
  running!: number;
  @Field(() => Date, { description: 'When it started.' })
  startedAt!: Date;
  @Field(() => Date, { description: 'Its last sign of life.' })
  heartbeatAt!: Date;
}

@ObjectType('Queue', { description: 'The Bee-Queue queue of a Backend at one priority.' })
export class QueueType {
  @Field(() => String, { description: 'Its name.' })
  name!: string;
  @Field(() => String, { description: 'The Backend.' })
  backend!: string;
  @Field(() => PriorityName, { description: 'The priority.' })
  priority!: (typeof PRIORITIES)[number];
  @Field(() => Int, { description: 'Steps that are ready and wait for a worker.' })
  queued!: number;
  @Field(() => Int, { description: 'Steps that run.' })
  running!: number;
  @Field(() => Float, {
    nullable: true,
    description: 'How long the oldest has waited, in seconds; null when none waits.',
  })
  oldestSeconds!: number | null;
  @Field(() => Date, {
    nullable: true,
    description: 'Since when nothing is taken from it; null when it is not paused.',
  })
  pausedAt!: Date | null;
}

const WorkerConnection = connectionOf('Worker', () => WorkerType);
const QueueConnection = connectionOf('Queue', () => QueueType);

@Resolver()
export class WorkersResolver {
  @Query(() => WorkerConnection, { description: 'Workers, newest first, those that ended lately included.' })
  async workers(@Args(() => PageArgs) args: PageArgs, @Ctx() { services }: Context): Promise<Connection<WorkerType>> {
    const { first, after } = pageOf(args, services.limits.pageLimit);
    const behind = numericKey(after);
    const rows = await services.db
      .em()
      .find(WorkerRow, behind === null ? {} : { id: { $lt: behind } }, { orderBy: { id: 'desc' }, limit: first + 1 });
    return toConnection(rows, first, (row) => row.id, toWorker);
  }

  @Query(() => QueueConnection, { description: 'Queues, one per Backend and priority.' })
  async queues(@Args(() => PageArgs) args: PageArgs, @Ctx() { services }: Context): Promise<Connection<QueueType>> {
    const all = await queuesOf(services, [...services.catalog.current().backends.keys()]);
    return pageOfList(all, args, services.limits.pageLimit, (queue) => queue.name);
  }
}

/** The queues of these Backends as they stand, most urgent first. */
export async function queuesOf(services: Context['services'], backends: readonly string[]): Promise<QueueType[]> {
  const [depths, pauses] = await Promise.all([queueDepths(services.db), queuePauses(services.db)]);
  return backends.flatMap((backend) =>
    PRIORITIES.map((priority): QueueType => {
      const isThis = (one: { queue: string; priority: number }): boolean =>
        one.queue === backend && priorityOf(one.priority) === priority;
      const depth = depths.find(isThis);
      return {
        name: beeQueueName(backend, priority),
        backend,
        priority,
        queued: depth?.queued ?? 0,
        running: depth?.running ?? 0,
        oldestSeconds: depth?.oldestSeconds ?? null,
        pausedAt: pauses.find(isThis)?.pausedAt ?? null,
      };
    }),
  );
}

export function toWorker(row: WorkerRow): WorkerType {
  return {
    id: toId('Worker', row.id),
    host: row.host,
    pid: row.pid,
    state: row.state,
    queues: row.queues,
    concurrency: row.concurrency,
    waitingConcurrency: row.waitingConcurrency,
    running: row.running,
    startedAt: row.startedAt,
    heartbeatAt: row.heartbeatAt,
  };
}
