import { Arg, Args, Ctx, FieldResolver, Mutation, Resolver, Root } from 'type-graphql';
import { cancelStepRun } from '../../src/engine/cancelStep';
import { resumeSubmission } from '../../src/engine/resume';
import type { Context } from '../context';
import { fromId } from '../relay/ids';
import { conflictAt, withUserErrors } from '../relay/userErrors';
import { PageArgs, type Connection } from '../relay/connection';
import { CancelStepRunInput, RerunSubmissionInput, ResumeSubmissionInput } from './inputs';
import { CancelStepRunPayload, ResumePayload, SubmitPayload } from './payloads';
import * as reads from './reads';
import { rerunRequest } from './rerun';
import { submitJobs } from './submitJobs';
import { SubmissionConnection, SubmissionType, toSubmission } from './types';

const MAX_REASON = 1_000;

/** Submissions that go on after an end or run again, and parts that are ended. */
@Resolver(() => SubmissionType)
export class AgainMutations {
  @Mutation(() => ResumePayload, {
    description:
      'Resumes a Submission that FAILED or was CANCELLED, in place: what succeeded stays, what failed or was cancelled, and what follows from it, runs.',
  })
  resumeSubmission(
    @Arg('input', () => ResumeSubmissionInput, { description: 'Which.' }) input: ResumeSubmissionInput,
    @Ctx() { services }: Context,
  ): Promise<ResumePayload> {
    return withUserErrors<ResumePayload>(
      async () => {
        const key = fromId('Submission', input.id);
        await reads.getSubmission(services.db, key);
        const { db, plans, announcer } = services;
        const { maxQueued, admission } = services.limits;
        const reopened = await conflictAt(
          ['input', 'id'],
          resumeSubmission({ db, plans, announcer, maxQueued, admission }, key),
        );
        return { submission: await reads.getSubmission(db, key), reopened, userErrors: [] };
      },
      (userErrors) => ({ submission: null, reopened: 0, userErrors }),
    );
  }

  @Mutation(() => SubmitPayload, {
    description:
      'Runs a Submission again, as a new one: from some steps on, or with other inputs. What is still valid is taken from the earlier one and does not run.',
  })
  rerunSubmission(
    @Arg('input', () => RerunSubmissionInput, { description: 'Which, and what shall be different.' })
    input: RerunSubmissionInput,
    @Ctx() context: Context,
  ): Promise<SubmitPayload> {
    return withUserErrors<SubmitPayload>(
      async () => {
        const { submissionIds } = await submitJobs(context, [await rerunRequest(context, input)], null);
        const [submission] = await reads.getSubmissions(context.services.db, submissionIds);
        return { submission: submission ?? null, userErrors: [] };
      },
      (userErrors) => ({ submission: null, userErrors }),
    );
  }

  @FieldResolver(() => SubmissionType, {
    nullable: true,
    description: 'The earlier Submission that it runs again; null for any other, and when that one was deleted.',
  })
  async rerunOf(@Root() { rerunOfKey }: SubmissionType, @Ctx() { services }: Context): Promise<SubmissionType | null> {
    const row = rerunOfKey === null ? null : await reads.findSubmission(services.db, rerunOfKey);
    return row ? toSubmission(row) : null;
  }

  @FieldResolver(() => SubmissionConnection, { description: 'Submissions that run this one again, newest first.' })
  reruns(
    @Root() { key }: SubmissionType,
    @Args(() => PageArgs) args: PageArgs,
    @Ctx() { services }: Context,
  ): Promise<Connection<SubmissionType>> {
    return reads.listSubmissions(services.db, { rerunOfKey: key }, args, services.limits.pageLimit);
  }

  @Mutation(() => CancelStepRunPayload, {
    description:
      'Cancels a part of a Submission, with all below it. The Submission fails by it, as by a failure of the step, and can be resumed.',
  })
  cancelStepRun(
    @Arg('input', () => CancelStepRunInput, { description: 'Which, and why.' }) input: CancelStepRunInput,
    @Ctx() { services }: Context,
  ): Promise<CancelStepRunPayload> {
    return withUserErrors<CancelStepRunPayload>(
      async () => {
        const key = fromId('StepRun', input.id);
        const { submissionKey } = await reads.getStepRun(services.db, key);
        const reason = (input.reason ?? 'Cancelled by the user.').slice(0, MAX_REASON);
        await conflictAt(['input', 'id'], cancelStepRun(services, key, reason));
        const stepRun = await reads.getStepRun(services.db, key);
        return { stepRun, submission: await reads.getSubmission(services.db, submissionKey), userErrors: [] };
      },
      (userErrors) => ({ stepRun: null, submission: null, userErrors }),
    );
  }
}
