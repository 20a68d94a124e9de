/** Signatures of webhook calls: HMAC-SHA256 over the time of the call, a dot, and the body as it is sent. */
import { createHmac, timingSafeEqual } from 'node:crypto';

/** A call is refused when it says that it was signed longer ago, or so far ahead of our clock. */
export const HOOK_WINDOW_SECONDS = 300;

export type HookRefusal = 'unsigned' | 'stale' | 'forged';

export interface HookCall {
  /** `Stepcast-Timestamp`: seconds since 1970. */
  readonly timestamp: string | undefined;
  /** `Stepcast-Signature`: `sha256=` and 64 hex digits. */
  readonly signature: string | undefined;
  readonly body: Buffer;
}

/** The value of `Stepcast-Signature`. */
export function hookSignature(secret: string, timestamp: string, body: Buffer): string {
  return `sha256=${createHmac('sha256', secret).update(`${timestamp}.`).update(body).digest('hex')}`;
}

/** Why a call is refused; null when one of the secrets signed it just now. `now` is milliseconds. */
export function hookRefusal(call: HookCall, secrets: readonly string[], now: number): HookRefusal | null {
  const { timestamp = '', signature = '', body } = call;
  if (!/^\d{1,12}$/.test(timestamp) || !/^sha256=[0-9a-f]{64}$/.test(signature)) return 'unsigned';
  // Each secret is tried: how long it takes tells nothing of them.
  const matching = secrets.filter((secret) => isSame(hookSignature(secret, timestamp, body), signature));
  if (matching.length === 0) return 'forged';
  return Math.abs(now / 1_000 - Number(timestamp)) > HOOK_WINDOW_SECONDS ? 'stale' : null;
}

function isSame(expected: string, given: string): boolean {
  const [left, right] = [Buffer.from(expected), Buffer.from(given)];
  return left.length === right.length && timingSafeEqual(left, right);
}
