/**
 * The directory of one Attempt: `in/` with its inputs, `out/` where the command runs, `tmp/` for its passing files. For a
 * Task without inputs and outputs all three are the one directory: on a journaling disk, making and removing the others
 * would cost as much as the process.
 */
import { mkdirSync, rmdirSync, rmSync } from 'node:fs';
import { chmod, mkdir, opendir, rm, writeFile } from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';
import type { ArtifactStore } from '../../artifacts/store';
import type { InputPort } from '../../domain/definitions';
import { messageOf, StepcastError } from '../../domain/errors';
import { filesIn, isDirectoryValue, isFileValue, type DirectoryValue, type FileValue } from '../../domain/values';
import type { Value, Values } from '../../domain/values';

export interface AttemptDirectory {
  readonly root: string;
  /** The command's working directory. */
  readonly out: string;
  readonly tmp: string;
  /** Makes the folder that a path relative to `out` lies in. Throws BAD_INPUT when it leads out of `out`. */
  makeRoomFor(outputPath: string): Promise<void>;
  /** Writes a small text beside the inputs; returns its path. */
  writeInput(port: string, text: string): Promise<string>;
  /** Puts the Files and Directories of the input ports in place and tells where they lie, by port. */
  stage(ports: readonly InputPort[], values: Values): Promise<Record<string, string | string[]>>;
  /** Removes everything. Throws UNAVAILABLE when that does not work even with the permissions set right. */
  remove(): Promise<void>;
}

export interface DirectoryRequest {
  readonly parent: string;
  readonly name: string;
  readonly artifacts: ArtifactStore;
  /** Nothing is put in and nothing is collected: one directory serves for all. */
  readonly plain: boolean;
  /** Throws to stop the staging between two files. */
  readonly checkpoint: () => void;
}

/** Only its user may look into what runs. */
const PRIVATE = 0o700;
/** What most file systems allow for one name, in bytes. */
const MAX_NAME_BYTES = 255;
const REMOVE_RETRIES = 3;

/**
 * Makes the directory, with `out/` and `tmp/`; `in/` only when something is staged. Synchronous: that costs less than the
 * trips through Node's thread pool. Throws UNAVAILABLE when the disk refuses.
 */
export function createAttemptDirectory({
  parent,
  name,
  artifacts,
  plain,
  checkpoint,
}: DirectoryRequest): AttemptDirectory {
  const root = join(parent, name);
  const out = plain ? root : join(root, 'out');
  const tmp = plain ? root : join(root, 'tmp');
  const input = join(root, 'in');
  try {
    try {
      mkdirSync(root, PRIVATE);
    } catch (error) {
      mkdirAnew(root, (error as NodeJS.ErrnoException).code);
    }
    if (!plain) for (const folder of [out, tmp]) mkdirSync(folder, PRIVATE);
  } catch (error) {
    throw new StepcastError('UNAVAILABLE', `The directory ${root} cannot be made: ${messageOf(error)}`, {
      cause: error,
    });
  }

  async function stageEntry(entry: FileValue | DirectoryValue, path: string): Promise<void> {
    checkpoint();
    if (isFileValue(entry)) return artifacts.stage(entry.sha256, path);
    await mkdir(path, { recursive: true, mode: PRIVATE });
    const names = new Set<string>();
    for (const child of entry.entries) await stageEntry(child, join(path, freeName(child.name, names)));
  }

  async function stagePort(port: string, value: Value | undefined): Promise<string | string[] | undefined> {
    const entries = entriesIn(value);
    if (entries.length === 0) return Array.isArray(value) && value.length === 0 ? [] : undefined;
    const folder = join(input, safeName(port));
    await mkdir(folder, { recursive: true, mode: PRIVATE });
    const names = new Set<string>();
    const paths: string[] = [];
    for (const entry of entries) {
      const name = safeName(entry.name);
      // A base name may carry meaning for the command, so it stays; a second of its kind gets a folder of its own.
      const taken = names.has(name);
      const path = taken ? join(folder, freeName(String(paths.length + 1), names), name) : join(folder, name);
      names.add(name);
      if (taken) await mkdir(dirname(path), { recursive: true, mode: PRIVATE });
      await stageEntry(entry, path);
      paths.push(path);
    }
    return isFileValue(value) || isDirectoryValue(value) ? paths[0] : paths;
  }

  return {
    root,
    out,
    tmp,

    async makeRoomFor(outputPath) {
      if (!outputPath.includes('/')) return;
      const folder = dirname(join(out, outputPath));
      if (folder !== out && !folder.startsWith(out + sep)) {
        throw new StepcastError('BAD_INPUT', `The output path \`${outputPath}\` leads out of the command's directory.`);
      }
      await mkdir(folder, { recursive: true, mode: PRIVATE });
    },

    async writeInput(port, text) {
      const folder = join(input, safeName(port));
      await mkdir(folder, { recursive: true, mode: PRIVATE });
      const path = join(folder, 'value');
      await writeFile(path, text);
      return path;
    },

    async stage(ports, values) {
      const paths: Record<string, string | string[]> = {};
      for (const { name } of ports) {
        const staged = await stagePort(name, values[name]);
        if (staged !== undefined) paths[name] = staged;
      }
      return paths;
    },

    async remove() {
      const empty = plain || (removeEmpty(tmp) && removeEmpty(out));
      if (empty && removeEmpty(root)) return;
      await removeTree(root);
    },
  };
}

