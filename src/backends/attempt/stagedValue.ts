/** What stands for an input in the command once its files are in place. */
import type { InputPort } from '../../domain/definitions';
import { StepcastError } from '../../domain/errors';
import { missingSecondaryFiles } from '../../domain/secondaryFiles';
import {
  isDirectoryValue,
  isFileValue,
  mainFilesIn,
  type DirectoryValue,
  type FileValue,
  type Value,
} from '../../domain/values';

/** Puts one file or folder in place and tells where. */
type Place = (entry: FileValue | DirectoryValue) => Promise<string>;

/**
 * A path for a File or Directory, a list of paths for a list of them. Data with files somewhere inside is JSON, in which
 * each has its `path`: one text, or one for each item of a list. Nothing for a value without files.
 */
export async function placeValue(value: Value | undefined, place: Place): Promise<string | string[] | undefined> {
  if (value === undefined || value === null) return undefined;
  if (isFileValue(value) || isDirectoryValue(value)) return place(value);
  if (isList(value)) {
    if (value.length === 0) return [];
    if (!value.some(holdsEntries)) return undefined;
    if (value.every(isOfFiles)) return placeList(value, place);
    const texts: string[] = [];
    for (const item of value) texts.push(JSON.stringify(await withPaths(item, place)));
    return texts;
  }
  return holdsEntries(value) ? JSON.stringify(await withPaths(value, place)) : undefined;
}

/** Throws BAD_INPUT, naming the first file that lacks one. */
export function requireSecondaryFiles({ name, secondaryFiles = [] }: InputPort, value: Value | undefined): void {
  if (secondaryFiles.length === 0) return;
  for (const file of mainFilesIn(value)) {
    const missing = missingSecondaryFiles(file, secondaryFiles);
    if (missing.length === 0) continue;
    const names = missing.map((one) => `\`${one}\``).join(' and ');
    throw new StepcastError(
      'BAD_INPUT',
      `Input \`${name}\` needs ${names} beside \`${file.name}\`. Declare it where the file comes from: secondary.`,
    );
  }
}

async function placeList(values: readonly Value[], place: Place): Promise<string[]> {
  const paths: string[] = [];
  for (const item of values) {
    if (isFileValue(item) || isDirectoryValue(item)) paths.push(await place(item));
    else if (isList(item)) paths.push(...(await placeList(item, place)));
  }
  return paths;
}

async function withPaths(value: Value, place: Place): Promise<Value> {
  if (value === null || typeof value !== 'object') return value;
  if (isFileValue(value)) return { ...value, path: await place(value) };
  if (isDirectoryValue(value)) return { class: 'Directory', name: value.name, path: await place(value) };
  if (isList(value)) {
    const items: Value[] = [];
    for (const item of value) items.push(await withPaths(item, place));
    return items;
  }
  const fields: [string, Value][] = [];
  for (const [name, part] of Object.entries(value)) fields.push([name, await withPaths(part, place)]);
  return Object.fromEntries(fields);
}

/** Files, folders, missing ones, and lists of these. */
function isOfFiles(value: Value): boolean {
  return value === null || isFileValue(value) || isDirectoryValue(value) || (isList(value) && value.every(isOfFiles));
}

function holdsEntries(value: Value): boolean {
  if (value === null || typeof value !== 'object') return false;
  return (
    isFileValue(value) || isDirectoryValue(value) || Object.values(value).some((part: Value) => holdsEntries(part))
  );
}

function isList(value: Value): value is readonly Value[] {
  return Array.isArray(value);
}
