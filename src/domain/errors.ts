/**
 * The one error hierarchy. `code` is stable and may reach clients; `message` is written for the person who can mend it.
 * Anything that is not a StepcastError is an internal fault: clients see only its reference number.
 */
export type ErrorCode =
  | 'BAD_INPUT'
  | 'NOT_FOUND'
  | 'CONFLICT'
  | 'FORBIDDEN'
  | 'LIMIT_EXCEEDED'
  | 'INVALID_DEFINITION'
  | 'REJECTED_DATA'
  | 'UNAVAILABLE'
  | 'CONFIGURATION'
  | 'INTERNAL';

export class StepcastError extends Error {
  constructor(
    readonly code: ErrorCode,
    message: string,
    options: { cause?: unknown } = {},
  ) {
    super(message, options);
    this.name = 'StepcastError';
  }
}

/** One thing the user can mend. `field` is a path into the input, such as `input.minLength`. */
export interface UserError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly field: readonly string[];
  /** When the same call may succeed, in seconds from now, where that can be told. */
  readonly retryAfterSeconds?: number;
}

/** Bad input with all its reasons at once, so that a person mends it in one go. */
export class UserErrors extends StepcastError {
  constructor(readonly errors: readonly UserError[]) {
    super(errors[0]?.code ?? 'BAD_INPUT', errors.map((error) => error.message).join('\n'));
    this.name = 'UserErrors';
  }
}

export function userError(code: ErrorCode, message: string, field: readonly string[] = []): UserErrors {
  return new UserErrors([{ code, message, field }]);
}

/** For exhaustive switches: reaching this is a fault in the program. */
export function unreachable(value: never): never {
  throw new StepcastError('INTERNAL', `Unhandled case: ${JSON.stringify(value)}`);
}

/** The message of whatever was thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
