/** The folders in which workers keep the directories of their Attempts: one per worker, named after it. */
import { opendir, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { removeTree, safeName } from './attemptDirectory';
import { formatMark, isGone, ownMark, parseMark, type WorkerMark } from '../process/identity';

/** A folder of another machine, whose workers cannot be seen from here, is given up after so long without a change. */
const FOREIGN_FOLDER_DAYS = 30;
const DAY_MS = 24 * 60 * 60 * 1000;

/**
 * The folder of a worker of this machine. A process that had to take a new identity has two for a while: what runs under
 * the new one must not go with the folder of the old one.
 */
export function workFolder(workDir: string, mark: WorkerMark): string {
  return join(workDir, safeName(`${hostname()}~${formatMark(mark).replaceAll('/', '~')}`));
}

/** Removes the folders of workers that are gone, with what they left in them. Returns how many. */
export async function removeAbandonedFolders(workDir: string): Promise<number> {
  let removed = 0;
  for (const name of await folderNames(workDir)) {
    const separator = name.indexOf('~');
    const mark = separator < 0 ? undefined : parseMark(name.slice(separator + 1).replaceAll('~', '/'));
    if (!mark) continue; // not ours
    const path = join(workDir, name);
    const here = name.slice(0, separator) === safeName(hostname()) && mark.namespace === ownMark('').namespace;
    const abandoned = here ? isGone(mark) : (await ageMs(path)) > FOREIGN_FOLDER_DAYS * DAY_MS;
    if (!abandoned) continue;
    await removeTree(path);
    removed += 1;
  }
  return removed;
}

async function folderNames(workDir: string): Promise<string[]> {
  const names: string[] = [];
  try {
    for await (const entry of await opendir(workDir)) if (entry.isDirectory()) names.push(entry.name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  return names;
}

async function ageMs(path: string): Promise<number> {
  const facts = await stat(path).catch(() => undefined);
  return facts ? Date.now() - facts.mtimeMs : 0;
}
