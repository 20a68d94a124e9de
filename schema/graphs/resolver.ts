import { Arg, Args, Ctx, FieldResolver, Int, Resolver, Root } from 'type-graphql';
import { StepcastError } from '../../src/domain/errors';
import type { Context } from '../context';
import { JobType } from '../definitions/types';
import { SubmissionType } from '../submissions/types';
import { signedGraphPath } from './address';
import { GraphArgs, GraphType, toGraph } from './types';

/** An address in a page that nobody looks after ends at some time. */
const MAX_VALID_SECONDS = 366 * 86_400;

@Resolver(() => JobType)
export class JobGraphResolver {
  @FieldResolver(() => GraphType, {
    description: 'Its Steps and how they follow each other, as data and as a drawing.',
  })
  async graph(
    @Root() job: JobType,
    @Args(() => GraphArgs) options: GraphArgs,
    @Ctx() { services }: Context,
  ): Promise<GraphType> {
    const version = await services.plans.byId(job.versionKey);
    const current = services.catalog.current().jobs.get(job.name)?.versionId === job.versionKey;
    const address = current
      ? ({ kind: 'job', name: job.name } as const)
      : ({ kind: 'job-version', key: job.versionKey } as const);
    return toGraph(services.graphs.view(version, options), null, { address, options });
  }
}

@Resolver(() => SubmissionType)
export class SubmissionGraphResolver {
  @FieldResolver(() => GraphType, {
    description: 'The graph of its Job with the states of its steps, as data and as a drawing.',
  })
  async graph(
    @Root() submission: SubmissionType,
    @Args(() => GraphArgs) options: GraphArgs,
    @Ctx() { services }: Context,
  ): Promise<GraphType> {
    const version = await services.plans.byId(submission.jobVersionId);
    const view = services.graphs.view(version, options);
    const runs = await services.graphs.runs(view, submission.key);
    return toGraph(view, runs, { address: { kind: 'submission', id: submission.id }, options });
  }
}

@Resolver(() => GraphType)
export class GraphResolver {
  @FieldResolver(() => String, {
    description:
      'A signed address of the graph as an SVG image, for an `<img>` of a page. Each time it is fetched it shows how things stand then.',
  })
  svgUrl(
    @Root() { address, options }: GraphType,
    @Arg('validSeconds', () => Int, {
      nullable: true,
      description: `How long it works: up to ${MAX_VALID_SECONDS}, a year; as long as other signed addresses if not given.`,
    })
    validSeconds: number | null | undefined,
    @Ctx() { services }: Context,
  ): string {
    const seconds = validSeconds ?? services.limits.urlTtlSeconds;
    if (seconds < 1 || seconds > MAX_VALID_SECONDS) {
      throw new StepcastError('BAD_INPUT', `validSeconds is ${seconds}; it must be from 1 to ${MAX_VALID_SECONDS}.`);
    }
    const expiresAt = new Date(Date.now() + seconds * 1_000);
    return services.publicUrl + signedGraphPath(services.secret, address, { expiresAt, options });
  }
}
