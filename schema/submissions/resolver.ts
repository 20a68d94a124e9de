import { Arg, Args, Ctx, FieldResolver, Float, ID, Int, Mutation, Query, Resolver, Root, Subscription } from 'type-graphql';
import type { Context } from '../context';
import { StepcastError, userError } from '../../src/domain/errors';
import { cancelSubmission } from '../../src/engine/cancel';
import type { ActivityEvent } from '../../src/store/statements/events';
import type { LogChunk } from '../../src/store/statements/logs';
import type { SubmissionEvent } from '../../src/domain/events';
import { downloadPath } from '../http/downloads';
import { JobType, toJob } from '../definitions/types';
import { PageArgs, type Connection } from '../relay/connection';
import { fromId, toId } from '../relay/ids';
import { withUserErrors } from '../relay/userErrors';
import { cursorText, parseCursorText } from './activityCursor';
import { CancelSubmissionInput, DeleteSubmissionInput, SubmissionsArgs, SubmitBatchInput, SubmitJobInput } from './inputs';
import * as reads from './reads';
import { jobByName, submitJobs, type JobRequest } from './submitJobs';
import {
  ActivityEventType,
  ArtifactConnection,
  ArtifactType,
  AttemptConnection,
  AttemptType,
  BatchType,
  CancelPayload,
  DeletePayload,
  EventConnection,
  EventType,
  LogChunkConnection,
  LogChunkType,
  StepRunConnection,
  StepRunType,
  SubmissionConnection,
  SubmissionType,
  SubmitBatchPayload,
  SubmitPayload,
  toActivityEvent,
  toBatch,
  toEvent,
  toLogChunk,
} from './types';

@Resolver(() => SubmissionType)
export class SubmissionResolver {
  @Query(() => SubmissionType, { description: 'One Submission as it stands. The subscription of the same name stays with it.' })
  submission(@Arg('id', () => ID, { description: 'The Submission.' }) id: string, @Ctx() { services }: Context): Promise<SubmissionType> {
    return reads.getSubmission(services.db, fromId('Submission', id));
  }

  @Query(() => SubmissionConnection, { description: 'Submissions, newest first.' })
  submissions(@Args(() => SubmissionsArgs) args: SubmissionsArgs, @Ctx() { services }: Context): Promise<Connection<SubmissionType>> {
    const batchKey = args.batch == null ? null : fromId('Batch', args.batch);
    return reads.listSubmissions(services.db, { ...args, batchKey }, args, services.limits.pageLimit);
  }

  @Query(() => BatchType, { description: 'One Batch.' })
  async batch(@Arg('id', () => ID, { description: 'The Batch.' }) id: string, @Ctx() { services }: Context): Promise<BatchType> {
    const row = await reads.getBatch(services.db, fromId('Batch', id));
    if (!row) throw new StepcastError('NOT_FOUND', 'There is no such batch.');
    return toBatch(row);
  }

  @Mutation(() => SubmitPayload, {
    description: 'Submits a Job that is chosen at run time. Each Job also has a typed mutation of its own, `run…`.',
  })
  submitJob(@Arg('input', () => SubmitJobInput, { description: 'Which Job, on what.' }) input: SubmitJobInput, @Ctx() context: Context): Promise<SubmitPayload> {
    return withUserErrors<SubmitPayload>(
      async () => {
        const { submissionIds } = await submitJobs(context, [genericRequest(context, input, ['input'])], null);
        const [submission] = await reads.getSubmissions(context.services.db, submissionIds);
        return { submission: submission ?? null, userErrors: [] };
      },
      (userErrors) => ({ submission: null, userErrors }),
    );
  }

  @Mutation(() => SubmitBatchPayload, { description: 'Submits several Jobs at once: all are checked before anything is stored.' })
  submitBatch(@Arg('input', () => SubmitBatchInput, { description: 'The Submissions.' }) input: SubmitBatchInput, @Ctx() context: Context): Promise<SubmitBatchPayload> {
    return withUserErrors<SubmitBatchPayload>(
      async () => {
        const { maxBatch } = context.services.limits;
        if (input.items.length === 0 || input.items.length > maxBatch) {
          throw userError('LIMIT_EXCEEDED', `A batch has 1 to ${maxBatch} items; this one has ${input.items.length}.`, ['input', 'items']);
        }
        const requests = input.items.map((item, index) => genericRequest(context, item, ['input', 'items', String(index)]));
        const { submissionIds, batchId } = await submitJobs(context, requests, { label: input.label ?? '' });
        const row = batchId === null ? null : await reads.getBatch(context.services.db, batchId);
        const submissions = await reads.getSubmissions(context.services.db, submissionIds);
        return { batch: row ? toBatch(row) : null, submissions, userErrors: [] };
      },
      (userErrors) => ({ batch: null, submissions: [], userErrors }),
    );
  }

