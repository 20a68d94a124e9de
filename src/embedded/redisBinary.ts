import { access, mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { EmbeddedServiceError } from './errors';
import { run } from './process';
import { fetchPrivateCopy, findPrivateCopy, type RedisBinary } from './redisPrivateCopy';

/**
 * Finds Redis: on PATH, else the private copy of an earlier start, else a fresh private copy from the distribution's
 * archive. Throws a sentence with the install command of this platform.
 */
export async function findRedis(
  home: string,
  log: (line: string) => void,
  searchPath = process.env['PATH'],
): Promise<RedisBinary> {
  for (const server of ['redis-server', 'valkey-server']) {
    if ((await run([server, '--version'], { env: { PATH: searchPath } })).ok)
      return { server, env: { PATH: searchPath } };
  }
  const places = await cachePlaces(home);
  for (const place of places) {
    const found = await findPrivateCopy(place);
    if (found) return found;
  }
  let reason = 'and no folder to keep a copy in can be written';
  for (const place of places) {
    if (!(await writable(place))) continue;
    const fetched = await fetchPrivateCopy(place, log);
    if (typeof fetched !== 'string') return fetched;
    reason = fetched;
    break;
  }
  throw new EmbeddedServiceError('redis', `Redis is not installed here, ${reason}: ${await installHint()}`);
}

/** The project's cache first: homes come and go, and the copy is the same for all. */
async function cachePlaces(home: string): Promise<readonly string[]> {
  const project = await projectFolder();
  const shared = project === undefined ? [] : [path.join(project, 'node_modules', '.cache', 'stepcast', 'redis')];
  return [...shared, path.join(home, 'redis', 'program')];
}

async function projectFolder(): Promise<string | undefined> {
  for (let folder = __dirname; ; folder = path.dirname(folder)) {
    const found = await access(path.join(folder, 'node_modules')).then(
      () => true,
      () => false,
    );
    if (found) return folder;
    if (folder === path.dirname(folder)) return undefined;
  }
}

async function writable(folder: string): Promise<boolean> {
  return mkdir(folder, { recursive: true })
    .then(() => access(folder, 2))
    .then(
      () => true,
      () => false,
    );
}

/** What to type on this platform. */
export async function installHint(): Promise<string> {
  const command = await installCommand();
  return `install it with \`${command}\`, or set REDIS_URL to a running one.`;
}

async function installCommand(): Promise<string> {
  if (process.platform === 'darwin') return 'brew install redis';
  if (process.platform === 'win32') return 'wsl --install, and start Stepcast inside it';
  const release = await readFile('/etc/os-release', 'utf8').catch(() => '');
  const ids = [...release.matchAll(/^(?:ID|ID_LIKE)="?([^"\n]*)"?$/gm)].flatMap((match) => (match[1] ?? '').split(' '));
  if (ids.some((id) => ['fedora', 'rhel', 'centos'].includes(id))) return 'sudo dnf install valkey';
  if (ids.includes('alpine')) return 'apk add valkey';
  if (ids.includes('arch')) return 'sudo pacman -S valkey';
  if (ids.some((id) => id.includes('suse'))) return 'sudo zypper install redis';
  return 'sudo apt-get install redis-server';
}
