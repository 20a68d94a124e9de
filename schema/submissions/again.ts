import { Arg, Ctx, Mutation, Resolver } from 'type-graphql';
import { cancelStepRun } from '../../src/engine/cancelStep';
import { resumeSubmission } from '../../src/engine/resume';
import type { Context } from '../context';
import { fromId } from '../relay/ids';
import { conflictAt, withUserErrors } from '../relay/userErrors';
import { CancelStepRunInput, ResumeSubmissionInput } from './inputs';
import { CancelStepRunPayload, ResumePayload } from './payloads';
import * as reads from './reads';

const MAX_REASON = 1_000;

/** Submissions that go on after an end, and parts that are ended. */
@Resolver()
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
        const { db, plans, announcer, limits } = services;
        const reopened = await conflictAt(
          ['input', 'id'],
          resumeSubmission({ db, plans, announcer, maxQueued: limits.maxQueued }, key),
        );
        return { submission: await reads.getSubmission(db, key), reopened, userErrors: [] };
      },
      (userErrors) => ({ submission: null, reopened: 0, userErrors }),
    );
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
