/** What lies among the system's settings and is not for everybody: keys, passwords, logins of services. */
import { lstatSync, readdirSync, type Dirent } from 'node:fs';
import { join } from 'node:path';
import { messageOf, StepcastError } from '../../domain/errors';

/** A folder or file that only some users may read. */
export interface Private {
  readonly path: string;
  readonly isFolder: boolean;
}

/** Settings of a machine are a few thousand files; where they are more, something else is meant. */
const MAX_ENTRIES = 100_000;
const FOR_ALL = { folder: 0o005, file: 0o004 };

/**
 * All that not everybody may read below a folder, the outermost of each; links are passed over, since what they lead to is
 * looked at where it lies. Throws UNAVAILABLE when that cannot be found out.
 */
export function findPrivate(folder: string): Private[] {
  const found: Private[] = [];
  let entries = 0;
  const look = (inside: string): void => {
    for (const entry of list(inside)) {
      if (++entries > MAX_ENTRIES)
        throw new StepcastError(
          'UNAVAILABLE',
          `${folder} holds more than ${MAX_ENTRIES} files and cannot be searched.`,
        );
      if (entry.isSymbolicLink()) continue;
      const path = join(inside, entry.name);
      const isFolder = entry.isDirectory();
      const wanted = isFolder ? FOR_ALL.folder : FOR_ALL.file;
      const mode = lstatSync(path, { throwIfNoEntry: false })?.mode;
      if (mode === undefined) continue;
      if ((mode & wanted) !== wanted) found.push({ path, isFolder });
      else if (isFolder) look(path);
    }
  };
  look(folder);
  return found;
}

function list(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw new StepcastError('UNAVAILABLE', `${folder} cannot be searched: ${messageOf(error)}`, { cause: error });
  }
}