  @Mutation(() => CancelPayload, { description: 'Cancels a Submission: what waits never starts, what runs is stopped with all its children.' })
  cancelSubmission(@Arg('input', () => CancelSubmissionInput, { description: 'Which, and why.' }) input: CancelSubmissionInput, @Ctx() { services }: Context): Promise<CancelPayload> {
    return withUserErrors<CancelPayload>(
      async () => {
        const key = fromId('Submission', input.id);
        const changed = await cancelSubmission(services, key, input.reason ?? 'Cancelled by the user.');
        const submission = await reads.getSubmission(services.db, key);
        if (!changed) throw userError('CONFLICT', `It has ended already, as ${submission.state}.`, ['input', 'id']);
        return { submission, userErrors: [] };
      },
      (userErrors) => ({ submission: null, userErrors }),
    );
  }

  @Mutation(() => DeletePayload, { description: 'Deletes a Submission with its log, Events and results. If it still runs, it is cancelled first.' })
  async deleteSubmission(@Arg('input', () => DeleteSubmissionInput, { description: 'Which.' }) input: DeleteSubmissionInput, @Ctx() { services }: Context): Promise<DeletePayload> {
    const key = fromId('Submission', input.id);
    await reads.getSubmission(services.db, key);
    await cancelSubmission(services, key, 'Deleted by the user.', { deleteAfterwards: true });
    return { deletedId: input.id, userErrors: [] };
  }

  @Subscription(() => SubmissionType, {
    description: 'The Submission as it stands, now and after each change, until it ends.',
    subscribe: ({ args, context }) => (context as Context).services.hub.submissionChanges(fromId('Submission', (args as { id: string }).id)),
    name: 'submission',
  })
  submissionLive(@Arg('id', () => ID, { description: 'The Submission.' }) id: string, @Ctx() { services }: Context): Promise<SubmissionType> {
    return reads.getSubmission(services.db, fromId('Submission', id));
  }

  @Subscription(() => EventType, {
    description: 'The Events of a Submission after a number: first those there are, then each as it happens; in order, none missing, none twice, until it ends.',
    subscribe: async ({ args, context }) => {
      const { id, after } = args as { id: string; after?: number | null };
      const { db, hub } = (context as Context).services;
      const key = fromId('Submission', id);
      if (!(await reads.findSubmission(db, key))) throw new StepcastError('NOT_FOUND', 'There is no such submission.');
      return hub.submissionEvents(key, after ?? 0);
    },
  })
  submissionEvents(
    @Root() event: SubmissionEvent,
    @Arg('id', () => ID, { description: 'The Submission.' }) _id: string,
    @Arg('after', () => Int, { nullable: true, description: 'The number of the last Event you have; 0 for all.' }) _after?: number | null,
  ): EventType {
    return toEvent(event);
  }

  @Subscription(() => LogChunkType, {
    description: 'The log of a StepRun from an offset: first what is stored, then what comes, until it ends.',
    subscribe: async ({ args, context }) => {
      const { stepRunId, after } = args as { stepRunId: string; after?: number | null };
      const { db, hub } = (context as Context).services;
      const key = fromId('StepRun', stepRunId);
      await reads.getStepRun(db, key);
      return hub.stepLog(key, Math.max(0, Math.floor(after ?? 0)));
    },
  })
  stepLog(
    @Root() chunk: LogChunk,
    @Arg('stepRunId', () => ID, { description: 'The StepRun.' }) _stepRunId: string,
    @Arg('after', () => Float, { nullable: true, description: 'The `nextOffset` of the last piece you have; 0 for all.' }) _after?: number | null,
  ): LogChunkType {
    return toLogChunk(chunk);
  }

  @Subscription(() => ActivityEventType, {
    description: 'The Events of all Submissions that you may see: after a cursor, or from now on. It never ends by itself.',
    subscribe: ({ args, context }) => {
      const { after } = args as { after?: string | null };
      return (context as Context).services.hub.activity(after == null ? null : parseCursorText(after));
    },
  })
  activity(
    @Root() item: ActivityEvent,
    @Arg('after', () => String, { nullable: true, description: 'The `cursor` of the last one you have.' }) _after?: string | null,
  ): ActivityEventType {
    return toActivityEvent(item, cursorText(item.cursor));
  }

  @FieldResolver(() => JobType, { description: 'The version of the Job that it runs, whatever was defined since.' })
  async job(@Root() submission: SubmissionType, @Ctx() { services }: Context): Promise<JobType> {
    const { bundle, version, id } = await services.plans.byId(submission.jobVersionId);
    const current = services.catalog.current().jobs.get(submission.jobName);
    return toJob({ spec: bundle, version, versionId: id, source: current?.source ?? '', createdAt: current?.createdAt ?? submission.createdAt.toISOString() });
  }

  @FieldResolver(() => BatchType, { nullable: true, name: 'batch', description: 'The Batch it was sent in.' })
  async batchOf(@Root() submission: SubmissionType, @Ctx() { services }: Context): Promise<BatchType | null> {
    const row = submission.batchKey === null ? null : await reads.getBatch(services.db, submission.batchKey);
    return row ? toBatch(row) : null;
  }

