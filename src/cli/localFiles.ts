/** Files and folders of this machine that are uploaded in the place of a value. */
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';

export interface LocalFile {
  readonly localPath: string;
  /** Files that go with it. */
  readonly beside: readonly string[];
}

/** A folder with everything in it. */
export interface LocalFolder {
  readonly folderName: string;
  readonly files: readonly LocalFile[];
  readonly folders: readonly LocalFolder[];
}

/** Files and folders that are sent for one folder. */
const MAX_ENTRIES = 1_000;
const MAX_DEPTH = 16;

export function isLocalFile(value: unknown): value is LocalFile {
  return typeof value === 'object' && value !== null && 'localPath' in value;
}

export function isLocalFolder(value: unknown): value is LocalFolder {
  return typeof value === 'object' && value !== null && 'folderName' in value;
}

/** A file with those of its secondary files that lie beside it. Throws when there is no such file. */
export async function localFile(word: string, endings: readonly string[] = []): Promise<LocalFile> {
  const localPath = withoutAt(word);
  const found = await stat(localPath).catch(() => undefined);
  if (!found) throw new Error(`there is no file ${localPath}.`);
  if (!found.isFile()) throw new Error(`${localPath} is a folder or a device, not a file.`);
  const beside: string[] = [];
  for (const ending of endings) {
    const candidate = secondaryPath(localPath, ending.replace(/\?$/, ''));
    if ((await stat(candidate).catch(() => undefined))?.isFile()) beside.push(candidate);
  }
  return { localPath, beside };
}

/** A folder and all in it; links are followed. Throws when there is none, or it holds too much or what is no file. */
export async function localFolder(word: string): Promise<LocalFolder> {
  const root = path.resolve(withoutAt(word));
  const found = await stat(root).catch(() => undefined);
  if (!found?.isDirectory()) throw new Error(`there is no folder ${withoutAt(word)}.`);
  let count = 0;
  const read = async (folder: string, depth: number): Promise<LocalFolder> => {
    if (depth > MAX_DEPTH) throw new Error(`${root} has folders nested deeper than ${MAX_DEPTH}.`);
    const files: LocalFile[] = [];
    const folders: LocalFolder[] = [];
    for (const name of (await readdir(folder)).sort()) {
      count += 1;
      if (count > MAX_ENTRIES)
        throw new Error(
          `${root} holds more than ${MAX_ENTRIES} files. Pack it into one file and let a task unpack it.`,
        );
      const entry = path.join(folder, name);
      if ((await stat(entry)).isDirectory()) folders.push(await read(entry, depth + 1));
      else files.push(await localFile(entry));
    }
    return { folderName: path.basename(folder), files, folders };
  };
  return read(root, 0);
}

/** `.fai` goes behind the name; each `^` before it first takes an extension off. */
function secondaryPath(localPath: string, ending: string): string {
  if (!ending.startsWith('^')) return localPath + ending;
  const { dir, name } = path.parse(localPath);
  return secondaryPath(path.join(dir, name), ending.slice(1));
}

const withoutAt = (word: string): string => (word.startsWith('@') ? word.slice(1) : word);
