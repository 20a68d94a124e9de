/** What a client sees of an error: our own words and a code, never SQL, a stack or a path of the server. */
import { GraphQLError, type GraphQLFormattedError } from 'graphql';
import { randomBytes } from 'node:crypto';
import { StepcastError } from '../../src/domain/errors';

/** Told of every internal fault, with the reference that the client got. */
export type FaultLog = (reference: string, error: unknown) => void;

/** Codes that Apollo and graphql-js give for faults of the request itself; their messages speak of the request alone. */
const REQUEST_CODES = new Set([
  'GRAPHQL_PARSE_FAILED',
  'GRAPHQL_VALIDATION_FAILED',
  'BAD_USER_INPUT',
  'BAD_REQUEST',
  'OPERATION_RESOLUTION_FAILURE',
  'PERSISTED_QUERY_NOT_FOUND',
  'PERSISTED_QUERY_NOT_SUPPORTED',
]);

/** The error as a client may see it. `origin` is what was thrown, when that is known apart from `formatted`. */
export function maskError(formatted: GraphQLFormattedError, origin: unknown, log: FaultLog): GraphQLFormattedError {
  const { locations, path } = formatted;
  const place = { ...(locations ? { locations } : {}), ...(path ? { path } : {}) };
  const cause = rootOf(origin);
  if (cause instanceof StepcastError && cause.code !== 'INTERNAL') {
    return { message: cause.message, ...place, extensions: { code: cause.code } };
  }
  const code = formatted.extensions?.['code'];
  const ofTheRequest = typeof code === 'string' && code !== 'INTERNAL_SERVER_ERROR' ? REQUEST_CODES.has(code) : true;
  if (cause instanceof GraphQLError && ofTheRequest) {
    const shown = typeof code === 'string' && REQUEST_CODES.has(code) ? code : 'BAD_REQUEST';
    return { message: formatted.message, ...place, extensions: { code: shown } };
  }
  if (isAway(cause)) {
    const message = 'The database does not answer at the moment. Try again in a few seconds.';
    return { message, ...place, extensions: { code: 'UNAVAILABLE' } };
  }
  const reference = randomBytes(6).toString('hex');
  log(reference, cause);
  return {
    message: `Something went wrong on the server. Give its operator this reference: ${reference}`,
    ...place,
    extensions: { code: 'INTERNAL', reference },
  };
}

/** An error of the limits: the request is too much, whatever it asks. */
export function limitError(message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code: 'BAD_REQUEST' } });
}

/** What was thrown first: GraphQL and Apollo wrap it, once or several times. */
function rootOf(error: unknown): unknown {
  let root = error;
  while (root instanceof GraphQLError && root.originalError) root = root.originalError;
  return root;
}

/** System errors of a connection that cannot be made or broke. */
const AWAY_CODES = new Set(['ECONNREFUSED', 'ECONNRESET', 'ENOENT', 'ETIMEDOUT', 'EPIPE', 'ENOTFOUND', 'EAI_AGAIN']);

/** True for a database that is away: SQLSTATE classes 08 (connection) and 57P (shutdown, start), and broken sockets. */
function isAway(error: unknown): boolean {
  const { code, syscall, message } = error as { code?: unknown; syscall?: unknown; message?: unknown };
  if (typeof code === 'string' && /^(08|57P)/.test(code)) return true;
  if (typeof code === 'string' && AWAY_CODES.has(code))
    return syscall === 'connect' || syscall === 'read' || syscall === 'write';
  return typeof message === 'string' && /^Connection terminated|^timeout exceeded when trying to connect/.test(message);
}
