/** Activity cursors as opaque text. */
import { userError } from '../../src/domain/errors';
import type { ActivityCursor } from '../../src/store/statements/events';

/** What Postgres' xid8, bigint and int hold. */
const MAX_TX = 2n ** 64n - 1n;
const MAX_BIGINT = 2n ** 63n - 1n;
const MAX_INT = 2_147_483_647;

export function cursorText(cursor: ActivityCursor): string {
  return Buffer.from(`${cursor.tx}.${cursor.submissionId}.${cursor.seq}`).toString('base64url');
}

/** Throws BAD_INPUT on anything that no `cursorText` made. */
export function parseCursorText(text: string): ActivityCursor {
  const match = /^(\d{1,20})\.(\d{1,19})\.(\d{1,10})$/.exec(Buffer.from(text, 'base64url').toString('utf8'));
  const [, tx, submissionId, seq] = match ?? [];
  if (
    tx === undefined ||
    submissionId === undefined ||
    seq === undefined ||
    BigInt(tx) > MAX_TX ||
    BigInt(submissionId) > MAX_BIGINT ||
    Number(seq) > MAX_INT
  ) {
    throw userError('BAD_INPUT', 'after is no cursor of the activity stream.', ['after']);
  }
  return { tx, submissionId, seq: Number(seq) };
}
