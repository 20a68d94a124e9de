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
import { isFileValue, type DirectoryValue, type FileValue, type Value, type Values } from '../../domain/values';
import { placeValue, requireSecondaryFiles } from './stagedValue';

export interface AttemptDirectory {
  readonly root: string;
  /** The command's working directory. */
  readonly out: string;
  readonly tmp: string;
  /** Makes the folder that a path relative to `out` lies in. Throws BAD_INPUT when it leads out of `out`. */
  makeRoomFor(outputPath: string): Promise<void>;
  /** Writes a small text beside the inputs; returns its path. */
  writeInput(port: string, text: string): Promise<string>;
  /**
   * Puts the Files and Directories of the input ports in place and tells what stands for each port in the command: their
   * paths, or JSON with paths in it. BAD_INPUT when a file lacks what its port expects beside it.
   */
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
    if (isFileValue(entry)) {
      await artifacts.stage(entry.sha256, path);
      for (const one of entry.secondaryFiles ?? []) await stageEntry(one, join(dirname(path), safeName(one.name)));
      return;
    }
    await mkdir(path, { recursive: true, mode: PRIVATE });
    const names = new Set<string>();
    for (const child of entry.entries) await stageEntry(child, join(path, freeName(child.name, names)));
  }

  async function stagePort(port: InputPort, value: Value | undefined): Promise<string | string[] | undefined> {
    requireSecondaryFiles(port, value);
    const folder = join(input, safeName(port.name));
    const names = new Set<string>();
    let count = 0;
    const place = async (entry: FileValue | DirectoryValue): Promise<string> => {
      const name = safeName(entry.name);
      const beside = isFileValue(entry) ? (entry.secondaryFiles ?? []).map((one) => safeName(one.name)) : [];
      count += 1;
      // A base name may carry meaning for the command, so it stays; a second of its kind gets a folder of its own.
      const taken = [name, ...beside].some((one) => names.has(one));
      const path = taken ? join(folder, freeName(String(count), names), name) : join(folder, name);
      if (!taken) for (const one of [name, ...beside]) names.add(one);
      await mkdir(dirname(path), { recursive: true, mode: PRIVATE });
      await stageEntry(entry, path);
      return path;
    };
    return placeValue(value, place);
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
      for (const port of ports) {
        const staged = await stagePort(port, values[port.name]);
        if (staged !== undefined) paths[port.name] = staged;
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
