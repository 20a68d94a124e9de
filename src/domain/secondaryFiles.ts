/** Files that belong to another one, such as an index: what they are called, and which are missing. */
import type { FileValue } from './values';

/** A file that a port expects beside each of its Files. */
export interface SecondaryFile {
  /** `.fai`: put behind the name of the File. Each `^` in front first takes one extension off it: `^.dict`. */
  readonly pattern: string;
  /** It is an error when it is not there. */
  readonly required: boolean;
}

/** The written form: a pattern, and a `?` behind it when the file may be missing. Null when it can name no file. */
export function parseSecondaryFile(written: string): SecondaryFile | null {
  const required = !written.endsWith('?');
  const pattern = required ? written : written.slice(0, -1);
  return /^\^*[^/^\0]+$/.test(pattern) && pattern !== '.' ? { pattern, required } : null;
}

/** What the secondary file of a file is called. */
export function secondaryName(name: string, pattern: string): string {
  if (!pattern.startsWith('^')) return name + pattern;
  const dot = name.lastIndexOf('.');
  return secondaryName(dot > 0 ? name.slice(0, dot) : name, pattern.slice(1));
}

/** Names of the files that must be beside this one and are not. */
export function missingSecondaryFiles(file: FileValue, expected: readonly SecondaryFile[]): string[] {
  const present = new Set((file.secondaryFiles ?? []).map(({ name }) => name));
  return expected
    .filter(({ required }) => required)
    .map(({ pattern }) => secondaryName(file.name, pattern))
    .filter((name) => !present.has(name));
}
