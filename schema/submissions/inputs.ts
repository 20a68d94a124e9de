import { GraphQLJSON } from 'graphql-scalars';
import { ArgsType, Field, Float, ID, InputType } from 'type-graphql';
import { PRIORITIES, STEP_RUN_STATES, SUBMISSION_STATES } from '../../src/domain/states';
import { PageArgs } from '../relay/connection';
import { PriorityName, StepRunStateName, SubmissionStateName } from './enums';

@InputType({ description: 'A file: exactly one of `text`, `upload` and `result`.' })
export class FileInput {
  @Field(() => String, { nullable: true, description: 'The content itself, for small texts.' })
  text?: string | null;
  @Field(() => ID, { nullable: true, description: 'An upload that has its data (see `createUpload`).' })
  upload?: string | null;
  @Field(() => ID, { nullable: true, description: 'An Artifact of an earlier Submission.' })
  result?: string | null;
  @Field(() => String, {
    nullable: true,
    description: 'The file name that the tasks see; its own, or the name of the input, if not given.',
  })
  name?: string | null;
  @Field(() => [FileInput], {
    nullable: true,
    description: 'Files that go with it, such as its index: the tasks find them beside it, under their names.',
  })
  secondaryFiles?: FileInput[] | null;
}

@InputType({ description: 'A folder: the files and folders in it. Their names differ.' })
export class DirectoryInput {
  @Field(() => String, {
    nullable: true,
    description: 'The name of the folder that the tasks see; that of the input, if not given.',
  })
  name?: string | null;
  @Field(() => [FileInput], { nullable: true, description: 'The files in it.' })
  files?: FileInput[] | null;
  @Field(() => [DirectoryInput], { nullable: true, description: 'The folders in it, each with a name.' })
  directories?: DirectoryInput[] | null;
}

@InputType({ description: 'How to submit, beside the data.' })
export class SubmitOptions {
  @Field(() => PriorityName, { nullable: true, description: 'NORMAL if not given.' })
  priority?: (typeof PRIORITIES)[number] | null;
  @Field(() => String, { nullable: true, description: 'Your own words, up to 200 characters, to find it by.' })
  label?: string | null;
  @Field(() => String, {
    nullable: true,
    description: 'Any text up to 200 characters. The same key again gives the same Submission and stores nothing.',
  })
  idempotencyKey?: string | null;
  @Field(() => Float, {
    nullable: true,
    description:
      "Seconds after which the Submission is ended as FAILED, with all that runs of it. A Job's own timeout holds as well.",
  })
  timeoutSeconds?: number | null;
  @Field(() => Boolean, {
    nullable: true,
    description: 'False: every step runs, whatever equal work was done before. True if not given.',
  })
  reuse?: boolean | null;
}

@InputType({ description: 'One Submission of a Job that is chosen at run time.' })
export class SubmitJobInput {
  @Field(() => String, { description: 'The name of the Job.' })
  job!: string;
  @Field(() => GraphQLJSON, {
    nullable: true,
    description:
      'Values by input name. Files are objects as in `FileInput`: `{"text": {"text": "…"}, "min-length": 3}`.',
  })
  inputs?: unknown;
  @Field(() => SubmitOptions, { nullable: true, description: 'Priority, label, idempotency key.' })
  options?: SubmitOptions | null;
}

@InputType({ description: 'Several Submissions: all of them or none.' })
export class SubmitBatchInput {
  @Field(() => [SubmitJobInput], { description: 'In order; the server has an upper limit.' })
  items!: SubmitJobInput[];
  @Field(() => String, { nullable: true, description: 'Your own words for the Batch.' })
  label?: string | null;
}

