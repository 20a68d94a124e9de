/** From the glob of an output to the path that `$O1` becomes. */

/** `*.count` gives `$ID.count`; a literal name stays; undefined when no single name follows from the glob. */
export function pathOfGlob(glob: string): string | undefined {
  const path = glob.replace('*', '$ID');
  return /[*?[\]{}()!]/.test(path) ? undefined : path;
}

/** The glob that finds what was written to a path. */
export function globOfPath(path: string): string {
  return path.replaceAll('$ID', '*');
}

/** A path or glob stays inside the folder of the Attempt. */
export function staysInside(path: string): boolean {
  return path !== '' && !path.startsWith('/') && !path.split('/').includes('..') && !path.includes('\0');
}
