/** What went wrong with a request that was not answered, and whether another try may help. */
import type { CommandExit } from '../backend';
import { messageOf, StepcastError } from '../../domain/errors';

/** Nothing of the request had been sent when these happened. */
const BEFORE_SENDING: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EADDRNOTAVAIL',
  'UND_ERR_CONNECT_TIMEOUT',
]);

const SILENT: ReadonlySet<string> = new Set(['UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT']);

/** The worker's own disk or descriptors. */
const OF_THE_WORKER: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT', 'EIO', 'EROFS', 'EMFILE', 'ENFILE']);

/** Asking again for these does no harm. */
const REPEATABLE: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE']);

interface Trouble {
  readonly message: string;
  readonly code?: string;
  readonly cause?: unknown;
  readonly errors?: readonly unknown[];
}

/** A connection's own error, also where several addresses were tried, or a library has wrapped it. */
function rootOf(error: unknown): Trouble {
  if (error instanceof StepcastError) return error;
  const trouble = asTrouble(error);
  const inner = trouble.errors?.[0] ?? trouble.cause;
  return inner === undefined ? trouble : rootOf(inner);
}

const asTrouble = (error: unknown): Trouble =>
  typeof error === 'object' && error !== null && 'message' in error
    ? (error as Trouble)
    : { message: messageOf(error) };

/** The failure that a caught error stands for; `where` names the service. */
export function failureOf(
  error: unknown,
  { method, where, idleSeconds }: { readonly method: string; readonly where: string; readonly idleSeconds: number },
): NonNullable<CommandExit['failure']> {
  const root = rootOf(error);
  if (root instanceof StepcastError) {
    const { code, message } = root;
    if (code === 'FORBIDDEN' || code === 'INVALID_DEFINITION') return { kind: 'NOT_STARTED', message };
    if (code === 'BAD_INPUT' || code === 'LIMIT_EXCEEDED') return { kind: 'BAD_OUTPUT', message };
    return { kind: 'MACHINE', message };
  }
  const code = root.code ?? '';
  if (SILENT.has(code)) {
    const message = `${where} sent nothing for ${idleSeconds} seconds. Raise idle-timeout if it needs longer.`;
    return { kind: 'TIMEOUT', message };
  }
  if (isPacking(code))
    return { kind: 'BAD_OUTPUT', message: `${where} sent a body that cannot be unpacked: ${root.message}.` };
  const why = `${where} cannot be reached: ${root.message || code}.`;
  if (BEFORE_SENDING.has(code) || isCertificate(code)) return { kind: 'MACHINE', message: why };
  const broken = OF_THE_WORKER.has(code)
    ? `What ${where} answered could not be stored on this worker: ${root.message}.`
    : `The connection to ${where} broke: ${root.message || code}.`;
  if (REPEATABLE.has(method)) return { kind: 'MACHINE', message: broken };
  return { kind: 'LOST', message: `${broken} It may have done its work, in part or whole.` };
}

/** As zlib names what is wrong with packed bytes. */
const isPacking = (code: string): boolean => /^(Z_|ERR__ERROR_)/.test(code);

const isCertificate = (code: string): boolean => /CERT|TLS|SSL|UNABLE_TO|EPROTO/.test(code);
