/**
 * The artifact store on a local disk: `<root>/sha256/ab/cdef…` holds contents, `<root>/incoming/` what is on its way in.
 * Contents appear by one atomic rename, so a crash leaves files in `incoming/` only, and two writers of the same content
 * replace each other's file with an equal one.
 */
import { createHash, randomUUID } from 'node:crypto';
import { close, constants, createReadStream, createWriteStream, open as openFile, read as readFile } from 'node:fs';
import {
  access,
  copyFile,
  type FileHandle,
  link,
  lstat,
  mkdir,
  open,
  readdir,
  realpath,
  rename,
  rm,
  utimes,
} from 'node:fs/promises';
import { basename, dirname, join, sep } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { StepcastError } from '../domain/errors';
import { ByteMeter } from './byteMeter';
import { codeOf, explained } from './diskErrors';
import { createGate } from './gate';
import type { ArtifactStore, StoredArtifact } from './store';

/** A store on this machine's disk: it can name the file of a content, and clean up after a crash. */
export interface LocalArtifactStore extends ArtifactStore {
  /** Where the content lies. For reading only. Throws NOT_FOUND for what cannot be a SHA-256. */
  localPath(sha256: string): string;
  /** Removes what a crash left behind and nothing has touched for so long; returns how many files. */
  sweepIncoming(olderThanMs: number): Promise<number>;
  /** Names of contents that were last stored (or stored again) longer ago than this, one by one. */
  contentsOlderThan(olderThanMs: number): AsyncIterable<string>;
  /** Removes a content unless it was stored (again) more recently than this: somebody may be about to use it. */
  removeOlderThan(sha256: string, olderThanMs: number): Promise<void>;
}

/** Files up to this size are hashed from one read. */
const ONE_READ_BYTES = 64 * 1024;
const HASH_CHUNK_BYTES = 1024 * 1024;
const WRITE_BUFFER_BYTES = 1024 * 1024;
/** Copies above this size wait for each other, so that they never fill Node's four file-system threads. */
const LARGE_COPY_BYTES = 64 * 1024 * 1024;
const LARGE_COPIES_AT_ONCE = 2;
/** Another file system, or one without second names for files: it is copied. */
const CANNOT_MOVE: readonly string[] = ['EXDEV', 'EPERM', 'EMLINK', 'ENOTSUP', 'EOPNOTSUPP'];
/** Read-only for everybody: contents never change. */
const CONTENT_MODE = 0o444;

/**
 * Opens (and makes, where missing) the store in `root`. Contents and `incoming/` must lie on one file system.
 *
 * - `write` syncs the file and its folder before it returns: whoever sent it may forget it.
 * - `adopt` does not sync unless told `durable`: a result that a power cut takes can be computed again.
 * - `stage` always gives a private copy. Where the file system can share blocks (reflinks: btrfs, XFS, bcachefs) it takes
 *   no time and no space; elsewhere the kernel copies. A link would be cheaper, but a command that runs as root, or
 *   as our own user after a `chmod`, would then write into every result that has this content.
 */
