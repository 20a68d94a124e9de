/** Reads YAML documents as plain data, and remembers where everything stood. */
import { LineCounter, isAlias, isMap, isNode, isScalar, isSeq, parseAllDocuments } from 'yaml';
import type { Document, Node } from 'yaml';
import { messageOf } from '../domain/errors';
import { camelCase } from '../domain/naming';
import type { Path } from './problem';

/** The largest file of definitions, in bytes. */
export const MAX_FILE_BYTES = 1024 * 1024;
/** The most documents in one file. */
const MAX_DOCUMENTS = 1000;
/** How many nodes all aliases of a document may stand for. */
const MAX_ALIASES = 1000;
/** A file with more faults than this tells the first ones. */
const MAX_ERRORS = 20;

/** Counted from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

export interface YamlDocument {
  readonly value: unknown;
  /** Where the value at the path stands, or the nearest thing around it that exists. */
  locate(path: Path, what?: 'key' | 'value'): Position;
}

export type YamlSource =
  | { readonly ok: true; readonly documents: readonly YamlDocument[] }
  | { readonly ok: false; readonly problems: readonly (Position & { message: string; hint: string })[] };

/** The documents of a file that hold anything. */
export function readYaml(text: string): YamlSource {
  const start = { line: 1, column: 1 };
  if (Buffer.byteLength(text) > MAX_FILE_BYTES) {
    return failed(
      start,
      `the file has more than ${MAX_FILE_BYTES} bytes`,
      'Spread the definitions over several files.',
    );
  }
  const counter = new LineCounter();
  try {
    const parsed = parseAllDocuments(text, { lineCounter: counter, prettyErrors: false, uniqueKeys: true });
    const documents = 'empty' in parsed ? [] : parsed;
    if (documents.length > MAX_DOCUMENTS)
      return failed(start, `the file has more than ${MAX_DOCUMENTS} documents`, 'Spread them over several files.');
    const errors = documents.flatMap((document) => document.errors).slice(0, MAX_ERRORS);
    if (errors.some(({ message }) => message.includes('call stack'))) throw new RangeError('it is nested too deeply');
    if (errors.length > 0) {
      const problems = errors.map((error) => ({
        ...positionAt(counter, error.pos[0]),
        message: `not valid YAML: ${error.message}`,
        hint: HINTS[error.code] ?? 'Check the indentation, and quote texts that hold : # { } [ ] & * ! | > % or @.',
      }));
      return { ok: false, problems };
    }
    return {
      ok: true,
      documents: documents.filter(({ contents }) => contents !== null).map((document) => reader(document, counter)),
    };
  } catch (thrown) {
    const hint = 'Use fewer aliases (*name) and less nesting.';
    return failed(start, `the file cannot be read: ${messageOf(thrown)}`, hint);
  }
}

const HINTS: Readonly<Record<string, string>> = {
  DUPLICATE_KEY: 'Remove one of the two, or begin the next definition with a line of ---.',
  TAB_AS_INDENT: 'Indent by spaces.',
  BAD_INDENT: 'Indent keys of one map by the same number of spaces.',
};

function failed(at: Position, message: string, hint: string): YamlSource {
  return { ok: false, problems: [{ ...at, message, hint }] };
}

function reader(document: Document.Parsed, counter: LineCounter): YamlDocument {
  const value: unknown = document.toJS({ maxAliasCount: MAX_ALIASES });
  return { value, locate: (path, what = 'value') => positionAt(counter, offsetOf(document, path, what)) };
}

function positionAt(counter: LineCounter, offset: number): Position {
  const { line, col } = counter.linePos(offset);
  return { line: Math.max(1, line), column: Math.max(1, col) };
}

/** A value stands where it begins; a map or list where its key is, and so does the place of something missing. */
function offsetOf(document: Document.Parsed, path: Path, what: 'key' | 'value'): number {
  let node: unknown = document.contents;
  let found = startOf(node) ?? 0;
  for (const [depth, part] of path.entries()) {
    if (isAlias(node)) node = node.resolve(document);
    const isLast = depth === path.length - 1;
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => isKey(key, part));
      if (!pair) return found;
      const atKey = startOf(pair.key) ?? found;
      const isWritten = isScalar(pair.value) && pair.value.value !== null;
      found = isWritten && !(isLast && what === 'key') ? (startOf(pair.value) ?? atKey) : atKey;
      node = pair.value;
    } else if (isSeq(node)) {
      const item: unknown = typeof part === 'number' ? node.items[part] : undefined;
      if (item === undefined) return found;
      found = startOf(item) ?? found;
      node = item;
    } else return found;
  }
  return found;
}

function isKey(key: unknown, part: string | number): boolean {
  const written = isScalar(key) ? String(key.value) : String(key);
  return written === String(part) || written === camelCase(String(part));
}

function startOf(node: unknown): number | undefined {
  return isNode(node) ? (node as Node).range?.[0] : undefined;
}
