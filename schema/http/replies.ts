/** How the plain HTTP routes say no: a status and one JSON sentence, `{ code, message }`. */
import type { Response } from 'express';
import { StepcastError, type ErrorCode } from '../../src/domain/errors';

const STATUS: Readonly<Record<ErrorCode, number>> = {
  BAD_INPUT: 400,
  NOT_FOUND: 404,
  CONFLICT: 409,
  FORBIDDEN: 403,
  LIMIT_EXCEEDED: 413,
  INVALID_DEFINITION: 400,
  REJECTED_DATA: 422,
  UNAVAILABLE: 503,
  CONFIGURATION: 500,
  INTERNAL: 500,
};

/** Status and body for whatever was thrown. What is not for clients becomes one neutral sentence. */
export function refusalOf(thrown: unknown): {
  readonly status: number;
  readonly body: { code: ErrorCode; message: string };
} {
  if (!(thrown instanceof StepcastError) || STATUS[thrown.code] === 500) {
    return { status: 500, body: { code: 'INTERNAL', message: 'Something went wrong on the server. Try again later.' } };
  }
  return { status: STATUS[thrown.code], body: { code: thrown.code, message: thrown.message } };
}

/** Sends the refusal, unless an answer already began or nobody is there to read it. */
export function refuse(response: Response, thrown: unknown): void {
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  const { status, body } = refusalOf(thrown);
  response.status(status).set('Cache-Control', 'no-store').json(body);
}
