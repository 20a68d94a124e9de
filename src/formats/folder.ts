/** Definition files in folders: all of them once, then every change as it happens. */
import { readFile, readdir, stat } from 'node:fs/promises';
import { basename, join, relative, resolve, sep } from 'node:path';
import { watch } from 'chokidar';
import { StepcastError, messageOf } from '../domain/errors';
import type { Source } from './parse';
import { isMissing, scriptPath, withScripts } from './readScripts';
import { MAX_SCRIPT_BYTES } from './scriptFiles';
import { MAX_FILE_BYTES } from './yamlSource';

/** The most definition files that all folders together may hold. */
export const MAX_FILES = 2000;
/** How deep folders are searched. */
const MAX_DEPTH = 8;
/** A file is read once it has been left alone this long. */
const SETTLE_MS = 100;

/** Data lies beside definitions and is none. */
const IGNORED_FOLDERS: ReadonlySet<string> = new Set(['data', 'node_modules']);

/** A file, or why it could not be read. */
export type DefinitionFile = Source | { readonly name: string; readonly error: string };

/** All `*.yaml` and `*.yml` files of the folders, in the order of their paths. Throws when there are too many, or no folder. */
export async function readDefinitions(dirs: readonly string[]): Promise<DefinitionFile[]> {
  const folderOf = new Map<string, string>();
  for (const dir of dirs) {
    const found: string[] = [];
    await collect(resolve(dir), 0, found);
    for (const file of found.sort()) if (!folderOf.has(file)) folderOf.set(file, resolve(dir));
    if (folderOf.size > MAX_FILES) throw tooMany();
  }
  const read: DefinitionFile[] = [];
  for (const [file, folder] of folderOf) {
    try {
      const definition = await readDefinition(file);
      read.push('text' in definition ? await withScripts(definition, folder) : definition);
    } catch (thrown) {
      // Gone since it was listed: as if it had never been there.
      if (!isMissing(thrown)) read.push({ name: file, error: messageOf(thrown) });
    }
  }
  return read;
}

/** A running watch. */
export interface DefinitionWatch {
  /** Resolves when every folder is being watched: a change from now on is not missed. */
  readonly ready: Promise<void>;
  /** Scripts that definitions name, by their paths, in place of those before: a change of one calls back, too. */
  follow(scripts: readonly string[]): void;
  close(): Promise<void>;
}

/** The scripts that definitions name, by their paths: found, or looked for in vain. */
export function scriptPaths(files: readonly DefinitionFile[]): string[] {
  return files.flatMap((file) =>
    'text' in file && file.scripts ? [...file.scripts.keys()].map((path) => scriptPath(file, path)) : [],
  );
}

/**
 * Calls back with the path and the new text of each file that was added or changed, and with null for one that is gone.
 * A burst of writes makes one call. Calls for one file come in order; the next waits for the promise of the one before.
 * A file that cannot be read, or is too large, goes to `onError`, and its last good version stays.
 */
export function watchDefinitions(
  dirs: readonly string[],
  onChange: (file: string, text: string | null) => void | Promise<void>,
  onError: (file: string, message: string) => void,
): DefinitionWatch {
  const roots = dirs.map((dir) => resolve(dir));
  let followed: ReadonlySet<string> = new Set();
  const isWatched = (path: string): boolean => isDefinition(path) || followed.has(path);
  const timers = new Map<string, NodeJS.Timeout>();
  let queue: Promise<void> = Promise.resolve();
  const watcher = watch(roots, {
    ignoreInitial: true,
    depth: MAX_DEPTH,
    ignored: (path, stats) => isIgnored(roots, path) || (stats?.isFile() === true && !isWatched(path)),
  });
  const report = async (file: string): Promise<void> => {
    try {
      const read = await readDefinition(file, isDefinition(file) ? MAX_FILE_BYTES : MAX_SCRIPT_BYTES);
      if ('error' in read) onError(file, read.error);
      else await onChange(file, read.text);
    } catch (thrown) {
      if (isMissing(thrown)) await onChange(file, null);
      else onError(file, messageOf(thrown));
    }
  };
  const settle = (file: string): void => {
    if (!isWatched(file)) return;
    clearTimeout(timers.get(file));
    const timer = setTimeout(() => {
      timers.delete(file);
      queue = queue.then(() => report(file)).catch((thrown: unknown) => onError(file, messageOf(thrown)));
    }, SETTLE_MS);
    timers.set(file, timer);
  };
  watcher.on('add', settle).on('change', settle).on('unlink', settle);
  watcher.on('error', (thrown) => onError(roots.join(', '), messageOf(thrown)));
  return {
    ready: new Promise((done) => watcher.once('ready', () => done())),
    follow: (scripts) => {
      const inside = scripts.filter((path) => roots.some((root) => path.startsWith(root + sep)));
      const fresh = inside.filter((path) => !followed.has(path));
      followed = new Set(inside);
      if (fresh.length > 0) watcher.add(fresh);
    },
    close: async () => {
      for (const timer of timers.values()) clearTimeout(timer);
      timers.clear();
      await watcher.close();
      await queue;
    },
  };
}

async function collect(dir: string, depth: number, found: string[]): Promise<void> {
  for (const entry of await entriesOf(dir, depth)) {
    const path = join(dir, entry.name);
    if (entry.isDirectory() && !isIgnoredName(entry.name) && depth < MAX_DEPTH) await collect(path, depth + 1, found);
    else if (isDefinition(path) && !entry.isDirectory()) found.push(path);
    if (found.length > MAX_FILES) throw tooMany();
  }
}

async function entriesOf(dir: string, depth: number) {
  try {
    return await readdir(dir, { withFileTypes: true });
  } catch (thrown) {
    // A folder below may vanish while it is searched; one that was named must be there.
    if (isMissing(thrown) && depth > 0) return [];
    throw new StepcastError('CONFIGURATION', `The folder of definitions ${dir} cannot be read: ${messageOf(thrown)}.`);
  }
}

/** Throws when the file is gone. */
async function readDefinition(file: string, maxBytes: number = MAX_FILE_BYTES): Promise<DefinitionFile> {
  const { size } = await stat(file);
  if (size > maxBytes) return { name: file, error: `The file has ${size} bytes; at most ${maxBytes} are read.` };
  return { name: file, text: await readFile(file, 'utf8') };
}

function isDefinition(path: string): boolean {
  return /\.ya?ml$/i.test(path) && !basename(path).startsWith('.');
}

function isIgnored(roots: readonly string[], path: string): boolean {
  return roots.some((root) => {
    const inside = relative(root, path);
    return inside !== '' && !inside.startsWith('..') && inside.split(sep).some(isIgnoredName);
  });
}

function isIgnoredName(name: string): boolean {
  return IGNORED_FOLDERS.has(name) || name.startsWith('.');
}

function tooMany(): StepcastError {
  return new StepcastError(
    'LIMIT_EXCEEDED',
    `The folders hold more than ${MAX_FILES} definition files. Name fewer or smaller folders.`,
  );
}
