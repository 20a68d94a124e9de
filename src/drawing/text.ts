/** Text in a drawing: how wide it is, how it is cut, and how it is written into SVG. Pure; no font is at hand. */

/** Widths of characters in ems, of the widest of the usual sans-serif fonts, so that boxes are rather too wide. */
const NARROW = new Set("ijl|!.,:;'`I[]()/\\");
const SLIM = new Set('frt-"{}*^ ');
const WIDE = new Set('mwMW@%&…—');
const EM = { narrow: 0.34, slim: 0.44, wide: 0.98, capital: 0.74, usual: 0.61, full: 1.05 } as const;
/** From here on, scripts have characters as wide as the font is high. */
const FIRST_FULL_WIDTH = 0x1100;
const BOLD = 1.07;

/** How wide a line is at most likely to be, in pixels. */
export function textWidth(text: string, size: number, bold = false): number {
  const ems = [...text].reduce((sum, character) => sum + emsOf(character), 0);
  return Math.ceil(ems * size * (bold ? BOLD : 1));
}

function emsOf(character: string): number {
  if (NARROW.has(character)) return EM.narrow;
  if (SLIM.has(character)) return EM.slim;
  if (WIDE.has(character)) return EM.wide;
  if ((character.codePointAt(0) ?? 0) >= FIRST_FULL_WIDTH) return EM.full;
  return /\p{Lu}/u.test(character) ? EM.capital : EM.usual;
}

const CHARACTERS = new Intl.Segmenter('en', { granularity: 'grapheme' });

/** The text if it fits into the width, else its beginning with `…`. Only what people see as one character is cut off. */
export function fitted(text: string, width: number, size: number, bold = false): string {
  const plain = printable(text);
  if (textWidth(plain, size, bold) <= width) return plain;
  let kept = '';
  for (const { segment } of CHARACTERS.segment(plain)) {
    if (textWidth(`${kept}${segment}…`, size, bold) > width) break;
    kept += segment;
  }
  return `${kept}…`;
}

/** What XML has no place for, and marks that turn the direction of the text around them. */
const UNPRINTABLE = /[\p{Cc}\p{Cs}\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069\ufffe\uffff]/gu;
/** Marks above and below: more of them than any script needs run out of the line. */
const STACKED = /(\p{M}{3})\p{M}+/gu;

function printable(text: string): string {
  return text.replace(UNPRINTABLE, '\ufffd').replace(STACKED, '$1');
}

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** The text as XML holds it, in an element or in an attribute. */
export function escaped(text: string): string {
  return printable(text).replace(/[&<>"']/g, (character) => ESCAPES[character] ?? '');
}

/** A time of milliseconds in at most two units: `0.4 s`, `12 s`, `3 min 5 s`, `2 h 10 min`, `4 d 1 h`. */
export function durationText(ms: number): string {
  const seconds = Math.max(0, ms) / 1_000;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  const units = [
    { name: 'd', value: Math.floor(whole / 86_400) },
    { name: 'h', value: Math.floor(whole / 3_600) % 24 },
    { name: 'min', value: Math.floor(whole / 60) % 60 },
    { name: 's', value: whole % 60 },
  ];
  const first = units.findIndex(({ value }) => value > 0);
  return units
    .slice(first, first + 2)
    .filter(({ value }) => value > 0)
    .map(({ name, value }) => `${value} ${name}`)
    .join(' ');
}

/** A number for a coordinate: no more digits than the eye can tell. */
export function coordinate(value: number): string {
  return String(Math.round(value * 10) / 10);
}