export function createLocalStore(root: string): LocalArtifactStore {
  const contents = join(root, 'sha256');
  const incoming = join(root, 'incoming');
  const largeCopies = createGate(LARGE_COPIES_AT_ONCE);

  function localPath(sha256: string): string {
    if (!/^[0-9a-f]{64}$/.test(sha256)) throw notFound(sha256);
    return join(contents, sha256.slice(0, 2), sha256.slice(2));
  }

  /** Moves a finished file to the name of its content. */
  async function publish(from: string, sha256: string): Promise<void> {
    const to = localPath(sha256);
    try {
      await rename(from, to);
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') throw error;
      await mkdir(dirname(to), { recursive: true, mode: 0o700 });
      await rename(from, to);
    }
  }

  /** Streams content into the store; `durable` waits until it would survive a power cut. */
  async function ingest(content: Readable, options: { maxBytes?: number; durable: boolean }): Promise<StoredArtifact> {
    const path = join(incoming, randomUUID());
    try {
      await mkdir(incoming, { recursive: true, mode: 0o700 });
      const meter = new ByteMeter(options.maxBytes);
      await pipeline(
        content,
        meter,
        createWriteStream(path, { flags: 'wx', mode: 0o600, highWaterMark: WRITE_BUFFER_BYTES }),
      );
      await finish(path, options.durable);
      const stored = { sha256: meter.sha256(), size: meter.bytes };
      await publish(path, stored.sha256);
      if (options.durable) await syncFolder(dirname(localPath(stored.sha256)));
      return stored;
    } catch (error) {
      content.destroy();
      await rm(path, { force: true });
      throw error;
    }
  }

  async function copyIn(path: string, durable: boolean): Promise<StoredArtifact> {
    return ingest(createReadStream(path, { highWaterMark: HASH_CHUNK_BYTES }), { durable });
  }

  /** A second name for a finished file. */
  async function linkIn(path: string, sha256: string): Promise<void> {
    const passing = join(incoming, randomUUID());
    await mkdir(incoming, { recursive: true, mode: 0o700 });
    await link(path, passing);
    // Two names of one file: the rename of one to the other changes nothing, and leaves it.
    await publish(passing, sha256).finally(() => rm(passing, { force: true }));
  }

  async function adoptFile(path: string, durable: boolean, stays: boolean): Promise<StoredArtifact> {
    // NONBLOCK: a pipe must not hang us. NOFOLLOW: renaming a link would store the link, not the content.
    const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    let stored: StoredArtifact;
    let shared: boolean;
    try {
      const before = await file.stat();
      if (!before.isFile())
        throw new StepcastError('BAD_INPUT', `${basename(path)} is not a regular file, so it cannot be stored.`);
      stored = await hashOpenFile(file, before.size);
      if (stored.size !== before.size) throw stillWritten(path);
      // Another name of the same file stays in somebody's hands, or this one does in another user's.
      shared = before.nlink > 1 || (stays && before.uid !== process.getuid?.());
      if (!shared && (before.mode & 0o777) !== CONTENT_MODE) {
        await file.chmod(CONTENT_MODE).catch((error: unknown) => {
          if (codeOf(error) !== 'EPERM') throw error;
          shared = true;
        });
      }
      if (durable) await file.sync();
    } finally {
      await file.close();
    }
    if (!shared) {
      try {
        await (stays ? linkIn : publish)(path, stored.sha256);
        if (durable) await syncFolder(dirname(localPath(stored.sha256)));
        return stored;
      } catch (error) {
        if (!CANNOT_MOVE.includes(codeOf(error) ?? '')) throw error;
      }
    }
    const copied = await copyIn(path, durable);
    if (!stays) await rm(path, { force: true });
    return copied;
  }

  async function adoptLink(path: string, within: string | undefined): Promise<StoredArtifact> {
    const target = await realpath(path);
    if (within === undefined || !target.startsWith((await realpath(within)) + sep)) {
      throw new StepcastError(
        'BAD_INPUT',
        `${basename(path)} is a symbolic link that leads out of its folder. Write or copy the content itself there.`,
      );
    }
    if (!(await lstat(target)).isFile()) {
      throw new StepcastError(
        'BAD_INPUT',
        `${basename(path)} is a link to something that is not a file, so it cannot be stored.`,
      );
    }
    return copyIn(target, false);
  }

  return {
    localPath,
    write: (content, options = {}) => explained(root, ingest(content, { ...options, durable: true })),
    adopt: (path, options = {}) =>
      explained(
        root,
        adoptFile(path, options.durable ?? false, options.stays ?? false).catch((error: unknown) => {
          if (codeOf(error) === 'ELOOP') return adoptLink(path, options.within);
          if (codeOf(error) === 'ENOENT') throw new StepcastError('NOT_FOUND', `There is no file ${path} to store.`);
          throw error;
        }),
      ),
    read: (sha256, range = {}) =>
      createReadStream(localPath(sha256), { ...range, highWaterMark: 256 * 1024, fs: readingWithPlainErrors(sha256) }),
    has: (sha256) =>
      access(localPath(sha256)).then(
        () => true,
        (error: unknown) => {
          if (codeOf(error) === 'ENOENT') return false;
          throw error;
        },
      ),
    async keep(sha256) {
      const now = new Date();
      try {
        await utimes(localPath(sha256), now, now);
        return true;
      } catch (error) {
        if (codeOf(error) === 'ENOENT') return false;
        throw error;
      }
    },
    async stage(sha256, path) {
      const from = localPath(sha256);
      const copy = (): Promise<void> => copyFile(from, path, constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL);
      const { size } = await lstat(from).catch((error: unknown) => {
        throw codeOf(error) === 'ENOENT' ? notFound(sha256) : error;
      });
      await explained(dirname(path), size > LARGE_COPY_BYTES ? largeCopies(copy) : copy());
    },
    async remove(sha256) {
      await rm(localPath(sha256), { force: true });
    },
    async sweepIncoming(olderThanMs) {
      const names = await readdir(incoming).catch((error: unknown) => {
        if (codeOf(error) === 'ENOENT') return [];
        throw error;
      });
      let removed = 0;
      for (const name of names) {
        const path = join(incoming, name);
        const found = await lstat(path).catch(() => undefined);
        if (found === undefined || Date.now() - found.mtimeMs < olderThanMs) continue;
        await rm(path, { force: true });
        removed += 1;
      }
      return removed;
    },
    async *contentsOlderThan(olderThanMs) {
      for (const shard of await namesIn(contents)) {
        for (const rest of await namesIn(join(contents, shard))) {
          const sha256 = shard + rest;
          if ((await ageOf(sha256)) >= olderThanMs) yield sha256;
        }
      }
    },
    async removeOlderThan(sha256, olderThanMs) {
      if ((await ageOf(sha256)) >= olderThanMs) await rm(localPath(sha256), { force: true });
    },
  };

  /** Since the content was last moved in; -1 when it is not there. The time of change, since a task may set the other. */
  async function ageOf(sha256: string): Promise<number> {
    const found = await lstat(localPath(sha256)).catch(() => undefined);
    return found === undefined ? -1 : Date.now() - found.ctimeMs;
  }
}

