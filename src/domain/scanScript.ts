/**
 * Finds where a piece of JavaScript ends that stands in other text: at the bracket that closes it. It knows quotes,
 * comments, templates and regular expressions, so that a bracket inside of one does not count. The engine checks the rest.
 */

export type Scanned =
  | { readonly ok: true; readonly end: number }
  /** `unclosed` says what is open inside; without it, it is the script itself. */
  | { readonly ok: false; readonly unclosed?: string; readonly offset: number };

const CLOSER: Readonly<Record<string, string>> = { '(': ')', '[': ']', '{': '}' };
/** After one of these, or one of these words, a slash begins a regular expression; elsewhere it divides. */
const BEFORE_PATTERN = /(?:^|[([{,;:=!&|?+\-*%~^<>]|\b(?:return|typeof|case|in|of|void|delete))\s*$/;
/** How far back the two are looked for. */
const LOOK_BACK = 64;
const STRING = /'(?:[^'\\\n]|\\[\s\S])*'|"(?:[^"\\\n]|\\[\s\S])*"/y;
const COMMENT = /\/\/[^\n]*|\/\*[\s\S]*?\*\//y;
const PATTERN = /\/(?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\//y;
const TEMPLATE_TEXT = /(?:[^`\\$]|\\[\s\S]|\$(?!\{))*/y;

/** Where the script that begins at `start` is closed by `closer`: the offset of that bracket. */
export function endOfScript(text: string, start: number, closer: ')' | '}'): Scanned {
  /** What is waited for, innermost last; a back-quote stands for the text of a template. */
  const open: { readonly closer: string; readonly offset: number }[] = [{ closer, offset: start }];
  let at = start;
  for (;;) {
    const innermost = open.at(-1);
    if (!innermost) return { ok: true, end: at - 1 };
    if (innermost.closer === '`') {
      at = skip(TEMPLATE_TEXT, text, at);
      if (text[at] === '`') {
        open.pop();
        at += 1;
        continue;
      }
      if (at >= text.length) return unclosedAt(innermost, text);
      open.push({ closer: '}', offset: at });
      at += '${'.length;
      continue;
    }
    const character = text[at];
    if (character === undefined) return open.length === 1 ? { ok: false, offset: start } : unclosedAt(innermost, text);
    if (character === innermost.closer) {
      open.pop();
      at += 1;
    } else if (character === '`' || CLOSER[character] !== undefined) {
      open.push({ closer: CLOSER[character] ?? '`', offset: at });
      at += 1;
    } else if (')]}'.includes(character)) {
      const message = `'${character}' stands where '${innermost.closer}' is expected.`;
      return { ok: false, unclosed: message, offset: at };
    } else if (character === "'" || character === '"') {
      const end = skip(STRING, text, at);
      if (end === at) return unclosedAt({ closer: character, offset: at }, text);
      at = end;
    } else if (character === '/') {
      at = endOfSlash(text, start, at);
    } else {
      at += 1;
    }
  }
}

function endOfSlash(text: string, start: number, at: number): number {
  const comment = skip(COMMENT, text, at);
  if (comment > at) return comment;
  const isPattern = BEFORE_PATTERN.test(text.slice(Math.max(start, at - LOOK_BACK), at));
  return isPattern ? Math.max(skip(PATTERN, text, at), at + 1) : at + 1;
}

/** Behind the match of a sticky pattern, or where it was when there is none. */
function skip(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : at;
}

function unclosedAt(open: { readonly closer: string; readonly offset: number }, text: string): Scanned {
  return { ok: false, unclosed: `'${text[open.offset] ?? ''}' is never closed.`, offset: open.offset };
}
