import { GraphQLJSON } from 'graphql-scalars';
import { Args, Ctx, Field, FieldResolver, Int, ObjectType, Resolver, Root } from 'type-graphql';
import { summarizeHealth, type HealthSummary } from '../../src/domain/backendHealth';
import { shownOptions } from '../../src/domain/shownOptions';
import { WorkerRow } from '../../src/store/entities';
import { checksOfBackend, checksOfWorker, type HealthCheck } from '../../src/store/statements/backendHealth';
import type { Context } from '../context';
import { BackendType } from '../definitions/types';
import { connectionOf, numericKey, PageArgs, pageOf, toConnection, type Connection } from '../relay/connection';
import { enumOf } from '../relay/enums';
import { fromId } from '../relay/ids';
import { backendViewOf } from './views';
import { toWorker, WorkerType } from './resolver';

const BackendHealthStateName = enumOf<HealthSummary['state']>(
  'BackendHealthState',
  'Whether the engine behind a Backend answers.',
  {
    READY: 'It answers: steps are taken.',
    UNAVAILABLE: 'It is known and does not answer now: steps wait until it does.',
    MISSING: 'It is not installed: steps are left to other workers, or wait.',
    UNKNOWN: 'No live worker has asked it.',
  },
);

@ObjectType('BackendCheck', { description: 'What one worker found when it last asked the engine behind a Backend.' })
export class BackendCheckType {
  workerRow!: WorkerRow;
  @Field(() => String, { description: 'The name of the Backend.' })
  backend!: string;
  @Field(() => BackendHealthStateName, { description: 'Whether the engine answers there. Never UNKNOWN.' })
  state!: HealthSummary['state'];
  @Field(() => String, { nullable: true, description: "The engine's own version; null when it could not be asked." })
  version!: string | null;
  @Field(() => String, { description: 'What is missing and how to mend it; empty when nothing is.' })
  message!: string;
  @Field(() => Date, { description: 'When the worker asked.' })
  checkedAt!: Date;
}
const BackendCheckConnection = connectionOf('BackendCheck', () => BackendCheckType);

@ObjectType('BackendHealth', { description: 'Whether the engine behind a Backend answers, over all live workers.' })
export class BackendHealthType {
  backend!: string;
  @Field(() => BackendHealthStateName, { description: 'READY as soon as one live worker finds it so.' })
  state!: HealthSummary['state'];
  @Field(() => String, { nullable: true, description: "The engine's own version, as a worker that can use it told." })
  version!: string | null;
  @Field(() => String, {
    description:
      'What is missing and how to mend it; empty when nothing is. When READY: what is missing on some workers.',
  })
  message!: string;
  @Field(() => Date, { nullable: true, description: 'When a live worker asked last; null when none has.' })
  checkedAt!: Date | null;
  @Field(() => Int, { description: 'Live workers that can run it.' })
  readyWorkers!: number;
  @Field(() => Int, { description: 'Live workers that serve its queues.' })
  servingWorkers!: number;
}

@Resolver(() => BackendType)
export class BackendHealthOfBackend {
  @FieldResolver(() => BackendHealthType, { description: 'Whether its engine answers.' })
  async health(@Root() { name }: BackendType, @Ctx() { services }: Context): Promise<BackendHealthType> {
    const view = await backendViewOf(services.db, name);
    const ready = view.findings.filter((one) => one.state === 'READY');
    return {
      ...summarizeHealth(view),
      backend: name,
      checkedAt: view.checkedAt,
      readyWorkers: ready.reduce((sum, one) => sum + one.workers, 0),
      servingWorkers: view.serving,
    };
  }

  @FieldResolver(() => GraphQLJSON, {
    description:
      'What its definition sets beside what all kinds share, with the names of the files in camel case. Secrets are left out: `***`.',
  })
  options(@Root() { name }: BackendType, @Ctx() { services }: Context): Record<string, unknown> {
    const entry = services.catalog.current().backends.get(name);
    return shownOptions(entry?.spec.options ?? {});
  }
}

@Resolver(() => BackendHealthType)
export class BackendHealthResolver {
  @FieldResolver(() => BackendCheckConnection, { description: 'What each live worker found, newest worker first.' })
  async workers(
    @Root() { backend }: BackendHealthType,
    @Args(() => PageArgs) args: PageArgs,
    @Ctx() { services }: Context,
  ): Promise<Connection<BackendCheckType>> {
    const { first, after } = pageOf(args, services.limits.pageLimit);
    const page = { after: numericKey(after), limit: first + 1 };
    return checksPage(services, await checksOfBackend(services.db, backend, page), first, (check) => check.workerId);
  }
}

@Resolver(() => BackendCheckType)
export class BackendCheckResolver {
  @FieldResolver(() => WorkerType, { description: 'The worker that asked.' })
  worker(@Root() { workerRow }: BackendCheckType): WorkerType {
    return toWorker(workerRow);
  }
}

@Resolver(() => WorkerType)
export class WorkerBackends {
  @FieldResolver(() => BackendCheckConnection, {
    description:
      'What it found about the engines of the Backends that it serves, by name: those that are READY it runs.',
  })
  async backends(
    @Root() { id }: WorkerType,
    @Args(() => PageArgs) args: PageArgs,
    @Ctx() { services }: Context,
  ): Promise<Connection<BackendCheckType>> {
    const { first, after } = pageOf(args, services.limits.pageLimit);
    const checks = await checksOfWorker(services.db, fromId('Worker', id), { after, limit: first + 1 });
    return checksPage(services, checks, first, (check) => check.backend);
  }
}

async function checksPage(
  { db }: Context['services'],
  checks: readonly HealthCheck[],
  first: number,
  key: (check: HealthCheck) => string,
): Promise<Connection<BackendCheckType>> {
  const ids = [...new Set(checks.map(({ workerId }) => workerId))];
  const workers = new Map((await db.em().find(WorkerRow, { id: { $in: ids } })).map((row) => [row.id, row]));
  const known = checks.flatMap((check) => {
    const workerRow = workers.get(check.workerId);
    return workerRow ? [{ ...check, workerRow }] : [];
  });
  return toConnection(known, first, key, ({ workerRow, backend, state, version, message, checkedAt }) => ({
    ...{ workerRow, backend, state, version, message, checkedAt },
  }));
}
