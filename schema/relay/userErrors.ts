/** What the user can mend comes as data, beside the entity; everything else is a top-level error. */
import { Field, Int, ObjectType } from 'type-graphql';
import { StepcastError, userError, UserErrors, type ErrorCode, type UserError } from '../../src/domain/errors';
import { enumOf } from './enums';

export const UserErrorCode = enumOf<ErrorCode>('UserErrorCode', 'Stable codes for programs; people read the message.', {
  BAD_INPUT: 'A value is missing, of the wrong type or out of bounds.',
  NOT_FOUND: 'Something named does not exist.',
  CONFLICT: 'It contradicts what is there already.',
  FORBIDDEN: 'You may not.',
  LIMIT_EXCEEDED: 'A limit of this server stands against it.',
  INVALID_DEFINITION: 'A task, job or backend is not defined rightly.',
  REJECTED_DATA: 'A validator rejected the data; the message says why.',
  UNAVAILABLE: 'Something needed does not answer; try again.',
  CONFIGURATION: 'The server is not set up for it.',
  INTERNAL: 'A fault of the server.',
});

@ObjectType('UserError', { description: 'One thing that the caller can mend.' })
export class UserErrorType {
  @Field(() => UserErrorCode, { description: 'For programs.' })
  code!: ErrorCode;
  @Field(() => String, { description: 'For people: what is wrong and how to mend it.' })
  message!: string;
  @Field(() => [String], { description: 'The path into the arguments, such as `["input", "minLength"]`.' })
  field!: string[];
  @Field(() => Int, {
    nullable: true,
    description: 'After how many seconds the same call may succeed, where that can be told.',
  })
  retryAfterSeconds?: number | null;
}

export function toUserErrors(errors: readonly UserError[]): UserErrorType[] {
  return errors.map((error) => ({
    code: error.code,
    message: error.message,
    field: [...error.field],
    retryAfterSeconds: error.retryAfterSeconds ?? null,
  }));
}

/** Runs a mutation; UserErrors become the payload that `empty` makes of them, everything else passes on. */
export async function withUserErrors<T>(work: () => Promise<T>, empty: (userErrors: UserErrorType[]) => T): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof UserErrors) return empty(toUserErrors(error.errors));
    throw error;
  }
}

/** What the state of things, or a limit, stands against is for the caller to mend: it comes as data, at this field. */
export async function conflictAt<T>(field: readonly string[], work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof StepcastError && (error.code === 'CONFLICT' || error.code === 'LIMIT_EXCEEDED'))
      throw userError(error.code, error.message, field);
    throw error;
  }
}
