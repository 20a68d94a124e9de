import fc from 'fast-check';
import { durationText, escaped, fitted, textWidth } from '../../src/drawing/text';

test('a text that is too wide is cut between what people see as characters', () => {
  expect(fitted('align', 200, 13)).toBe('align');
  const family = '👨‍👩‍👧‍👦';
  const cut = fitted(family.repeat(20), 100, 13);
  expect(cut).toMatch(/…$/);
  expect(cut.slice(0, -1).replaceAll(family, '')).toBe('');
});

test('a cut text fits, whatever it is', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.integer({ min: 20, max: 300 }), (text, width) => {
      expect(textWidth(fitted(text, width, 13), 13)).toBeLessThanOrEqual(width);
    }),
  );
});

test('wide scripts and bold letters take more room', () => {
  expect(textWidth('漢字漢字', 13)).toBeGreaterThan(textWidth('abcd', 13));
  expect(textWidth('abcd', 13, true)).toBeGreaterThan(textWidth('abcd', 13));
});

test('signs of XML are written as such, and what XML has no place for is replaced', () => {
  expect(escaped(`<a href="x">&'</a>`)).toBe('&lt;a href=&quot;x&quot;&gt;&amp;&#39;&lt;/a&gt;');
  expect(escaped('a\u0007b\ud83dc\u202ed\uffffe')).toBe('a\ufffdb\ufffdc\ufffdd\ufffde');
});

test.each([
  [0, '0.0 s'],
  [449, '0.4 s'],
  [9_940, '9.9 s'],
  [9_960, '10 s'],
  [59_600, '1 min'],
  [185_000, '3 min 5 s'],
  [7_800_000, '2 h 10 min'],
  [349_200_000, '4 d 1 h'],
  [86_400_000, '1 d'],
  [-5, '0.0 s'],
])('%d ms are told as %s', (ms, text) => {
  expect(durationText(ms)).toBe(text);
});
