import { GraphQLJSON } from 'graphql-scalars';
import { Arg, Args, Ctx, FieldResolver, ID, Query, Resolver, Root } from 'type-graphql';
import { StepcastError } from '../../src/domain/errors';
import type { Context } from '../context';
import { JobType, toJob } from '../definitions/types';
import { PageArgs, type Connection } from '../relay/connection';
import { fromId } from '../relay/ids';
import { StepRunArgs, SubmissionsArgs } from './inputs';
import * as reads from './reads';
import {
  ArtifactConnection,
  BatchType,
  EventConnection,
  SubmissionConnection,
  SubmissionType,
  toBatch,
  type ArtifactType,
  type EventType,
} from './types';
import { StepRunConnection, type StepRunType } from './stepTypes';

@Resolver(() => SubmissionType)
export class SubmissionResolver {
  @Query(() => SubmissionType, {
    description: 'One Submission as it stands. The subscription of the same name stays with it.',
  })
  submission(
    @Arg('id', () => ID, { description: 'The Submission.' }) id: string,
    @Ctx() { services }: Context,
  ): Promise<SubmissionType> {
    return reads.getSubmission(services.db, fromId('Submission', id));
  }

  @Query(() => SubmissionConnection, { description: 'Submissions, newest first.' })
  submissions(
    @Args(() => SubmissionsArgs) args: SubmissionsArgs,
    @Ctx() { services }: Context,
  ): Promise<Connection<SubmissionType>> {
    const batchKey = args.batch == null ? null : fromId('Batch', args.batch);
    return reads.listSubmissions(services.db, { ...args, batchKey }, args, services.limits.pageLimit);
  }

  @Query(() => BatchType, { description: 'One Batch.' })
  async batch(
    @Arg('id', () => ID, { description: 'The Batch.' }) id: string,
    @Ctx() { services }: Context,
  ): Promise<BatchType> {
    const row = await reads.getBatch(services.db, fromId('Batch', id));
    if (!row) throw new StepcastError('NOT_FOUND', 'There is no such batch.');
    return toBatch(row);
  }

  @FieldResolver(() => JobType, { description: 'The version of the Job that it runs, whatever was defined since.' })
  async job(@Root() submission: SubmissionType, @Ctx() { services }: Context): Promise<JobType> {
    const { bundle, version, id } = await services.plans.byId(submission.jobVersionId);
    const current = services.catalog.current().jobs.get(submission.jobName);
    return toJob({
      spec: bundle,
      version,
      versionId: id,
      source: current?.source ?? '',
      createdAt: current?.createdAt ?? submission.createdAt.toISOString(),
    });
  }

  @FieldResolver(() => BatchType, { nullable: true, name: 'batch', description: 'The Batch it was sent in.' })
  async batchOf(@Root() submission: SubmissionType, @Ctx() { services }: Context): Promise<BatchType | null> {
    const row = submission.batchKey === null ? null : await reads.getBatch(services.db, submission.batchKey);
    return row ? toBatch(row) : null;
  }

  @FieldResolver(() => GraphQLJSON, { description: 'What it was given, by input.' })
  inputs(@Root() submission: SubmissionType, @Ctx() { services }: Context): Promise<unknown> {
    return reads.submissionValues(services.db, submission.key, 'inputs');
  }

  @FieldResolver(() => GraphQLJSON, {
    nullable: true,
    description: 'What it gave, by output; null until it ends. Files have addresses under `results`.',
  })
  outputs(@Root() submission: SubmissionType, @Ctx() { services }: Context): Promise<unknown> {
    return reads.submissionValues(services.db, submission.key, 'outputs');
  }

  @FieldResolver(() => StepRunConnection, {
    description:
      'Its StepRuns, in the order of the Job. Elements of scatters and steps of nested Jobs are their `parts`.',
  })
  steps(
    @Root() submission: SubmissionType,
    @Args(() => StepRunArgs) { deep, states, ...args }: StepRunArgs,
    @Ctx() { services }: Context,
  ): Promise<Connection<StepRunType>> {
    const place = { kind: deep === true ? 'all' : 'own' } as const;
    return reads.listStepRuns(services.db, submission.key, place, states ?? null, args, services.limits.pageLimit);
  }

  @FieldResolver(() => EventConnection, { description: 'Its Events, oldest first.' })
  events(
    @Root() submission: SubmissionType,
    @Args(() => PageArgs) args: PageArgs,
    @Ctx() { services }: Context,
  ): Promise<Connection<EventType>> {
    return reads.listEvents(services.db, submission.key, args, services.limits.pageLimit);
  }

  @FieldResolver(() => ArtifactConnection, {
    description: 'The files its steps produced, with addresses to download them.',
  })
  results(
    @Root() submission: SubmissionType,
    @Args(() => PageArgs) args: PageArgs,
    @Ctx() { services }: Context,
  ): Promise<Connection<ArtifactType>> {
    return reads.listArtifacts(
      services.db,
      { submissionKey: submission.key, produced: true },
      args,
      services.limits.pageLimit,
    );
  }

  @FieldResolver(() => ArtifactConnection, { description: 'The files it was given.' })
  inputFiles(
    @Root() submission: SubmissionType,
    @Args(() => PageArgs) args: PageArgs,
    @Ctx() { services }: Context,
  ): Promise<Connection<ArtifactType>> {
    return reads.listArtifacts(
      services.db,
      { submissionKey: submission.key, produced: false },
      args,
      services.limits.pageLimit,
    );
  }
}
