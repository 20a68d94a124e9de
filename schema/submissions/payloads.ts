/** What the mutations on Submissions answer. */
import { Field, ID, Int, ObjectType } from 'type-graphql';
import { UserErrorType } from '../relay/userErrors';
import { StepRunType } from './stepTypes';
import { BatchType, SubmissionType } from './types';

@ObjectType({ description: 'What a submission became.' })
export class SubmitPayload {
  @Field(() => SubmissionType, { nullable: true, description: 'The Submission; null when there are userErrors.' })
  submission!: SubmissionType | null;
  @Field(() => [UserErrorType], { description: 'What must be mended first; with any of these, nothing was stored.' })
  userErrors!: UserErrorType[];
}

@ObjectType({ description: 'What a batch became.' })
export class SubmitBatchPayload {
  @Field(() => BatchType, { nullable: true, description: 'The Batch; null when there are userErrors.' })
  batch!: BatchType | null;
  @Field(() => [SubmissionType], { description: 'Its Submissions, in the order of the call.' })
  submissions!: SubmissionType[];
  @Field(() => [UserErrorType], { description: 'What must be mended first; with any of these, nothing was stored.' })
  userErrors!: UserErrorType[];
}

@ObjectType({ description: 'What a cancel did.' })
export class CancelPayload {
  @Field(() => SubmissionType, { nullable: true, description: 'The Submission as it stands now.' })
  submission!: SubmissionType | null;
  @Field(() => [UserErrorType], { description: 'Why nothing was cancelled.' })
  userErrors!: UserErrorType[];
}

@ObjectType({ description: 'What the cancel of a StepRun did.' })
export class CancelStepRunPayload {
  @Field(() => StepRunType, { nullable: true, description: 'The StepRun as it stands now.' })
  stepRun!: StepRunType | null;
  @Field(() => SubmissionType, { nullable: true, description: 'Its Submission as it stands now.' })
  submission!: SubmissionType | null;
  @Field(() => [UserErrorType], { description: 'Why nothing was cancelled.' })
  userErrors!: UserErrorType[];
}

@ObjectType({ description: 'What the cancel of a Batch did.' })
export class CancelBatchPayload {
  @Field(() => BatchType, { nullable: true, description: 'The Batch as it stands now.' })
  batch!: BatchType | null;
  @Field(() => Int, { description: 'Submissions that were cancelled; those that had ended before stay as they are.' })
  cancelled!: number;
  @Field(() => [UserErrorType], { description: 'Why nothing was cancelled.' })
  userErrors!: UserErrorType[];
}

@ObjectType({ description: 'What a resume did.' })
export class ResumePayload {
  @Field(() => SubmissionType, { nullable: true, description: 'The Submission as it stands now.' })
  submission!: SubmissionType | null;
  @Field(() => Int, { description: 'StepRuns that are open again.' })
  reopened!: number;
  @Field(() => [UserErrorType], { description: 'Why it was not resumed.' })
  userErrors!: UserErrorType[];
}

@ObjectType({ description: 'What a deletion did.' })
export class DeletePayload {
  @Field(() => ID, {
    nullable: true,
    description: 'The Submission that is gone, or goes as soon as its workers have stopped.',
  })
  deletedId!: string | null;
  @Field(() => [UserErrorType], { description: 'Why nothing was deleted.' })
  userErrors!: UserErrorType[];
}
