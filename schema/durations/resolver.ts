import { Ctx, FieldResolver, Resolver, Root } from 'type-graphql';
import type { Context } from '../context';
import { JobStepType, JobType } from '../definitions/types';
import { SubmissionType } from '../submissions/types';
import { EstimateType, ExpectedDurationType } from './types';

@Resolver(() => JobType)
export class JobDurations {
  @FieldResolver(() => ExpectedDurationType, {
    nullable: true,
    description: 'How long a run takes, from the start of its first step to its end; null before the first success.',
  })
  async expectedDuration(@Root() job: JobType, @Ctx() { services }: Context): Promise<ExpectedDurationType | null> {
    const { job: whole, olderVersions } = await services.durations.historyOf(job.versionKey);
    return whole && { ...whole, olderVersions };
  }
}

@Resolver(() => JobStepType)
export class StepDurations {
  @FieldResolver(() => ExpectedDurationType, {
    nullable: true,
    description:
      'How long the Step takes, retries included; all elements of a scatter, or a nested Job, as a whole. Null before the first success.',
  })
  async expectedDuration(
    @Root() step: JobStepType,
    @Ctx() { services }: Context,
  ): Promise<ExpectedDurationType | null> {
    const { steps, olderVersions } = await services.durations.historyOf(step.jobVersionKey);
    const known = steps.get(step.name);
    return known ? { ...known, olderVersions } : null;
  }
}

@Resolver(() => SubmissionType)
export class SubmissionEstimate {
  @FieldResolver(() => EstimateType, {
    nullable: true,
    description: 'How much longer it may take, by earlier runs; null once it ends. It is made anew about every second.',
  })
  estimate(@Root() submission: SubmissionType, @Ctx() { services }: Context): Promise<EstimateType | null> {
    const { key: id, jobVersionId, state } = submission;
    return services.durations.estimateOf({ id, jobVersionId, state });
  }
}