  @FieldResolver(() => StepRunConnection, { description: 'Its StepRuns, in the order of the Job.' })
  steps(@Root() submission: SubmissionType, @Args(() => PageArgs) args: PageArgs, @Ctx() { services }: Context): Promise<Connection<StepRunType>> {
    return reads.listStepRuns(services.db, submission.key, args, services.limits.pageLimit);
  }

  @FieldResolver(() => EventConnection, { description: 'Its Events, oldest first.' })
  events(@Root() submission: SubmissionType, @Args(() => PageArgs) args: PageArgs, @Ctx() { services }: Context): Promise<Connection<EventType>> {
    return reads.listEvents(services.db, submission.key, args, services.limits.pageLimit);
  }

  @FieldResolver(() => ArtifactConnection, { description: 'The files its steps produced, with addresses to download them.' })
  results(@Root() submission: SubmissionType, @Args(() => PageArgs) args: PageArgs, @Ctx() { services }: Context): Promise<Connection<ArtifactType>> {
    return reads.listArtifacts(services.db, { submissionKey: submission.key, produced: true }, args, services.limits.pageLimit);
  }

  @FieldResolver(() => ArtifactConnection, { description: 'The files it was given.' })
  inputFiles(@Root() submission: SubmissionType, @Args(() => PageArgs) args: PageArgs, @Ctx() { services }: Context): Promise<Connection<ArtifactType>> {
    return reads.listArtifacts(services.db, { submissionKey: submission.key, produced: false }, args, services.limits.pageLimit);
  }
}

@Resolver(() => StepRunType)
export class StepRunResolver {
  @Query(() => StepRunType, { description: 'One StepRun as it stands.' })
  stepRun(@Arg('id', () => ID, { description: 'The StepRun.' }) id: string, @Ctx() { services }: Context): Promise<StepRunType> {
    return reads.getStepRun(services.db, fromId('StepRun', id));
  }

  @FieldResolver(() => ID, { description: 'The Submission it belongs to.' })
  submissionId(@Root() stepRun: StepRunType): string {
    return toId('Submission', stepRun.submissionKey);
  }

  @FieldResolver(() => AttemptConnection, { description: 'Its Attempts, first to last.' })
  attempts(@Root() stepRun: StepRunType, @Args(() => PageArgs) args: PageArgs, @Ctx() { services }: Context): Promise<Connection<AttemptType>> {
    return reads.listAttempts(services.db, stepRun.key, args, services.limits.pageLimit);
  }

  @FieldResolver(() => ArtifactConnection, { description: 'The files it produced; partial ones after a failure.' })
  results(@Root() stepRun: StepRunType, @Args(() => PageArgs) args: PageArgs, @Ctx() { services }: Context): Promise<Connection<ArtifactType>> {
    return reads.listArtifacts(services.db, { submissionKey: stepRun.submissionKey, stepRunKey: stepRun.key, produced: true }, args, services.limits.pageLimit);
  }

  @FieldResolver(() => LogChunkConnection, { description: 'Its log so far. `after` is an `endCursor`; to follow it live, subscribe to `stepLog`.' })
  log(@Root() stepRun: StepRunType, @Args(() => PageArgs) args: PageArgs, @Ctx() { services }: Context): Promise<Connection<LogChunkType>> {
    return reads.listLog(services.db, stepRun.key, args, services.limits.pageLimit);
  }
}

@Resolver(() => BatchType)
export class BatchResolver {
  @FieldResolver(() => SubmissionConnection, { description: 'Its Submissions, newest first.' })
  submissions(@Root() batch: BatchType, @Args(() => PageArgs) args: PageArgs, @Ctx() { services }: Context): Promise<Connection<SubmissionType>> {
    return reads.listSubmissions(services.db, { batchKey: batch.key }, args, services.limits.pageLimit);
  }
}

@Resolver(() => ArtifactType)
export class ArtifactResolver {
  @FieldResolver(() => String, { description: 'A signed address to download it, good for a while. Ranges are served.' })
  url(@Root() artifact: ArtifactType, @Ctx() { services }: Context): string {
    const expiresAt = new Date(Date.now() + services.limits.urlTtlSeconds * 1_000);
    return services.publicUrl + downloadPath(services.secret, { sha256: artifact.sha256, name: artifact.name, expiresAt });
  }

  @FieldResolver(() => String, { nullable: true, description: 'The name of the Step that produced it; null for an input.' })
  async stepName(@Root() artifact: ArtifactType, @Ctx() { services }: Context): Promise<string | null> {
    return artifact.stepRunKey === null ? null : (await reads.getStepRun(services.db, artifact.stepRunKey)).name;
  }
}

function genericRequest(context: Context, input: SubmitJobInput, field: readonly string[]): JobRequest {
  const version = jobByName(context.services, input.job, [...field, 'job']);
  const inputs = input.inputs ?? {};
  if (typeof inputs !== 'object' || Array.isArray(inputs)) {
    throw userError('BAD_INPUT', 'inputs is an object with a value for each input of the job.', [...field, 'inputs']);
  }
  return {
    version,
    inputs: inputs as Readonly<Record<string, unknown>>,
    options: input.options ?? null,
    field: [...field, 'options'],
    inputsField: [...field, 'inputs'],
  };
}
