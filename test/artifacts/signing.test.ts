import { signPath, verifySignedPath, type SignedAction } from '../../src/artifacts/signing';

const secret = 'a secret of some length';
const now = new Date('2026-01-01T12:00:00Z');
const later = new Date('2026-01-01T13:00:00Z');
const path = '/files/abc/my results & more.csv';

function query(url: string): { expires: unknown; signature: unknown } {
  return Object.fromEntries(new URL(url, 'http://x').searchParams) as { expires: unknown; signature: unknown };
}

describe('a signed path', () => {
  const url = signPath(secret, { action: 'get', path, expiresAt: later });
  const verify = (
    change: { action?: SignedAction; path?: string; expires?: unknown; signature?: unknown } = {},
    at = now,
  ) => verifySignedPath(secret, { action: 'get', path, ...query(url), ...change }, at);

  it('is encoded for a URL, and valid until its time', () => {
    expect(url).toMatch(/^\/files\/abc\/my%20results%20%26%20more\.csv\?expires=1767272400&signature=[\w-]{43}$/);
    expect(verify()).toEqual({ valid: true });
    expect(verify({}, new Date(later.getTime() - 1))).toEqual({ valid: true });
  });

  it('is expired from its time on', () => {
    expect(verify({}, later)).toEqual({ valid: false, reason: 'expired' });
  });

  it.each([
    ['another path', { path: '/files/abc/other.csv' }],
    ['another action', { action: 'put' as const }],
    ['a later time', { expires: '1999999999' }],
    ['a time that is no number', { expires: '1e99' }],
    ['no signature', { signature: undefined }],
    ['a list of signatures', { signature: ['a', 'b'] }],
    ['a short signature', { signature: 'abc' }],
    ['a changed signature', { signature: String(query(url).signature).replace(/^./, (c) => (c === 'A' ? 'B' : 'A')) }],
  ])('is tampered with %s', (_what, change) => {
    expect(verify(change)).toEqual({ valid: false, reason: 'tampered' });
  });

  it('is tampered under another secret', () => {
    expect(verifySignedPath('other', { action: 'get', path, ...query(url) }, now)).toEqual({
      valid: false,
      reason: 'tampered',
    });
  });

  it('says tampered, not expired, for a forged time in the past', () => {
    expect(verify({ expires: '1' })).toEqual({ valid: false, reason: 'tampered' });
  });
});