/** The name for one path segment: no separators, not `..`, no longer than a file system takes. */
export function safeName(name: string): string {
  const plain = name.replace(/[/\u0000]/g, '_');
  if (plain === '' || plain === '.' || plain === '..') return 'file';
  if (Buffer.byteLength(plain) <= MAX_NAME_BYTES) return plain;
  const ending = /\.[A-Za-z0-9.]{1,16}$/.exec(plain)?.[0] ?? '';
  let start = plain.slice(0, plain.length - ending.length);
  while (Buffer.byteLength(start + ending) > MAX_NAME_BYTES) start = [...start].slice(0, -1).join('');
  return start + ending;
}

function freeName(wanted: string, taken: Set<string>): string {
  const name = safeName(wanted);
  let free = name;
  for (let number = 2; taken.has(free); number++) free = `${number}-${name}`;
  taken.add(free);
  return free;
}

function entriesIn(value: Value | undefined): (FileValue | DirectoryValue)[] {
  if (isFileValue(value) || isDirectoryValue(value)) return [value];
  if (Array.isArray(value)) return value.flatMap((item: Value) => entriesIn(item));
  return filesIn(value);
}

/** After a missing parent, or what a crash left under the same name. */
function mkdirAnew(root: string, code: string | undefined): void {
  if (code === 'EEXIST') rmSync(root, { recursive: true, force: true });
  mkdirSync(root, { recursive: true, mode: PRIVATE });
}

function removeEmpty(path: string): boolean {
  try {
    rmdirSync(path);
    return true;
  } catch {
    return false; // not empty, or changed by the command: the thorough way will see
  }
}

/** Removes a folder, also one whose permissions a command has taken away. Throws UNAVAILABLE when that fails. */
export async function removeTree(path: string): Promise<void> {
  const options = { recursive: true, force: true, maxRetries: REMOVE_RETRIES };
  try {
    await rm(path, options);
  } catch (first) {
    if ((first as NodeJS.ErrnoException).code === 'ENOTDIR') return; // its parent is a file: there is nothing here
    try {
      await openUp(path);
      await rm(path, options);
    } catch (error) {
      const why = messageOf(error);
      throw new StepcastError('UNAVAILABLE', `The directory ${path} cannot be removed: ${why}`, { cause: error });
    }
  }
}

async function openUp(path: string): Promise<void> {
  await chmod(path, PRIVATE);
  for await (const entry of await opendir(path)) {
    if (entry.isDirectory()) await openUp(join(path, entry.name));
  }
}
