/** A place with little room, to be filled: a file system of its own where that is allowed, else a limit on file sizes. */
import { execFile } from 'node:child_process';
import { open, rm } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const DISK_BYTES = 4 * 2 ** 20;
const PIECE = Buffer.alloc(64 * 1024, 'x');

export interface SmallDisk {
  /** How it is filled on this machine: `mount` needs root, `limit` needs `prlimit`, `none` cannot be done here. */
  readonly means: 'mount' | 'limit' | 'none';
  /** Makes it full for the process that works there; returns what proves it. */
  fill(pid: number): Promise<string>;
  free(pid: number): Promise<void>;
  close(): Promise<void>;
}

/** The folder must be empty, and nobody may have a file open in it. */
export async function openSmallDisk(folder: string): Promise<SmallDisk> {
  if (await succeeds('mount', ['-t', 'tmpfs', '-o', `size=${DISK_BYTES},mode=700`, 'stepcast-small', folder])) {
    const filler = path.join(folder, 'filler');
    return {
      means: 'mount',
      fill: () => fillUp(filler),
      free: () => rm(filler, { force: true }),
      close: async () => {
        await run('umount', ['--lazy', folder]);
      },
    };
  }
  if (await succeeds('prlimit', ['--version'])) {
    const limit = async (pid: number, most: string): Promise<void> => {
      await run('prlimit', ['--pid', String(pid), `--fsize=${most}:`]);
    };
    return {
      means: 'limit',
      fill: async (pid) => {
        await limit(pid, '0');
        const { stdout } = await run('prlimit', ['--pid', String(pid), '--fsize', '--output=SOFT', '--noheadings']);
        if (stdout.trim() !== '0') throw new Error(`the limit of ${pid} is ${stdout.trim()}`);
        return 'no file may grow';
      },
      free: (pid) => limit(pid, 'unlimited'),
      close: () => Promise.resolve(),
    };
  }
  return {
    means: 'none',
    fill: () => Promise.reject(new Error('this machine offers no way to fill a disk')),
    free: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
}

async function fillUp(file: string): Promise<string> {
  const filler = await open(file, 'a');
  try {
    for (let pieces = 0; pieces <= DISK_BYTES / PIECE.length; pieces += 1) await filler.write(PIECE);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOSPC') return 'ENOSPC';
    throw error;
  } finally {
    await filler.close();
  }
  throw new Error(`${file} took more than the disk holds`);
}

async function succeeds(command: string, args: readonly string[]): Promise<boolean> {
  return run(command, [...args]).then(
    () => true,
    () => false,
  );
}
