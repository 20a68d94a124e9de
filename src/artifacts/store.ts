/** Where file contents live: immutable, named by their SHA-256, always streamed. */
import type { Readable } from 'node:stream';

export interface StoredArtifact {
  /** Hex SHA-256 of the content. */
  readonly sha256: string;
  /** In bytes. */
  readonly size: number;
}

export interface ArtifactStore {
  /** Streams content in; refuses with LIMIT_EXCEEDED past `maxBytes`, leaving nothing behind. */
  write(content: Readable, options?: { maxBytes?: number }): Promise<StoredArtifact>;
  /**
   * Takes a regular file that already lies on this machine; hashes it and moves (or copies) it in, so that it is gone from
   * `path`. A symbolic link is followed only to a file inside the folder `within`, which is then copied and stays.
   * BAD_INPUT for anything else. `durable` waits until the content would survive a power cut. With `stays` the file is
   * at `path` afterwards, too, perhaps as a second name of the content: nobody may write to it any more.
   */
  adopt(path: string, options?: { within?: string; durable?: boolean; stays?: boolean }): Promise<StoredArtifact>;
  /** Streams content out; `start` and `end` are byte offsets, both inclusive. NOT_FOUND when it is not there. */
  read(sha256: string, range?: { start?: number; end?: number }): Readable;
  has(sha256: string): Promise<boolean>;
  /** Whether it is there; if so it counts as stored just now, so that no sweep takes it before it is named again. */
  keep(sha256: string): Promise<boolean>;
  /** Puts the content at `path` for a command to read, without sharing anything that the command could damage. */
  stage(sha256: string, path: string): Promise<void>;
  remove(sha256: string): Promise<void>;
  /** Where the content lies on this machine, for stores that keep it there. For reading only. */
  localPath?(sha256: string): string;
}
