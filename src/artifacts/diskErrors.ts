import { StepcastError } from '../domain/errors';

/** The system's code of an error, such as `ENOENT`. */
export function codeOf(error: unknown): string | undefined {
  // Not by instanceof: under a test runner, errors of the file system come from another realm.
  const code = typeof error === 'object' && error !== null ? (error as { code?: unknown }).code : undefined;
  return typeof code === 'string' ? code : undefined;
}

/** Gives the errors of a full or read-only disk a sentence that helps; `place` is a path on that disk. */
export async function explained<T>(place: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    switch (codeOf(error)) {
      case 'ENOSPC':
        throw unavailable(`The disk that holds ${place} is full. Free some space there and try again.`, error);
      case 'EDQUOT':
        throw unavailable(`The disk quota for ${place} is used up. Free some space there and try again.`, error);
      case 'EROFS':
        throw unavailable(`The disk that holds ${place} is read-only, so nothing can be stored.`, error);
      default:
        throw error;
    }
  }
}

function unavailable(message: string, cause: unknown): StepcastError {
  return new StepcastError('UNAVAILABLE', message, { cause });
}
