import { link, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { isAlive } from '../embedded';
import { StartError } from './startError';

/** Takes the home folder for this process, and returns what gives it back. Throws StartError when another one has it. */
export async function lockHome(home: string): Promise<() => Promise<void>> {
  await mkdir(home, { recursive: true }).catch((error: unknown) => {
    throw new StartError(`${home} cannot be made (${reasonOf(error)}): set STEPCAST_HOME to a folder you may write.`);
  });
  const file = path.join(home, 'launcher.pid');
  const mine = `${process.pid} ${await birthOf(process.pid)}\n`;
  for (;;) {
    try {
      await writeFile(file, mine, { flag: 'wx' });
      return async () => {
        if ((await readFile(file, 'utf8').catch(() => '')) === mine) await rm(file, { force: true });
      };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') {
        throw new StartError(`${home} cannot be written (${reasonOf(error)}): change its mode, or set STEPCAST_HOME.`);
      }
    }
    const found = await readFile(file, 'utf8').catch(() => '');
    const [pid = '', birth = ''] = found.trim().split(' ');
    if (isAlive(Number(pid)) && (await birthOf(Number(pid))) === birth) {
      throw new StartError(
        `Stepcast runs on ${home} already (process ${pid}): stop that one, or set STEPCAST_HOME to another folder.`,
      );
    }
    await removeStale(file, found);
  }
}

// Of two starts at once that both found the same stale lock, the slower one must not take away the quicker one's new
// lock: so it is moved aside first, looked at, and put back when it is not the stale one.
async function removeStale(file: string, stale: string): Promise<void> {
  const aside = `${file}.${process.pid}`;
  await rename(file, aside).catch(() => undefined);
  if ((await readFile(aside, 'utf8').catch(() => stale)) !== stale) await link(aside, file).catch(() => undefined);
  await rm(aside, { force: true });
}

/** When a process was born, in ticks since boot: numbers of processes are used again, these pairs are not. */
async function birthOf(pid: number): Promise<string> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  // The name, in parentheses, may hold spaces: fields are counted from behind it.
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '-';
}

function reasonOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? String(error);
}
