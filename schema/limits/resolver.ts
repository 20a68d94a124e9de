import { Args, Ctx, FieldResolver, Int, Query, Resolver, Root } from 'type-graphql';
import { limitUsage } from '../../src/store/statements/limits';
import type { Context } from '../context';
import { PageArgs, pageOfList, type Connection } from '../relay/connection';
import { StepRunType } from '../submissions/stepTypes';
import { ResourceConnection, ResourceType, toResource } from './types';
import { waitsFor } from './waits';

@Resolver(() => ResourceType)
export class ResourceResolver {
  @Query(() => ResourceConnection, { description: 'Resources that tasks share, by name.' })
  resources(@Args(() => PageArgs) args: PageArgs, @Ctx() { services }: Context): Connection<ResourceType> {
    const all = [...services.catalog.current().resources.values()].map(toResource);
    return pageOfList(all, args, services.limits.pageLimit, (resource) => resource.name);
  }

  @FieldResolver(() => Int, { description: 'Units that steps use now.' })
  async used(@Root() resource: ResourceType, @Ctx() { services }: Context): Promise<number> {
    const key = `resource:${resource.name}`;
    return (await limitUsage(services.db, [key])).get(key)?.used ?? 0;
  }
}

@Resolver(() => StepRunType)
export class WaitResolver {
  @FieldResolver(() => [String], {
    description:
      'Why a ready step does not start, such as "2 of 2 matlab-licence in use", "No worker is alive", or that no live worker can run its Backend and what is missing there; empty when it only waits for its turn.',
  })
  async waitsFor(@Root() step: StepRunType, @Ctx() { services }: Context): Promise<string[]> {
    return step.state === 'QUEUED' ? waitsFor(services.db, step.place) : [];
  }
}
