/**
 * How definitions are named in the GraphQL schema. One place, so that the schema, the ready examples and the generated
 * clients agree. Definition names follow NAME_PATTERN (a letter, then letters, digits, `-`, `_`); enum symbols are any text.
 */

/** Two or more sources that ask for the same GraphQL name. */
export interface NameCollision {
  readonly name: string;
  readonly sources: readonly string[];
}

/** Names by source. They are unique even where sources collide: the caller decides whether a collision is an error. */
export interface UniqueNames {
  readonly names: ReadonlyMap<string, string>;
  readonly collisions: readonly NameCollision[];
}

/** `word-count` gives `WordCount`. Capitals inside a word stay. */
export function pascalCase(name: string): string {
  return wordsOf(name).map(capitalized).join('');
}

/** `min-length` and `min_length` give `minLength`; `GC-content` gives `gcContent`. */
export function camelCase(name: string): string {
  const [first = '', ...rest] = wordsOf(name);
  const lowered = first.replace(/^[A-Z]+(?![a-z])|^[A-Z]/, (capitals) => capitals.toLowerCase());
  return lowered + rest.map(capitalized).join('');
}

/** The mutation field of a Job: `word-count` gives `runWordCount`. */
export function mutationFieldName(job: { readonly name: string }): string {
  return `run${pascalCase(job.name)}`;
}

/** The input type of a Job's mutation field: `word-count` gives `RunWordCountInput`. */
export function inputTypeName(job: { readonly name: string }): string {
  return `Run${pascalCase(job.name)}Input`;
}

/**
 * An enum symbol as a GraphQL name. A symbol that is a valid name already stays as it is; `A/T` gives `A_T`, `1.5` gives
 * `_1_5`, `CD4+` gives `CD4_PLUS`. Different symbols may meet in one name: name a whole enum with `enumValueNames`.
 */
export function enumValueName(symbol: string): string {
  if (symbol === '') return 'EMPTY';
  if (RESERVED_VALUES.has(symbol)) return symbol.toUpperCase();
  const plain = symbol.normalize('NFKD').replace(/\p{Mark}/gu, '');
  const joined = plain.replace(/(?<=[A-Za-z0-9])[-. /:](?=[A-Za-z0-9])/g, '_');
  const tokens = joined.match(/[A-Za-z0-9_]+|[^A-Za-z0-9_]/gu) ?? ['EMPTY'];
  const name = tokens.map((token) => (/^[A-Za-z0-9_]/.test(token) ? token : spelled(token))).join('_');
  // GraphQL keeps names that begin with two underscores for itself.
  return (/^[0-9]/.test(name) ? `_${name}` : name).replace(/^_{2,}/, '_');
}

/** The names of all symbols of one enum, unique within it. */
export function enumValueNames(symbols: readonly string[]): UniqueNames {
  return uniqueNames(symbols, enumValueName);
}

/**
 * Names every source. Where sources collide, the one that is spelled like the name, else the first, keeps it; the others
 * get `_2`, `_3` … in order.
 */
export function uniqueNames(sources: readonly string[], nameOf: (source: string) => string): UniqueNames {
  const groups = new Map<string, string[]>();
  for (const source of new Set(sources)) {
    const name = nameOf(source);
    groups.set(name, [...(groups.get(name) ?? []), source]);
  }
  const taken = new Set(groups.keys());
  const names = new Map<string, string>();
  for (const [name, group] of groups) {
    const keeper = group.includes(name) ? name : group[0];
    for (const source of group) names.set(source, source === keeper ? name : freeName(name, taken));
  }
  const collisions = [...groups].flatMap(([name, group]) => (group.length > 1 ? [{ name, sources: group }] : []));
  return { names, collisions };
}

/** What GraphQL does not accept as an enum value. */
const RESERVED_VALUES: ReadonlySet<string> = new Set(['true', 'false', 'null']);

const SPELLINGS: Readonly<Record<string, string>> = {
  '+': 'PLUS',
  '-': 'MINUS',
  '*': 'STAR',
  '.': 'DOT',
  '/': 'SLASH',
  '%': 'PERCENT',
  '<': 'LESS',
  '>': 'GREATER',
  '=': 'EQUAL',
  '!': 'NOT',
  '?': 'UNKNOWN',
  ' ': 'SPACE',
};

function wordsOf(name: string): string[] {
  return name.split(/[^A-Za-z0-9]+/).filter((word) => word !== '');
}

function capitalized(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}

function spelled(character: string): string {
  return SPELLINGS[character] ?? `U${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;
}

function freeName(name: string, taken: Set<string>): string {
  let number = 2;
  while (taken.has(`${name}_${number}`)) number += 1;
  taken.add(`${name}_${number}`);
  return `${name}_${number}`;
}
