import { chmod, mkdir, mkdtemp, readdir, readFile, rename, rm, symlink } from 'node:fs/promises';
import path from 'node:path';
import { run } from './process';

/** A Redis server that runs here. */
export interface RedisBinary {
  readonly server: string;
  readonly env: NodeJS.ProcessEnv;
}

/** Never taken from the archive: a second libc beside the system's breaks both. */
const NEVER = /^libc6$/;
const WANTED = /^(lib.+|redis-tools)$/;
const FETCH_TIMEOUT_MS = 180_000;

/** The copy that an earlier start made, when it still runs. */
export async function findPrivateCopy(cache: string): Promise<RedisBinary | undefined> {
  return tryCopy(path.join(cache, await systemName()));
}

/**
 * Takes Redis and the libraries it lacks from the archive of a Debian-like system, without root and without touching
 * the system, into a folder of ours. Returns the reason, as part of a sentence, when that is not possible.
 */
export async function fetchPrivateCopy(cache: string, log: (line: string) => void): Promise<RedisBinary | string> {
  if (!(await run(['apt-get', '--version'])).ok) return 'and this system has no apt-get to take a copy with';
  const started = Date.now();
  log('Redis is not installed: taking a private copy from the archive of this system (once, a few seconds)');
  await mkdir(cache, { recursive: true });
  const work = await mkdtemp(path.join(cache, 'fetch-'));
  try {
    const state = path.join(work, 'state');
    const archives = path.join(work, 'archives');
    const tree = path.join(work, 'tree');
    for (const folder of [path.join(state, 'lists', 'partial'), path.join(archives, 'partial'), tree]) {
      await mkdir(folder, { recursive: true });
    }
    const apt = (...args: string[]): ReturnType<typeof run> =>
      run(['apt-get', ...aptOptions(state, work), ...args], { cwd: archives, timeoutMs: FETCH_TIMEOUT_MS });
    const updated = await apt('update');
    // Asks which packages this machine lacks; apt also exits with an error for one broken source among good ones.
    const plan = await apt('--simulate', '--no-install-recommends', 'install', 'redis-tools');
    const names = [...plan.stdout.matchAll(/^Inst (\S+)/gm)]
      .map((match) => (match[1] ?? '').split(':')[0] ?? '')
      .filter((name) => WANTED.test(name) && !NEVER.test(name));
    // `redis-tools` is installed without its server link on some systems: then only that package is taken.
    const packages = names.includes('redis-tools') ? names : ['redis-tools', ...names];
    const downloaded = await apt('download', ...packages);
    const files = (await readdir(archives)).filter((name) => name.endsWith('.deb'));
    if (files.length < packages.length) {
      return `and no copy could be taken: ${firstError(updated.output) ?? firstError(downloaded.output) ?? 'apt-get failed'}`;
    }
    for (const file of files) {
      const unpacked = await run(['dpkg-deb', '-x', path.join(archives, file), tree]);
      if (!unpacked.ok) return `and no copy could be unpacked: ${firstError(unpacked.output) ?? 'dpkg-deb failed'}`;
    }
    await linkServer(tree);
    if (!(await tryCopy(tree))) return 'and the copy that was taken does not run here';
    const target = path.join(cache, await systemName());
    await rm(target, { recursive: true, force: true });
    // Another process may have been quicker: then its copy is used.
    await rename(tree, target).catch(() => undefined);
    log(`Redis: the private copy is ready after ${((Date.now() - started) / 1_000).toFixed(1)} s`);
    return (await tryCopy(target)) ?? 'and the copy that was taken does not run here';
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

function aptOptions(state: string, cache: string): readonly string[] {
  return [
    `Dir::State=${state}`,
    'Dir::State::status=/var/lib/dpkg/status',
    `Dir::Cache=${cache}`,
    'Debug::NoLocking=1',
    'APT::Sandbox::User=',
    'APT::Update::Post-Invoke::=',
    'APT::Update::Post-Invoke-Success::=',
    'Acquire::Languages=none',
    'Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false',
    'Acquire::Retries=2',
  ].flatMap((option) => ['-o', option]);
}

/** In `redis-tools` the server is there under the name of its checker: it is the same file. */
async function linkServer(tree: string): Promise<void> {
  const folder = path.join(tree, 'usr', 'bin');
  await symlink('redis-check-rdb', path.join(folder, 'redis-server')).catch(() => undefined);
  await chmod(path.join(folder, 'redis-check-rdb'), 0o755).catch(() => undefined);
}

async function tryCopy(tree: string): Promise<RedisBinary | undefined> {
  const server = path.join(tree, 'usr', 'bin', 'redis-server');
  const roots = [path.join(tree, 'usr', 'lib'), path.join(tree, 'lib')];
  const libraries: string[] = [];
  for (const root of roots) {
    libraries.push(root);
    const entries = await readdir(root, { withFileTypes: true }).catch(() => []);
    libraries.push(...entries.filter((entry) => entry.isDirectory()).map((entry) => path.join(root, entry.name)));
  }
  const env = { LD_LIBRARY_PATH: libraries.join(':') };
  return (await run([server, '--version'], { env })).ok ? { server, env } : undefined;
}

async function systemName(): Promise<string> {
  const release = await readFile('/etc/os-release', 'utf8').catch(() => '');
  const value = (key: string): string => new RegExp(`^${key}="?([^"\n]*)"?$`, 'm').exec(release)?.[1] ?? 'unknown';
  return `${value('ID')}-${value('VERSION_ID')}-${process.arch}`.replaceAll(/[^\w.-]/g, '_');
}

function firstError(output: string): string | undefined {
  return /^(?:E|W|dpkg-deb: error): *(.*)$/m.exec(output)?.[1];
}
