import fc from 'fast-check';
import { joinPieces, wholeCharacters } from '../../workers/logPieces';

const text = fc.string({ unit: fc.constantFrom('a', '\n', 'ä', '€', '漢', '😀'), maxLength: 60 });
/** The bytes in pieces of the given lengths. */
const pieces = (bytes: Buffer, lengths: readonly number[]): Buffer[] => {
  const found: Buffer[] = [];
  let at = 0;
  for (const length of lengths) {
    found.push(bytes.subarray(at, at + length));
    at += length;
  }
  return [...found, bytes.subarray(at)];
};
const isWhole = (bytes: Buffer): boolean => Buffer.from(bytes.toString('utf8')).equals(bytes);

test('text that comes in any pieces leaves in whole characters, nothing lost', () => {
  fc.assert(
    fc.property(text, fc.array(fc.nat({ max: 7 })), (written, lengths) => {
      const whole = wholeCharacters();
      const taken = [...pieces(Buffer.from(written), lengths).map((piece) => whole.take(piece)), whole.rest()];
      expect(Buffer.concat(taken).toString()).toBe(written);
      expect(taken.every(isWhole)).toBe(true);
    }),
  );
});

test('bytes that are no text are kept as they are, and no more than three wait', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 12 })), (parts) => {
      const whole = wholeCharacters();
      const all = Buffer.concat(parts);
      let size = 0;
      const taken = parts.map((part) => {
        const one = whole.take(Buffer.from(part));
        size += part.length - one.length;
        expect(size).toBeLessThanOrEqual(3);
        return one;
      });
      expect(Buffer.concat([...taken, whole.rest()])).toEqual(all);
    }),
  );
});

test('the reader may use its buffer again at once', () => {
  const buffer = Buffer.from('abc');
  const taken = wholeCharacters().take(buffer);
  buffer.fill('x');
  expect(taken.toString()).toBe('abc');
});

test('rows are no larger than allowed, cut no character, and keep the order of the streams', () => {
  const piece = fc.record({ stream: fc.constantFrom('stdout' as const, 'stderr' as const), data: text });
  fc.assert(
    fc.property(fc.array(piece), fc.integer({ min: 4, max: 30 }), (written, max) => {
      const rows = joinPieces(
        written.map(({ stream, data }) => ({ stream, data: Buffer.from(data) })),
        max,
      );
      expect(rows.every(({ data }) => data.length > 0 && data.length <= max && isWhole(data))).toBe(true);
      const spoken = (list: readonly { stream: string; data: string | Buffer }[]): string =>
        list
          .map(({ stream, data }) => [...data.toString()].map((character) => stream.slice(3, 4) + character).join(''))
          .join('');
      expect(spoken(rows)).toBe(spoken(written));
    }),
  );
});

test('bytes that are no text are cut anywhere, and end', () => {
  const rows = joinPieces([{ stream: 'stdout', data: Buffer.alloc(100, 0x80) }], 7);
  expect(Buffer.concat(rows.map((row) => row.data))).toEqual(Buffer.alloc(100, 0x80));
});
