/** The settings of a Backend as callers may see them: without what only its engine may know. */

/** What stands in the place of a secret. */
export const SECRET = '***';

/** Words of the names of settings whose texts are secrets, such as `password`, `apiToken`, `Authorization`. */
const SECRET_NAMES = /pass|secret|token|credential|authorization|api-?key|access-?key|private-?key|cookie/i;

/** The password of an address such as `postgresql://user:password@host/db`. */
const ADDRESS_PASSWORD = /([a-z][a-z0-9+.-]*:\/\/[^\s/?#:@]*:)[^\s/?#]*@/gi;
/** A secret among the parameters of an address, or in a text such as `host=db password=secret`. */
const PARAMETER = /\b([\w-]*(?:pass|secret|token|credential|key)[\w-]*=)[^\s&;]+/gi;

/** Settings deeper than this are left out: no kind has any. */
const MAX_DEPTH = 20;

/** A copy in which secrets are `***`, wherever they stand. */
export function shownOptions(options: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(options).map(([name, value]) => [name, shown(name, value, MAX_DEPTH)]));
}

function shown(name: string, value: unknown, depth: number): unknown {
  if (value === null || value === undefined || typeof value === 'boolean' || typeof value === 'number') return value;
  // Where a secret is to be found is none itself.
  if (isReference(value)) return value;
  if (SECRET_NAMES.test(name) || depth === 0) return SECRET;
  if (typeof value === 'string') return shownText(value);
  // A list of `{ name: 'Authorization', value: '…' }` says in itself what it holds.
  if (Array.isArray(value)) return value.map((item: unknown) => shown(name, item, depth - 1));
  const { name: told } = value as { name?: unknown };
  const named = typeof told === 'string' && SECRET_NAMES.test(told);
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, named && key === 'value' ? SECRET : shown(key, item, depth - 1)]),
  );
}

/** `{ env: 'MODELS_TOKEN', prefix: 'Bearer ' }`: the worker's environment holds it. */
function isReference(value: unknown): boolean {
  const keys = typeof value === 'object' ? Object.keys(value ?? {}) : [];
  return keys.includes('env') && keys.every((key) => key === 'env' || key === 'prefix') && isText(value, 'env');
}

const isText = (value: unknown, key: string): boolean => typeof (value as Record<string, unknown>)[key] === 'string';

const shownText = (text: string): string =>
  text.replace(ADDRESS_PASSWORD, `$1${SECRET}@`).replace(PARAMETER, `$1${SECRET}`);
