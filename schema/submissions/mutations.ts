import { Arg, Ctx, Mutation, Resolver } from 'type-graphql';
import { userError } from '../../src/domain/errors';
import type { NewBatch } from '../../src/engine/submit';
import { cancelSubmission } from '../../src/engine/cancel';
import { cancelBatch } from '../../src/engine/cancelBatch';
import type { Context } from '../context';
import { fromId } from '../relay/ids';
import { withUserErrors } from '../relay/userErrors';
import {
  CancelBatchInput,
  CancelSubmissionInput,
  DeleteSubmissionInput,
  SubmitBatchInput,
  SubmitJobInput,
  SubmitMatrixInput,
} from './inputs';
import { matrixRequests } from './matrix';
import { CancelBatchPayload, CancelPayload, DeletePayload, SubmitBatchPayload, SubmitPayload } from './payloads';
import * as reads from './reads';
import { jobByName, submitJobs, type JobRequest } from './submitJobs';
import { toBatch } from './types';

@Resolver()
export class SubmissionMutations {
  @Mutation(() => SubmitPayload, {
    description: 'Submits a Job that is chosen at run time. Each Job also has a typed mutation of its own, `run…`.',
  })
  submitJob(
    @Arg('input', () => SubmitJobInput, { description: 'Which Job, on what.' }) input: SubmitJobInput,
    @Ctx() context: Context,
  ): Promise<SubmitPayload> {
    return withUserErrors<SubmitPayload>(
      async () => {
        const { submissionIds } = await submitJobs(context, [genericRequest(context, input, ['input'])], null);
        const [submission] = await reads.getSubmissions(context.services.db, submissionIds);
        return { submission: submission ?? null, userErrors: [] };
      },
      (userErrors) => ({ submission: null, userErrors }),
    );
  }

  @Mutation(() => SubmitBatchPayload, {
    description: 'Submits several Jobs at once: all are checked before anything is stored.',
  })
  submitBatch(
    @Arg('input', () => SubmitBatchInput, { description: 'The Submissions.' }) input: SubmitBatchInput,
    @Ctx() context: Context,
  ): Promise<SubmitBatchPayload> {
    return withUserErrors<SubmitBatchPayload>(
      async () => {
        const { maxBatch } = context.services.limits;
        if (input.items.length === 0 || input.items.length > maxBatch) {
          throw userError('LIMIT_EXCEEDED', `A batch has 1 to ${maxBatch} items; this one has ${input.items.length}.`, [
            'input',
            'items',
          ]);
        }
        const requests = input.items.map((item, index) =>
          genericRequest(context, item, ['input', 'items', String(index)]),
        );
        return stored(context, requests, { label: input.label ?? '' });
      },
      (userErrors) => ({ batch: null, submissions: [], userErrors }),
    );
  }

  @Mutation(() => SubmitBatchPayload, {
    description:
      'Submits one Job on every combination of some values, as a Batch: all are checked before anything is stored.',
  })
  submitMatrix(
    @Arg('input', () => SubmitMatrixInput, { description: 'The Job and the values.' }) input: SubmitMatrixInput,
    @Ctx() context: Context,
  ): Promise<SubmitBatchPayload> {
    return withUserErrors<SubmitBatchPayload>(
      async () => {
        const { requests, batch } = matrixRequests(context, input);
        return stored(context, requests, batch);
      },
      (userErrors) => ({ batch: null, submissions: [], userErrors }),
    );
  }

  @Mutation(() => CancelPayload, {
    description: 'Cancels a Submission: what waits never starts, what runs is stopped with all its children.',
  })
  cancelSubmission(
    @Arg('input', () => CancelSubmissionInput, { description: 'Which, and why.' }) input: CancelSubmissionInput,
    @Ctx() { services }: Context,
  ): Promise<CancelPayload> {
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

  @Mutation(() => CancelBatchPayload, {
    description: 'Cancels all Submissions of a Batch that have not ended, each as `cancelSubmission` does.',
  })
  cancelBatch(
    @Arg('input', () => CancelBatchInput, { description: 'Which, and why.' }) input: CancelBatchInput,
    @Ctx() { services }: Context,
  ): Promise<CancelBatchPayload> {
    return withUserErrors<CancelBatchPayload>(
      async () => {
        const key = fromId('Batch', input.id);
        const row = await reads.getBatch(services.db, key);
        if (!row) throw userError('NOT_FOUND', 'There is no such batch.', ['input', 'id']);
        const cancelled = await cancelBatch(services, key, input.reason ?? 'Cancelled by the user, with its batch.');
        if (cancelled === 0) throw userError('CONFLICT', 'All of its submissions have ended already.', ['input', 'id']);
        return { batch: toBatch(row), cancelled, userErrors: [] };
      },
      (userErrors) => ({ batch: null, cancelled: 0, userErrors }),
    );
  }

  @Mutation(() => DeletePayload, {
    description: 'Deletes a Submission with its log, Events and results. If it still runs, it is cancelled first.',
  })
  async deleteSubmission(
    @Arg('input', () => DeleteSubmissionInput, { description: 'Which.' }) input: DeleteSubmissionInput,
    @Ctx() { services }: Context,
  ): Promise<DeletePayload> {
    const key = fromId('Submission', input.id);
    await reads.getSubmission(services.db, key);
    await cancelSubmission(services, key, 'Deleted by the user.', { deleteAfterwards: true });
    return { deletedId: input.id, userErrors: [] };
  }
}

async function stored(context: Context, requests: readonly JobRequest[], batch: NewBatch): Promise<SubmitBatchPayload> {
  const { db } = context.services;
  const { submissionIds, batchId } = await submitJobs(context, requests, batch);
  const row = batchId === null ? null : await reads.getBatch(db, batchId);
  const submissions = await reads.getSubmissions(db, submissionIds);
  return { batch: row ? toBatch(row) : null, submissions, userErrors: [] };
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
    fieldOf: (name) => [...field, 'inputs', name],
  };
}
