/** The folder that a job's runner and Stepcast share, in the directory of the Attempt. */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { AttemptPlace } from '../backend';
import { runnerScript, SCRIPT_FILE, STOP_FILE, WRITTEN_FILES, type RunnerRequest } from './runner';
import { parseEnd, type RunnerEnd } from './runnerFiles';

/** Where it lies. */
export const batchFolder = (place: AttemptPlace): string => join(place.root, 'batch');

/** Writes the runner and the files that it writes to. Throws BAD_INPUT for what no command line can hold. */
export async function writeRunner(request: RunnerRequest): Promise<void> {
  const { folder } = request;
  const text = runnerScript(request);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await writeFile(join(folder, SCRIPT_FILE), text, { mode: 0o600 });
  for (const name of Object.values(WRITTEN_FILES)) await writeFile(join(folder, name), '', { mode: 0o600 });
}

/** The machine on which the command runs or has run; null when it has not begun. */
export async function readMachine(folder: string): Promise<string | null> {
  return (await read(folder, WRITTEN_FILES.started)).trim() || null;
}

/** Null as long as the runner has not said its last word. */
export async function readEnd(folder: string): Promise<RunnerEnd | null> {
  return parseEnd(await read(folder, WRITTEN_FILES.exit));
}

/** Asks the runner to end everything, without the scheduler. */
export async function askToStop(folder: string): Promise<void> {
  await writeFile(join(folder, STOP_FILE), '').catch(() => {}); // its directory has gone, and it with it
}

/** Makes NFS look whether there is something new. */
export async function refresh(folder: string): Promise<void> {
  await readdir(folder).catch(() => []);
}

/** These files are small, unless a command meddled with them. */
const MAX_BYTES = 64 * 1024;

async function read(folder: string, name: string): Promise<string> {
  try {
    const text = await readFile(join(folder, name), 'latin1');
    return text.slice(0, MAX_BYTES);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}
