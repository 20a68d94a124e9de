/** Text as every store and wire can hold it. */

/** NUL and halves of a surrogate pair, which no UTF-8 text has and Postgres refuses. */
const UNSTORABLE = /[\0\p{Cs}]/u;

/** True when the text can be stored as it is. */
export function isStorable(text: string): boolean {
  return !UNSTORABLE.test(text);
}

/** The text with `�` for what cannot be stored. For messages; data is refused instead of changed. */
export function storableText(text: string): string {
  return text.replace(new RegExp(UNSTORABLE, 'gu'), '\ufffd');
}
