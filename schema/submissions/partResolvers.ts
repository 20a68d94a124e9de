/** What hangs on a Submission: its StepRuns, Batch and files. */
import { GraphQLJSON } from 'graphql-scalars';
import { Arg, Args, Ctx, FieldResolver, ID, Query, Resolver, Root } from 'type-graphql';
import { withElementsToCome } from '../../src/domain/graphRuns';
import { partCounts, type PartsPlace } from '../../src/store/statements/partCounts';
import type { Context } from '../context';
import { downloadPath } from '../http/downloads';
import { PageArgs, type Connection } from '../relay/connection';
import { fromId, toId } from '../relay/ids';
import { PartArgs } from './inputs';
import { AttemptConnection, type AttemptType } from './attempt';
import * as reads from './reads';
import {
  ArtifactConnection,
  ArtifactType,
  BatchType,
  LogChunkConnection,
  SubmissionConnection,
  type LogChunkType,
  type SubmissionType,
} from './types';
import { StateCountsType, toStateCounts } from './stateCounts';
import { StepRunConnection, StepRunType } from './stepTypes';

@Resolver(() => StepRunType)
export class StepRunResolver {
  @Query(() => StepRunType, { description: 'One StepRun as it stands.' })
  stepRun(
    @Arg('id', () => ID, { description: 'The StepRun.' }) id: string,
    @Ctx() { services }: Context,
  ): Promise<StepRunType> {
    return reads.getStepRun(services.db, fromId('StepRun', id));
  }

  @FieldResolver(() => ID, { description: 'The Submission it belongs to.' })
  submissionId(@Root() stepRun: StepRunType): string {
    return toId('Submission', stepRun.submissionKey);
  }

  @FieldResolver(() => GraphQLJSON, {
    nullable: true,
    description:
      'What it produced, by output; partial after a failure. Of a scatter, lists in the order of its elements.',
  })
  outputs(@Root() stepRun: StepRunType, @Ctx() { services }: Context): Promise<unknown> {
    return reads.stepRunOutputs(services.db, stepRun.key);
  }

  @FieldResolver(() => StepRunConnection, {
    description: 'The elements of a scatter, or the steps of a nested Job, as far as they exist yet.',
  })
  parts(
    @Root() stepRun: StepRunType,
    @Args(() => PartArgs) { states, ...args }: PartArgs,
    @Ctx() { services }: Context,
  ): Promise<Connection<StepRunType>> {
    const place = { kind: 'parts', of: stepRun } as const;
    return reads.listStepRuns(
      services.db,
      stepRun.submissionKey,
      place,
      states ?? null,
      args,
      services.limits.pageLimit,
    );
  }

  @FieldResolver(() => StateCountsType, {
    nullable: true,
    description: 'Its parts by their state, elements to come as pending ones; null for a run of a Task.',
  })
  async partCounts(@Root() stepRun: StepRunType, @Ctx() { services }: Context): Promise<StateCountsType | null> {
    if (stepRun.kind === 'TASK') return null;
    return toStateCounts(withElementsToCome(await partCounts(services.db, placeOf(stepRun)), stepRun.width));
  }

  @FieldResolver(() => AttemptConnection, { description: 'Its Attempts, first to last.' })
  attempts(
    @Root() stepRun: StepRunType,
    @Args(() => PageArgs) args: PageArgs,
    @Ctx() { services }: Context,
  ): Promise<Connection<AttemptType>> {
    return reads.listAttempts(services.db, stepRun.key, args, services.limits.pageLimit);
  }

  @FieldResolver(() => ArtifactConnection, { description: 'The files it produced; partial ones after a failure.' })
  results(
    @Root() stepRun: StepRunType,
    @Args(() => PageArgs) args: PageArgs,
    @Ctx() { services }: Context,
  ): Promise<Connection<ArtifactType>> {
    return reads.listArtifacts(
      services.db,
      { submissionKey: stepRun.submissionKey, stepRunKey: stepRun.key, produced: true },
      args,
      services.limits.pageLimit,
    );
  }

  @FieldResolver(() => LogChunkConnection, {
    description: 'Its log so far. `after` is an `endCursor`; to follow it live, subscribe to `stepLog`.',
  })
  log(
    @Root() stepRun: StepRunType,
    @Args(() => PageArgs) args: PageArgs,
    @Ctx() { services }: Context,
  ): Promise<Connection<LogChunkType>> {
    return reads.listLog(services.db, stepRun.key, args, services.limits.pageLimit);
  }
}

@Resolver(() => BatchType)
export class BatchResolver {
  @FieldResolver(() => SubmissionConnection, { description: 'Its Submissions, newest first.' })
  submissions(
    @Root() batch: BatchType,
    @Args(() => PageArgs) args: PageArgs,
    @Ctx() { services }: Context,
  ): Promise<Connection<SubmissionType>> {
    return reads.listSubmissions(services.db, { batchKey: batch.key }, args, services.limits.pageLimit);
  }
}

@Resolver(() => ArtifactType)
export class ArtifactResolver {
  @FieldResolver(() => String, { description: 'A signed address to download it, good for a while. Ranges are served.' })
  url(@Root() artifact: ArtifactType, @Ctx() { services }: Context): string {
    const expiresAt = new Date(Date.now() + services.limits.urlTtlSeconds * 1_000);
    return (
      services.publicUrl + downloadPath(services.secret, { sha256: artifact.sha256, name: artifact.name, expiresAt })
    );
  }

  @FieldResolver(() => String, {
    nullable: true,
    description: 'The name of the Step that produced it; null for an input.',
  })
  async stepName(@Root() artifact: ArtifactType, @Ctx() { services }: Context): Promise<string | null> {
    return artifact.stepRunKey === null ? null : (await reads.getStepRun(services.db, artifact.stepRunKey)).name;
  }
}

/** Where the parts of a scatter or a nested Job are found. */
const placeOf = ({ kind, submissionKey, scopeKey, node, key }: StepRunType): PartsPlace =>
  kind === 'SCATTER'
    ? { submissionId: submissionKey, scopeId: scopeKey, node }
    : { submissionId: submissionKey, scopeId: key, node: null };
