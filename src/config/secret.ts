import { randomBytes } from 'node:crypto';
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Settings } from './settings';

const SECRET_BYTES = 32;

/** The secret that signs links: the one of the settings, else one made once and kept in the home folder (mode 0600). */
export async function signingSecret(settings: Pick<Settings, 'home' | 'secret'>): Promise<string> {
  if (settings.secret !== undefined) return settings.secret;
  const file = path.join(settings.home, 'secret');
  await mkdir(settings.home, { recursive: true });
  const read = async (): Promise<string> => (await readFile(file, 'utf8').catch(() => '')).trim();
  const kept = await read();
  if (kept !== '') return kept;
  // API and worker may start at once: linking a finished file lets exactly one of them win.
  const draft = `${file}.${randomBytes(6).toString('hex')}`;
  await writeFile(draft, `${randomBytes(SECRET_BYTES).toString('hex')}\n`, { mode: 0o600 });
  await link(draft, file).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  });
  await rm(draft, { force: true });
  return read();
}
