/** Brings the files of an Attempt to Rserve's machine and back, in pieces. */
import { createReadStream, createWriteStream, existsSync } from 'node:fs';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { AttemptPlace } from '../backend';
import { RemoteError, type Watcher } from './watcher';

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
    if (entry.isFile()) await watcher.upload(remote(path), contentOf(path, checkpoint));
  }
}

async function* contentOf(path: string, checkpoint: () => void): AsyncGenerator<Buffer> {
  for await (const chunk of createReadStream(path)) {
    checkpoint();
    yield chunk as Buffer;
  }
}

/** What is told of bringing files back. */
interface Fetching {
  /** False as soon as nobody needs them any more. */
  readonly goesOn: () => boolean;
  readonly note: (message: string) => void;
}

/** All that the script has left in its working directory; what cannot be read is noted. */
export async function fetchOutputs(
  watcher: Watcher,
  base: string,
  { out }: AttemptPlace,
  { goesOn, note }: Fetching,
): Promise<void> {
  for (const entry of await watcher.list(`${base}/out`)) {
    if (!goesOn()) return;
    const target = join(out, entry.path);
    // A name from there must not lead out of here.
    if (!target.startsWith(out + sep)) continue;
    await mkdir(entry.kind === 'folder' ? target : dirname(target), { recursive: true });
    if (entry.kind === 'folder') continue;
    try {
      const pieces = piecesOf(watcher, `${base}/out/${entry.path}`, entry.size, goesOn);
      await pipeline(pieces, createWriteStream(target, { mode: 0o600 }));
    } catch (error) {
      if (!(error instanceof RemoteError)) throw error;
      await rm(target, { force: true });
      note(`${entry.path} was not brought back. ${error.message}`);
    }
  }
}

/** As much as it had when it was listed: what has no size, such as a pipe, is never opened. */
async function* piecesOf(watcher: Watcher, path: string, size: number, goesOn: () => boolean): AsyncGenerator<Buffer> {
  for (let from = 0; from < size && goesOn();) {
    const piece = await watcher.tail(path, from);
    if (piece.length === 0) return;
    from += piece.length;
    yield piece;
  }
}

/** A small file, of a larger one a beginning that is too large, too; null when it is not there. */
export async function fetchText(watcher: Watcher, path: string, maxBytes: number): Promise<string | null> {
  const pieces: Buffer[] = [];
  for (let size = 0; size <= maxBytes;) {
    const piece = await watcher.tail(path, size);
    if (piece.length === 0) break;
    pieces.push(piece);
    size += piece.length;
  }
  return pieces.length === 0 ? null : Buffer.concat(pieces).toString('utf8');
}
