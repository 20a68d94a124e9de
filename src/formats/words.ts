/** Splits a command line into words as a POSIX shell would, without running or expanding anything. */
import { parse } from 'shell-quote';
import { messageOf } from '../domain/errors';

/** A piece of a word: text, or the name of a macro that stood outside single quotes. */
export type WordPart = { readonly text: string } | { readonly macro: string };
export type Word = readonly WordPart[];

export type Words =
  | { readonly ok: true; readonly words: readonly Word[] }
  | { readonly ok: false; readonly message: string; readonly hint: string };

/** Longest command line or script, in characters. */
export const MAX_COMMAND_LENGTH = 100_000;

// Control characters that no command line holds: they mark macros while the library works.
const OPEN = '\u0001';
const CLOSE = '\u0002';
const MARKED = new RegExp(`${OPEN}([^${CLOSE}]*)${CLOSE}`);

const CONTROL = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/;

/** Quotes, backslashes and macros are read; whatever only a shell could do is refused with a way out. */
export function splitWords(text: string): Words {
  if (CONTROL.test(text)) return refused('the command holds a control character', 'Remove it.');
  if (text.length > MAX_COMMAND_LENGTH) {
    return refused('the command is too long', `At most ${MAX_COMMAND_LENGTH} characters; put a script into a file.`);
  }
  const scanned = scan(text.trim());
  if (!scanned.ok) return scanned;
  try {
    return fromEntries(parse(scanned.line, (key) => (key === '' ? '$' : `${OPEN}${key}${CLOSE}`)));
  } catch (thrown) {
    return refused(messageOf(thrown), "Put a literal $ into single quotes: '$'.");
  }
}

/** Words that were given one by one: only macros are read; `$$` is a dollar sign. */
export function wordOf(text: string): Word {
  const parts: WordPart[] = [];
  let rest = 0;
  for (const match of text.matchAll(/\$\$|\$\{([^{}]*)\}|\$([A-Za-z_][A-Za-z0-9_]*)/g)) {
    if (match.index > rest) parts.push({ text: text.slice(rest, match.index) });
    const macro = match[1] ?? match[2];
    parts.push(macro === undefined ? { text: '$' } : { macro });
    rest = match.index + match[0].length;
  }
  if (rest < text.length) parts.push({ text: text.slice(rest) });
  return merged(parts);
}

type Entry = ReturnType<typeof parse>[number];

function fromEntries(entries: readonly Entry[]): Words {
  const words: Word[] = [];
  for (const entry of entries) {
    if (typeof entry === 'string') words.push(marked(entry));
    else if ('comment' in entry) return refused("a word with '#' begins a comment", "Quote it: '#'.");
    else if ('pattern' in entry) return globRefused(String(entry.pattern));
    else return operatorRefused('op' in entry ? String(entry.op) : 'this');
  }
  return { ok: true, words };
}

function marked(word: string): Word {
  const parts = word
    .split(MARKED)
    .map((piece, index): WordPart => (index % 2 === 1 ? { macro: piece } : { text: piece }));
  return merged(parts.filter((part) => !('text' in part && part.text === '')));
}

/** No macro at all still makes a word: `''` is an empty argument. */
function merged(parts: readonly WordPart[]): Word {
  const joined: WordPart[] = [];
  for (const part of parts) {
    const last = joined.at(-1);
    if (last && 'text' in last && 'text' in part) joined[joined.length - 1] = { text: last.text + part.text };
    else joined.push(part);
  }
  return joined.length === 0 ? [{ text: '' }] : joined;
}

function globRefused(pattern: string): Words {
  const shown = pattern.replaceAll(OPEN, '$').replaceAll(CLOSE, '');
  return refused(
    `'${shown}' is a file name pattern, and no shell is there to expand it`,
    `Quote it to pass it on as it is: '${shown}'. For files, use an input port; or set 'shell: true'.`,
  );
}

function operatorRefused(operator: string): Words {
  const hints: Readonly<Record<string, string>> = {
    '>': "Name an output for it: 'stdout: \"*.txt\"'. Or set 'shell: true'.",
    '>>': "Name an output for it: 'stdout: \"*.txt\"'. Or set 'shell: true'.",
    '>&': "Standard error is in the log; 'stderr: \"*.txt\"' stores it. Or set 'shell: true'.",
    '<': "Name an input for it: 'stdin: $I1'. Or set 'shell: true'.",
    '|': "Make two tasks and link them, or set 'shell: true'.",
    '&&': "Make two tasks and link them, or set 'shell: true'.",
    ';': "Make two tasks and link them, or set 'shell: true'.",
    '(': "Set 'shell: true' for $( ) and ( ), or quote it.",
  };
  const hint = hints[operator] ?? "Set 'shell: true', or quote it.";
  return refused(
    `'${operator}' works only in a shell, and this command runs without one`,
    `${hint} Quoted, it is plain text: '${operator}'.`,
  );
}

type Scan = { readonly ok: true; readonly line: string } | Extract<Words, { ok: false }>;

/** What the library passes over in silence: open quotes, backquotes, line ends. */
function scan(text: string): Scan {
  let quote: '' | "'" | '"' | "$'" = '';
  let line = '';
  for (let at = 0; at < text.length; at += 1) {
    const character = text.charAt(at);
    const escapes = quote !== "'";
    if (character === '\\' && escapes) {
      at += 1;
      const next = text.charAt(at);
      if (next === '') return refused('the command ends with a backslash', 'Remove it.');
      // A backslash before a line end joins the lines. The library reads `\*` as a pattern, and `'*'` as text.
      if (next !== '\n') line += quote === '' && next !== "'" ? `'${next}'` : character + next;
      continue;
    }
    if (character === '`' && (quote === '' || quote === '"')) {
      return refused('backquotes work only in a shell', "Set 'shell: true', or put it into single quotes.");
    }
    if (character === '\n' && quote === '') {
      return refused(
        'the command has several lines, and no shell is there to run them one by one',
        "End a line with \\ to go on in the next, write 'command: >', or set 'shell: true'.",
      );
    }
    if (quote === '' && (character === "'" || character === '"')) {
      quote = character === "'" && text.charAt(at - 1) === '$' && text.charAt(at - 2) !== '\\' ? "$'" : character;
    } else if (quote !== '' && character === quote.at(-1)) quote = '';
    // A comment begins only where a word would; the library sees one inside of words too.
    line += character === '#' && quote === '' && /\S/.test(text.charAt(at - 1)) ? "'#'" : character;
  }
  if (quote !== '') return refused(`a ${quote.at(-1)} is opened and never closed`, 'Close the quote.');
  return { ok: true, line };
}

function refused(message: string, hint: string): Extract<Words, { ok: false }> {
  return { ok: false, message, hint };
}
