/** Finds what a command has produced: walks its directory within bounds, and refuses links that lead out of it. */
import { opendir, realpath, stat } from 'node:fs/promises';
import { lstatSync } from 'node:fs';
import { basename, join, normalize, sep } from 'node:path';
import picomatch from 'picomatch';
import { StepcastError } from '../../domain/errors';

/** Files and folders that are looked at in one Attempt's directory. */
export const MAX_ENTRIES = 100_000;
export const MAX_DEPTH = 32;

/** A produced file or folder, resolved: `real` is a plain file or folder inside the Attempt's directory. */
export type Found =
  | { readonly kind: 'file'; readonly name: string; readonly path: string; readonly real: string }
  | { readonly kind: 'folder'; readonly name: string; readonly path: string; readonly entries: readonly Found[] };

/** Everything below `out`, files and folders, as paths relative to it; links are listed and not followed. */
export async function listOutputs(out: string): Promise<string[]> {
  const paths: string[] = [];
  const walk = async (folder: string, depth: number): Promise<void> => {
    if (depth > MAX_DEPTH) throw tooMuch(`folders nested deeper than ${MAX_DEPTH}`);
    for await (const entry of await opendir(join(out, folder))) {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (paths.push(path) > MAX_ENTRIES) throw tooMuch(`more than ${MAX_ENTRIES.toLocaleString('en')} files`);
      if (entry.isDirectory()) await walk(path, depth + 1);
    }
  };
  await walk('', 0);
  return paths.sort();
}

/** True when finding the glob's matches takes a walk through the directory. */
export function needsWalk(glob: string): boolean {
  return picomatch.scan(glob).isGlob;
}

/**
 * The paths of `all` that match, and `promised`, where the command was told to write, when it is there. Unlike in
 * a shell, `*` matches a leading dot too: whatever a command leaves in its own directory, it has produced.
 */
export function matching(out: string, glob: string, promised: string, all: readonly string[]): string[] {
  const found = new Set<string>();
  for (const path of needsWalk(glob) ? [promised] : [promised, glob]) {
    const plain = normalize(path).replace(/\/$/, '');
    if (plain === '' || plain === '.' || plain.startsWith('..') || plain.startsWith('/')) continue;
    if (lstatSync(join(out, plain), { throwIfNoEntry: false })) found.add(plain);
  }
  if (needsWalk(glob)) {
    const matches = picomatch(glob.replace(/^\.\//, ''), { dot: true, nonegate: true });
    for (const path of all) if (matches(path)) found.add(path);
  }
  return [...found].sort();
}

/**
 * Looks behind the names before anything is taken away. Throws BAD_INPUT for a link that leads out of `root` or nowhere,
 * for pipes, sockets and devices, and for a folder that holds too much; UNAVAILABLE for what somebody took away.
 */
export async function resolveOutput(root: string, out: string, path: string): Promise<Found> {
  const realRoot = await realpath(root);
  let entries = 0;

  const resolve = async (relativePath: string, depth: number): Promise<Found> => {
    if (++entries > MAX_ENTRIES) throw tooMuch(`more than ${MAX_ENTRIES.toLocaleString('en')} files`);
    if (depth > MAX_DEPTH) throw tooMuch(`folders nested deeper than ${MAX_DEPTH}`);
    const real = await realpath(join(out, relativePath)).catch(() => undefined);
    if (real === undefined && lstatSync(join(out, relativePath), { throwIfNoEntry: false }) === undefined) {
      throw new StepcastError('UNAVAILABLE', `\`${relativePath}\` was there and is gone before it could be stored.`);
    }
    if (real === undefined) throw refused(`\`${relativePath}\` is a link that leads nowhere.`);
    if (!real.startsWith(realRoot + sep)) {
      throw refused(
        `\`${relativePath}\` is a link out of the command's directory, to ${real}. Copy the content instead.`,
      );
    }
    const facts = await stat(real);
    const name = basename(relativePath);
    if (facts.isFile()) return { kind: 'file', name, path: relativePath, real };
    if (!facts.isDirectory()) throw refused(`\`${relativePath}\` is neither a file nor a folder.`);
    const names: string[] = [];
    for await (const entry of await opendir(real)) {
      if (names.push(entry.name) > MAX_ENTRIES) throw tooMuch(`more than ${MAX_ENTRIES.toLocaleString('en')} files`);
    }
    const children: Found[] = [];
    for (const child of names.sort()) children.push(await resolve(`${relativePath}/${child}`, depth + 1));
    return { kind: 'folder', name, path: relativePath, entries: children };
  };
  return resolve(path, 0);
}

const refused = (message: string) => new StepcastError('BAD_INPUT', message);

const tooMuch = (what: string) =>
  new StepcastError('LIMIT_EXCEEDED', `The command produced ${what}, which is more than is collected from one run.`);