/** One shard holds 1/256 of the contents, so its names fit in memory. */
async function namesIn(folder: string): Promise<string[]> {
  return readdir(folder).catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return [];
    throw error;
  });
}

/** Hashes a file from its start. A small one takes one read; the second, empty one would only confirm its end. */
async function hashOpenFile(file: FileHandle, size: number): Promise<StoredArtifact> {
  const hash = createHash('sha256');
  if (size < ONE_READ_BYTES) {
    // One byte more than it should have shows a file that still grows.
    const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(size + 1), 0, size + 1, 0);
    return { sha256: hash.update(buffer.subarray(0, bytesRead)).digest('hex'), size: bytesRead };
  }
  let bytes = 0;
  const buffer = Buffer.allocUnsafe(HASH_CHUNK_BYTES);
  for (;;) {
    const { bytesRead } = await file.read(buffer, 0, buffer.length, bytes);
    if (bytesRead === 0) return { sha256: hash.digest('hex'), size: bytes };
    hash.update(buffer.subarray(0, bytesRead));
    bytes += bytesRead;
  }
}

async function finish(path: string, durable: boolean): Promise<void> {
  const file = await open(path, 'r');
  try {
    await file.chmod(CONTENT_MODE);
    if (durable) await file.sync();
  } finally {
    await file.close();
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** The stream of a missing content ends with NOT_FOUND and without a path of ours. */
function readingWithPlainErrors(sha256: string): { open: typeof openFile; read: typeof readFile; close: typeof close } {
  const open = (path: string, flags: string, mode: number, done: (error: Error | null, file?: number) => void): void =>
    openFile(path, flags, mode, (error, file) => done(error?.code === 'ENOENT' ? notFound(sha256) : error, file));
  return { open: open as typeof openFile, read: readFile, close };
}

function notFound(sha256: string): StepcastError {
  return new StepcastError('NOT_FOUND', `There is no stored content ${sha256.slice(0, 64)}.`);
}

function stillWritten(path: string): StepcastError {
  return new StepcastError(
    'CONFLICT',
    `${basename(path)} changed while it was being stored. Let whatever writes it end first.`,
  );
}