@InputType({ description: 'One Job on every combination of some values: all of them or none.' })
export class SubmitMatrixInput {
  @Field(() => String, { description: 'The name of the Job.' })
  job!: string;
  @Field(() => GraphQLJSON, {
    description:
      'Lists of values by input name: every value goes with every value of the others. `{"min-length": [3, 4], "order": ["alphabetical"]}`.',
  })
  matrix!: unknown;
  @Field(() => GraphQLJSON, {
    nullable: true,
    description: 'Values that all combinations have in common, by input name, as in `SubmitJobInput`.',
  })
  inputs?: unknown;
  @Field(() => [GraphQLJSON], {
    nullable: true,
    description: 'Combinations beside those of the matrix: objects with values by input name.',
  })
  include?: unknown[] | null;
  @Field(() => [GraphQLJSON], {
    nullable: true,
    description: 'What to leave out: every combination that has all the values of one of these objects.',
  })
  exclude?: unknown[] | null;
  @Field(() => SubmitOptions, {
    nullable: true,
    description: 'For each Submission. Its label gets the combination behind; its idempotency key gets its number.',
  })
  options?: SubmitOptions | null;
  @Field(() => String, { nullable: true, description: 'Your own words for the Batch.' })
  label?: string | null;
}

@InputType({ description: 'Which Submission to cancel.' })
export class CancelSubmissionInput {
  @Field(() => ID, { description: 'The Submission.' })
  id!: string;
  @Field(() => String, { nullable: true, description: 'Why; kept with the Submission.' })
  reason?: string | null;
}

@InputType({ description: 'Which Batch to cancel.' })
export class CancelBatchInput {
  @Field(() => ID, { description: 'The Batch.' })
  id!: string;
  @Field(() => String, { nullable: true, description: 'Why; kept with each Submission.' })
  reason?: string | null;
}

@InputType({ description: 'Which StepRun to cancel.' })
export class CancelStepRunInput {
  @Field(() => ID, { description: 'The StepRun: of a Task, an element of a scatter, a scatter or a nested Job.' })
  id!: string;
  @Field(() => String, { nullable: true, description: 'Why; kept with the StepRun and its Submission.' })
  reason?: string | null;
}

@InputType({ description: 'Which Submission to resume.' })
export class ResumeSubmissionInput {
  @Field(() => ID, { description: 'The Submission: FAILED or CANCELLED.' })
  id!: string;
}

@InputType({ description: 'Which Submission to run again, and what shall be different.' })
export class RerunSubmissionInput extends SubmitOptions {
  @Field(() => ID, { description: 'The earlier Submission.' })
  id!: string;
  @Field(() => [String], {
    nullable: true,
    description:
      'Names of steps of the Job that run in any case, with all that stands after them. What else is still valid is taken from the earlier Submission.',
  })
  from?: string[] | null;
  @Field(() => GraphQLJSON, {
    nullable: true,
    description:
      'Inputs that change, by name, as for `submitJob`; null for the default of the Job. The others stay as they were.',
  })
  inputs?: unknown;
  @Field(() => Boolean, {
    nullable: true,
    description: 'True: the current version of the Job runs, in place of the one that the earlier Submission ran.',
  })
  latest?: boolean | null;
}

@InputType({ description: 'Which Submission to delete.' })
export class DeleteSubmissionInput {
  @Field(() => ID, { description: 'The Submission. If it still runs, it is cancelled first.' })
  id!: string;
}

@ArgsType()
export class SubmissionsArgs extends PageArgs {
  @Field(() => [SubmissionStateName], { nullable: true, description: 'Only those in one of these states.' })
  states?: (typeof SUBMISSION_STATES)[number][] | null;
  @Field(() => String, { nullable: true, description: 'Only those of this Job.' })
  job?: string | null;
  @Field(() => ID, { nullable: true, description: 'Only those of this Batch.' })
  batch?: string | null;
  @Field(() => String, { nullable: true, description: 'Only those with exactly this label.' })
  label?: string | null;
  @Field(() => Date, { nullable: true, description: 'Only those stored at or after this time.' })
  createdAfter?: Date | null;
  @Field(() => Date, { nullable: true, description: 'Only those stored before this time.' })
  createdBefore?: Date | null;
}

@ArgsType()
export class PartArgs extends PageArgs {
  @Field(() => [StepRunStateName], { nullable: true, description: 'Only those in one of these states.' })
  states?: (typeof STEP_RUN_STATES)[number][] | null;
}

@ArgsType()
export class StepRunArgs extends PartArgs {
  @Field(() => Boolean, {
    nullable: true,
    description: 'Also elements of scatters and steps of nested Jobs, in the order in which they came to be.',
  })
  deep?: boolean | null;
}
