/** Building blocks of the written forms: what every schema of a definition shares. */
import { z } from 'zod';
import { camelCase } from '../../domain/naming';
import { NAME_PATTERN } from '../../domain/definitions';

/** A strict object. Keys are written `like-this`; `likeThis` is read too, for the GraphQL door. */
export function form<Shape extends z.core.$ZodLooseShape>(shape: Shape) {
  const spellings = new Map(Object.keys(shape).map((key) => [camelCase(key), key]));
  const knownKeys = Object.keys(shape).join(' ');
  const strict = z.strictObject(shape, {
    error: (issue) => (issue.code === 'unrecognized_keys' ? knownKeys : undefined),
  });
  return z.preprocess((value) => (isPlainObject(value) ? respelled(value, spellings) : value), strict);
}

/**
 * Picks the schema by looking at the value, so that a problem is told in the words of the form that was meant, and not
 * as a union of everything that would have been possible.
 */
export function choose<T>(pick: (value: unknown) => z.ZodType<T>): z.ZodType<T> {
  return z.unknown().transform((value, context): T => {
    const result = pick(value).safeParse(value);
    if (result.success) return result.data;
    return passOn(context, result.error);
  });
}

/** Reports what an inner schema found, at the place that `place` gives. */
export function passOn(
  context: z.RefinementCtx,
  error: z.ZodError,
  place: (path: PropertyKey[]) => PropertyKey[] = (path) => path,
): never {
  for (const issue of error.issues) {
    context.issues.push({ ...issue, path: [...place(issue.path)], input: undefined });
  }
  return z.NEVER;
}

export const nameForm = z.string().regex(NAME_PATTERN, {
  error: 'is not a name: a letter, then at most 62 letters, digits, - or _',
});

export interface Named<T> {
  readonly name: string;
  readonly value: T;
  /** The key or index under which it was written. */
  readonly key: string | number;
}

/** Named things, in order: a map from name to form, or a list of forms that carry their `name`. */
export function named<T>(schema: z.ZodType<T>): z.ZodType<Named<T>[]> {
  const map: z.ZodType<Named<T>[]> = z
    .record(nameForm, schema)
    .transform((entries) => Object.entries(entries).map(([name, value]) => ({ name, value, key: name })));
  const item = z.unknown().transform((value, context): { name: string; value: T } => {
    const { name, ...rest } = isPlainObject(value) ? value : { name: undefined };
    const result = z.object({ name: nameForm, value: schema }).safeParse({ name, value: rest });
    if (result.success) return result.data;
    return passOn(context, result.error, (path) => (path[0] === 'value' ? path.slice(1) : path));
  });
  const list: z.ZodType<Named<T>[]> = z
    .array(item)
    .transform((items) => items.map((entry, key) => ({ ...entry, key })));
  return choose<Named<T>[]>((value) => (Array.isArray(value) ? list : map));
}

/** One thing or a list of them. */
export function oneOrMany<T>(schema: z.ZodType<T>): z.ZodType<T[]> {
  const one = schema.transform((value) => [value]);
  return choose((value) => (Array.isArray(value) ? z.array(schema) : one));
}

export function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function respelled(value: Record<string, unknown>, spellings: ReadonlyMap<string, string>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(value).map(([key, part]) => {
      const spelling = spellings.get(key);
      return [spelling !== undefined && !(spelling in value) ? spelling : key, part];
    }),
  );
}
