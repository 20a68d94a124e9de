/** Finds the program that a command names, and explains in words why it cannot be started. */
import { accessSync, constants, statSync } from 'node:fs';
import { constants as osConstants } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import { StepcastError } from '../../domain/errors';

/** The program, or the sentence that says why there is none. */
export type Located = { readonly path: string } | { readonly problem: string };

/**
 * Looks a command's first word up as `execvp` would, in the task's own PATH. A name with a slash is taken as a path
 * relative to `cwd`. Empty PATH entries, which mean "here" to a shell, are passed over.
 */
export function locateExecutable(name: string, searchPath: string, cwd: string): Located {
  if (name === '') return { problem: 'The command is empty: its first word, the program, has no text.' };
  if (name.includes('/')) {
    const path = isAbsolute(name) ? name : resolve(cwd, name);
    const found = statSync(path, { throwIfNoEntry: false });
    if (!found) return { problem: `Command not found: \`${name}\` does not exist on this worker.` };
    return usable(path) ? { path } : { problem: notExecutable(name, found.isDirectory()) };
  }
  let refused: string | undefined;
  for (const folder of searchPath.split(':')) {
    if (folder === '') continue;
    const path = join(isAbsolute(folder) ? folder : resolve(cwd, folder), name);
    const found = statSync(path, { throwIfNoEntry: false });
    if (!found || !found.isFile()) continue;
    if (usable(path)) return { path };
    refused ??= path;
  }
  if (refused) return { problem: notExecutable(refused, false) };
  return {
    problem: `Command not found: \`${name}\` is in no folder of the task's PATH (${searchPath}). Install it on this worker, give its full path, or set PATH in the task's environment.`,
  };
}

function usable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

function notExecutable(name: string, directory: boolean): string {
  return directory
    ? `\`${name}\` is a directory, not a program.`
    : `\`${name}\` is not executable for the worker's user. Set its execute permission (chmod +x).`;
}

const { errno: ERRNO } = osConstants;

/**
 * Turns the errno of a failed spawn into the sentence for the task's author. Throws UNAVAILABLE when the fault is the
 * machine's (no memory, no processes, no descriptors) and the command may well start elsewhere or later.
 */
export function explainSpawnFailure(errno: number, path: string, cwd: string): string {
  switch (errno) {
    case ERRNO.ENOEXEC:
      return `\`${path}\` cannot be run: it is no program for this machine, and as a script it lacks a first line such as #!/bin/sh.`;
    case ERRNO.EACCES:
    case ERRNO.EPERM:
      return `\`${path}\` cannot be run: permission denied. Check its execute permission, its folder's, and whether its disk is mounted noexec.`;
    case ERRNO.ENOENT:
      if (!statSync(cwd, { throwIfNoEntry: false })) break;
      return `\`${path}\` cannot be run: the interpreter that its first line (#!) names, or its loader, does not exist on this worker.`;
    case ERRNO.E2BIG:
      return `\`${path}\` cannot be run: its arguments and environment are longer than this system allows. Pass large values as files.`;
    case ERRNO.ELOOP:
    case ERRNO.ENAMETOOLONG:
    case ERRNO.ENOTDIR:
      return `\`${path}\` cannot be run: the path leads nowhere (errno ${errno}).`;
  }
  throw new StepcastError('UNAVAILABLE', `This worker could not start \`${path}\` in ${cwd}: ${errnoName(errno)}.`);
}

function errnoName(errno: number): string {
  const entry = Object.entries(ERRNO).find(([, number]) => number === errno);
  return entry ? entry[0] : `errno ${errno}`;
}
