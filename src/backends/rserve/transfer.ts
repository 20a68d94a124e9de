/** Brings the files of an Attempt to Rserve's machine and back, in pieces. */
import { createReadStream, createWriteStream, existsSync } from 'node:fs';
import { mkdir, readdir } from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { AttemptPlace } from '../backend';
import type { Watcher } from './watcher';

/** All inputs, under the paths that they have below the Attempt's directory. */
export async function sendInputs(
  watcher: Watcher,
  { root }: AttemptPlace,
  base: string,
  checkpoint: () => void,
): Promise<void> {
  const local = join(root, 'in');
  if (!existsSync(local)) return;
  const entries = await readdir(local, { recursive: true, withFileTypes: true });
  const below = entries.map((entry) => ({ entry, path: join(entry.parentPath ?? entry.path, entry.name) }));
  const remote = (path: string): string => base + path.slice(root.length).replaceAll(sep, '/');
  await watcher.folders(below.filter(({ entry }) => entry.isDirectory()).map(({ path }) => remote(path)));
  for (const { entry, path } of below) {
    checkpoint();
    if (entry.isFile()) await watcher.upload(remote(path), createReadStream(path));
  }
}

/** All that the script has left in its working directory. */
export async function fetchOutputs(watcher: Watcher, base: string, { out }: AttemptPlace): Promise<void> {
  const from = `${base}/out`;
  for (const { path, isFolder } of await watcher.list(from)) {
    const target = join(out, path);
    // A name from there must not lead out of here.
    if (!target.startsWith(out + sep)) continue;
    if (isFolder) await mkdir(target, { recursive: true });
    else {
      await mkdir(dirname(target), { recursive: true });
      await pipeline(watcher.download(`${from}/${path}`), createWriteStream(target, { mode: 0o600 }));
    }
  }
}

/** A small file; null when it is not there. */
export async function fetchText(watcher: Watcher, path: string, maxBytes: number): Promise<string | null> {
  const pieces: Buffer[] = [];
  for (let size = 0; ;) {
    const piece = await watcher.tail(path, size);
    if (piece.length === 0) break;
    pieces.push(piece);
    size += piece.length;
    if (size > maxBytes) return null;
  }
  return pieces.length === 0 ? null : Buffer.concat(pieces).toString('utf8');
}
