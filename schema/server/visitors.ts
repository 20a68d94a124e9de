/**
 * Who may talk to the server at all. While it has no keys it serves this machine only, and a page of another site, open
 * in a browser on this machine, is not this machine: its Origin and the Host it was tricked into are refused.
 */
import type { IncomingMessage } from 'node:http';

export interface VisitorRules {
  /** Whether the server listens on loopback only. */
  readonly loopbackOnly: boolean;
  /** Where it is reached, such as `http://127.0.0.1:4000`. */
  readonly publicUrl: string;
  /** Web origins whose pages may call it; `*` lets every one. */
  readonly allowedOrigins: readonly string[];
}

/** Why the request is refused, in a sentence; null when it is not. */
export function refusalOf(request: Pick<IncomingMessage, 'headers'>, rules: VisitorRules): string | null {
  const host = hostOf(`http://${request.headers.host ?? ''}`);
  const own = hostOf(rules.publicUrl);
  if (rules.loopbackOnly && host !== own && !isLoopback(host)) {
    return 'This server answers on this machine only, under localhost or 127.0.0.1.';
  }
  const { origin } = request.headers;
  if (origin === undefined || rules.allowedOrigins.includes('*') || rules.allowedOrigins.includes(origin)) return null;
  const sameOrigin = URL.canParse(origin) && new URL(origin).host === request.headers.host;
  if (sameOrigin) return null;
  return `Pages of ${origin.slice(0, 100)} may not call this server. Its operator can allow them with STEPCAST_ALLOWED_ORIGINS.`;
}

/** Whether pages of the origin may read the answer. */
export function allowedOrigin(request: Pick<IncomingMessage, 'headers'>, rules: VisitorRules): string | null {
  const { origin } = request.headers;
  if (origin === undefined) return null;
  return rules.allowedOrigins.includes('*') || rules.allowedOrigins.includes(origin) ? origin : null;
}

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host === '[::1]' || /^127(\.\d{1,3}){3}$/.test(host);
}

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).hostname : '';
}
