/** Data as a caller gives it, turned into stored content: files, and folders of files, wherever they stand in a value. */
import type { DirectoryValue, FileValue, RecordField, Value, ValueType } from '../domain/values';
import { requiredType } from '../domain/values';
import type { UserError } from '../domain/errors';
import { directoryForm, fileForm, looksLikeDirectory, looksLikeFile } from './fileForms';
import { insideHeld } from './heldValue';
import { readFile, type FileContext } from './readFile';

const MAX_DEPTH = 16;
/** Files and folders in one folder that a caller gives, at any depth. */
export const MAX_DIRECTORY_ENTRIES = 10_000;

/**
 * Replaces every file and folder inside `raw`, where `type` wants or allows one. What is wrong is collected in `errors`;
 * what is neither stays for `checkValue`.
 */
export async function readFiles(
  context: FileContext,
  type: ValueType,
  raw: unknown,
  field: readonly string[],
  errors: UserError[],
): Promise<unknown> {
  const refuse = (code: UserError['code'], message: string, at: readonly string[]): null => {
    errors.push({ code, message, field: at });
    return null;
  };

  const read = async (inner: ValueType, value: unknown, at: readonly string[], depth: number): Promise<unknown> => {
    if (value === null || value === undefined || depth > MAX_DEPTH) return value ?? null;
    const held = insideHeld(value);
    if (held !== undefined) return held;
    const wanted = requiredType(inner);
    switch (wanted.kind) {
      case 'File':
        return file(value, at);
      case 'Directory':
        return directory(value, at, depth, { entries: 0 });
      case 'array':
        return Array.isArray(value) ? list(wanted.items, value, at, depth) : value;
      case 'record':
        return isObject(value) ? fields(wanted.fields, value, at, depth) : value;
      case 'union':
        return read(memberFor(wanted.types, value), value, at, depth + 1);
      case 'Any':
        if (hasClass(value, 'File')) return file(value, at);
        if (hasClass(value, 'Directory')) return directory(value, at, depth, { entries: 0 });
        if (Array.isArray(value)) return list(wanted, value, at, depth);
        return isObject(value) ? fields([], value, at, depth) : value;
      default:
        return value;
    }
  };

  async function list(items: ValueType, values: readonly unknown[], at: readonly string[], depth: number) {
    const done: unknown[] = [];
    for (const [index, item] of values.entries()) done.push(await read(items, item, [...at, String(index)], depth + 1));
    return done;
  }

  /** Fields that the type does not name may hold anything. */
  async function fields(known: readonly RecordField[], value: object, at: readonly string[], depth: number) {
    const done: [string, unknown][] = [];
    for (const [name, part] of Object.entries(value)) {
      const type = known.find((one) => one.name === name)?.type ?? { kind: 'Any' };
      done.push([name, await read(type, part, [...at, name], depth + 1)]);
    }
    return Object.fromEntries(done);
  }

  async function file(value: unknown, at: readonly string[]): Promise<Value> {
    const parsed = fileForm.safeParse(value);
    if (!parsed.success) {
      const reason = parsed.error.issues[0]?.message ?? 'not understood';
      const message = `A file is {text: "…"}, {upload: "id"} or {result: "id"}, with an optional name and secondaryFiles: ${reason}.`;
      return refuse('BAD_INPUT', message, at);
    }
    return readFile(context, parsed.data, at, errors);
  }

  async function directory(
    value: unknown,
    at: readonly string[],
    depth: number,
    count: { entries: number },
  ): Promise<DirectoryValue | null> {
    const parsed = directoryForm.safeParse(value);
    if (!parsed.success) {
      const reason = parsed.error.issues[0]?.message ?? 'not understood';
      return refuse('BAD_INPUT', `A folder is {name: "…", files: […], directories: […]}: ${reason}.`, at);
    }
    if (depth > MAX_DEPTH) return refuse('LIMIT_EXCEEDED', `Folders nest at most ${MAX_DEPTH} levels deep.`, at);
    const { name, files, directories } = parsed.data;
    count.entries += (files?.length ?? 0) + (directories?.length ?? 0);
    if (count.entries > MAX_DIRECTORY_ENTRIES) {
      return refuse('LIMIT_EXCEEDED', `A folder holds at most ${MAX_DIRECTORY_ENTRIES} files and folders.`, at);
    }
    const entries: (FileValue | DirectoryValue)[] = [];
    for (const [index, one] of (files ?? []).entries()) {
      const entry = await readFile(context, one, [...at, 'files', String(index)], errors);
      if (entry) entries.push(entry);
    }
    for (const [index, one] of (directories ?? []).entries()) {
      const entry = await directory(one, [...at, 'directories', String(index)], depth + 1, count);
      if (entry) entries.push(entry);
    }
    return { class: 'Directory', name: name ?? at.at(-1) ?? 'folder', entries };
  }

  return read(type, raw, field, 0);
}

/** Of several types the one that the value is meant for, as far as its shape tells. */
function memberFor(types: readonly ValueType[], value: unknown): ValueType {
  const of = (kind: ValueType['kind']): ValueType | undefined => types.find((type) => type.kind === kind);
  const rest = of('Any') ?? { kind: 'null' };
  if (Array.isArray(value)) return of('array') ?? rest;
  if (!isObject(value)) return { kind: 'null' };
  if (hasClass(value, 'File') || (of('File') && looksLikeFile(value))) return { kind: 'File' };
  if (hasClass(value, 'Directory') || (of('Directory') && looksLikeDirectory(value))) return { kind: 'Directory' };
  const record = types.find(
    (type) =>
      type.kind === 'record' && Object.keys(value).every((name) => type.fields.some((one) => one.name === name)),
  );
  return record ?? of('record') ?? rest;
}

function hasClass(value: unknown, name: 'File' | 'Directory'): boolean {
  return isObject(value) && (value as { class?: unknown }).class === name;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
