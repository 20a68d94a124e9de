import { Field, ID, InputType, ObjectType } from 'type-graphql';
import type { PRIORITIES } from '../../src/domain/states';
import { BackendType } from '../definitions/types';
import { UserErrorType } from '../relay/userErrors';
import { PriorityName } from '../submissions/enums';
import { SubmissionType } from '../submissions/types';
import { QueueType } from '../workers/resolver';

@InputType({ description: 'Which Submission to pause.' })
export class PauseSubmissionInput {
  @Field(() => ID, { description: 'The Submission.' })
  id!: string;
  @Field(() => String, { nullable: true, description: 'Why; its Event tells it.' })
  reason?: string | null;
}

@InputType({ description: 'Which Submission shall go on.' })
export class UnpauseSubmissionInput {
  @Field(() => ID, { description: 'The Submission.' })
  id!: string;
}

@InputType({ description: 'Which Backend to pause.' })
export class PauseBackendInput {
  @Field(() => String, { description: 'Its name.' })
  backend!: string;
  @Field(() => String, { nullable: true, description: 'Why; steps that wait for it tell it.' })
  reason?: string | null;
}

@InputType({ description: 'Which Backend shall go on.' })
export class UnpauseBackendInput {
  @Field(() => String, { description: 'Its name.' })
  backend!: string;
}

@InputType({ description: 'Which queue to pause.' })
export class PauseQueueInput extends PauseBackendInput {
  @Field(() => PriorityName, { description: 'The priority; the other queues of the Backend are left alone.' })
  priority!: (typeof PRIORITIES)[number];
}

@InputType({ description: 'Which queue shall go on.' })
export class UnpauseQueueInput extends UnpauseBackendInput {
  @Field(() => PriorityName, { description: 'The priority.' })
  priority!: (typeof PRIORITIES)[number];
}

@ObjectType({ description: 'What a pause, or its end, did to a Submission.' })
export class PauseSubmissionPayload {
  @Field(() => SubmissionType, { nullable: true, description: 'The Submission as it stands now.' })
  submission!: SubmissionType | null;
  @Field(() => [UserErrorType], { description: 'Why nothing changed.' })
  userErrors!: UserErrorType[];
}

@ObjectType({ description: 'What a pause, or its end, did to a Backend.' })
export class PauseBackendPayload {
  @Field(() => BackendType, { nullable: true, description: 'The Backend as it stands now.' })
  backend!: BackendType | null;
  @Field(() => [UserErrorType], { description: 'Why nothing changed.' })
  userErrors!: UserErrorType[];
}

@ObjectType({ description: 'What a pause, or its end, did to a queue.' })
export class PauseQueuePayload {
  @Field(() => QueueType, { nullable: true, description: 'The queue as it stands now.' })
  queue!: QueueType | null;
  @Field(() => [UserErrorType], { description: 'Why nothing changed.' })
  userErrors!: UserErrorType[];
}
