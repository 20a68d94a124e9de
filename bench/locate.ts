import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** The program that a name on PATH stands for; null when there is none. */
export function locate(name: string): string | null {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    const path = join(folder, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      continue; // not in this folder
    }
  }
  return null;
}
