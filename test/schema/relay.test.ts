import { pageOf, pageOfList, numericKey, toConnection } from '../../schema/relay/connection';
import { fromId, parseId, toId } from '../../schema/relay/ids';
import { cursorText, parseCursorText } from '../../schema/submissions/activityCursor';

const notFound = expect.objectContaining({ code: 'NOT_FOUND' }) as Error;
const badInput = expect.objectContaining({ code: 'BAD_INPUT' }) as Error;

const encoded = (text: string): string => Buffer.from(text).toString('base64url');

describe('ids', () => {
  it('lead back to what they were made of', () => {
    expect(parseId(toId('Job', 'word-count'))).toEqual({ type: 'Job', key: 'word-count' });
    expect(fromId('Submission', toId('Submission', '42'))).toBe('42');
  });
  it.each([
    '',
    '42',
    'x'.repeat(10_000),
    encoded('Submission'),
    encoded('Submission:'),
    encoded("Job:a'; drop"),
    '\0',
    '💥',
  ])('that are none are not found: %p', (id) => {
    expect(() => fromId('Submission', id)).toThrow(notFound);
  });
  it.each([toId('Job', '1'), toId('Submission', '1e3'), toId('Submission', '-1'), toId('Submission', '9'.repeat(19))])(
    'of another kind, or whose key is no number, are not found: %s',
    (id) => {
      expect(() => fromId('Submission', id)).toThrow(notFound);
    },
  );
});

describe('pages', () => {
  const letters = ['d', 'b', 'a', 'c'];
  const page = (first: number | null, after?: string | null) =>
    pageOfList(letters, { first, after }, 3, (letter) => letter);

  it('follow each other to the end', () => {
    const one = page(3);
    expect(one.nodes).toEqual(['a', 'b', 'c']);
    expect(one.pageInfo.hasNextPage).toBe(true);
    const two = page(3, one.pageInfo.endCursor);
    expect(two).toMatchObject({ nodes: ['d'], pageInfo: { hasNextPage: false } });
    expect(page(1, two.pageInfo.endCursor)).toMatchObject({ nodes: [], pageInfo: { endCursor: null } });
  });
  it('are never longer than the limit', () => {
    expect(page(null).nodes).toHaveLength(3);
    for (const first of [0, -1, 4]) expect(() => page(first)).toThrow(badInput);
  });
  it('begin behind a cursor of theirs only', () => {
    expect(() => pageOf({ after: 'garbage' }, 3)).toThrow(badInput);
    for (const key of ['abc', '-1', '1.5', '', '9'.repeat(19)]) expect(() => numericKey(key)).toThrow(badInput);
    expect(() => numericKey('3000000000', 2 ** 31 - 1)).toThrow(badInput);
    expect([numericKey('9'.repeat(18)), numericKey(null)]).toEqual(['9'.repeat(18), null]);
  });
  it('know from one row more that there is a next one', () => {
    const rows = toConnection([1, 2, 3], 2, String, (row) => row * 10);
    expect(rows).toMatchObject({ nodes: [10, 20], pageInfo: { hasNextPage: true } });
  });
});

describe('cursors of the activity', () => {
  it('lead back to what they were made of', () => {
    const cursor = { tx: '18446744073709551615', submissionId: '9223372036854775807', seq: 2_147_483_647 };
    expect(parseCursorText(cursorText(cursor))).toEqual(cursor);
  });
  it.each([
    '',
    'garbage',
    encoded('1.2'),
    encoded('1.2.x'),
    encoded('99999999999999999999.1.1'),
    encoded('1.9999999999999999999.1'),
    encoded('1.1.2147483648'),
  ])('that Postgres could not read are refused: %p', (text) => {
    expect(() => parseCursorText(text)).toThrow(badInput);
  });
});
