/** Signed, expiring URL paths: whoever holds one may do one thing with one path until a moment. Pure. */
import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';

/** What a signed path allows. Each has a key of its own, so that a download URL never allows an upload. */
export type SignedAction = 'get' | 'put';

export interface PathToSign {
  readonly action: SignedAction;
  /** Decoded, without a query: `/files/<sha256>/my results.csv`. */
  readonly path: string;
  /** Counted in whole seconds, rounded up. */
  readonly expiresAt: Date;
}

export interface SignedPath {
  readonly action: SignedAction;
  /** Decoded, without the query. */
  readonly path: string;
  /** The query's values as they came: anything but the strings we issued is `tampered`. */
  readonly expires: unknown;
  readonly signature: unknown;
}

export type SignatureCheck =
  { readonly valid: true } | { readonly valid: false; readonly reason: 'expired' | 'tampered' };

/** The query that makes the path valid: `expires=…&signature=…`. */
export function signatureQuery(secret: string, { action, path, expiresAt }: PathToSign): string {
  const expires = String(Math.ceil(expiresAt.getTime() / 1000));
  return `expires=${expires}&signature=${signatureOf(secret, action, path, expires).toString('base64url')}`;
}

/** The path, encoded for a URL, with its query: `/files/<sha256>/my%20results.csv?expires=…&signature=…`. */
export function signPath(secret: string, toSign: PathToSign): string {
  const encoded = toSign.path.split('/').map(encodeURIComponent).join('/');
  return `${encoded}?${signatureQuery(secret, toSign)}`;
}

/** Checks in constant time. A changed path, action or time is `tampered`, also when it is past its time. */
export function verifySignedPath(secret: string, signed: SignedPath, now: Date = new Date()): SignatureCheck {
  const { action, path, expires, signature } = signed;
  if (typeof expires !== 'string' || !/^\d{1,12}$/.test(expires) || typeof signature !== 'string') {
    return { valid: false, reason: 'tampered' };
  }
  const expected = signatureOf(secret, action, path, expires);
  const given = Buffer.from(signature, 'base64url');
  if (given.length !== expected.length || !timingSafeEqual(given, expected))
    return { valid: false, reason: 'tampered' };
  return Number(expires) * 1000 > now.getTime() ? { valid: true } : { valid: false, reason: 'expired' };
}

function signatureOf(secret: string, action: SignedAction, path: string, expires: string): Buffer {
  const key = Buffer.from(hkdfSync('sha256', secret, '', `stepcast signed path: ${action}`, 32));
  return createHmac('sha256', key).update(`${expires}\n${path}`).digest();
}
