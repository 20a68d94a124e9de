/** The words of bubblewrap for a command that is to see the system and its own directory alone. */
import { existsSync, lstatSync, realpathSync } from 'node:fs';
import { sep } from 'node:path';
import type { SandboxOptions } from '../../domain/backends/local';
import type { AttemptPlace } from '../backend';
import type { Private } from './notForAll';

/** Where programs and their libraries, data and settings lie; those that are there are seen, and cannot be changed. */
const SYSTEM = [
  '/usr',
  '/bin',
  '/sbin',
  '/lib',
  '/lib32',
  '/lib64',
  '/libx32',
  '/etc',
  '/opt',
  '/nix/store',
  '/gnu/store',
];

/** Where what not everybody may read is hidden. */
export const SETTINGS = '/etc';

/** Facts of this machine. */
export interface SandboxMachine {
  readonly bubblewrap: string;
  /** What the worker may be able to read among the settings, and no command needs. */
  readonly hidden: readonly Private[];
}

/** All words up to the command's own, which follow them. */
export function sandboxWords(
  { network, readOnly, writable }: SandboxOptions,
  directory: AttemptPlace,
  { bubblewrap, hidden }: SandboxMachine,
): string[] {
  const seen = SYSTEM.filter((path) => existsSync(path));
  return [
    bubblewrap,
    '--unshare-all',
    ...(network ? ['--share-net'] : []),
    '--die-with-parent',
    ...['--cap-drop', 'ALL'],
    ...seen.flatMap((path) => ['--ro-bind', path, path]),
    ...hidden.flatMap(cover),
    ...(network ? nameServers() : []),
    ...['--proc', '/proc', '--dev', '/dev'],
    // On disk, and gone with the Attempt; a file system in memory would have no bound.
    ...['--bind', directory.tmp, '/tmp'],
    ...readOnly.flatMap((path) => ['--ro-bind', path, path]),
    ...writable.flatMap((path) => ['--bind', path, path]),
    ...['--bind', directory.root, directory.root],
    ...['--remount-ro', '/', '--chdir', directory.out, '--'],
  ];
}

/** Nothing for what has gone meanwhile: bubblewrap would try to make it. */
function cover({ path, isFolder }: Private): string[] {
  if (!lstatSync(path, { throwIfNoEntry: false })) return [];
  return isFolder ? ['--tmpfs', path, '--remount-ro', path] : ['--ro-bind', '/dev/null', path];
}

/** /etc/resolv.conf is often a link into /run, which is not seen. */
function nameServers(): string[] {
  if (!existsSync('/etc/resolv.conf')) return [];
  const real = realpathSync('/etc/resolv.conf');
  return real.startsWith('/etc/') ? [] : ['--ro-bind', real, real];
}

/** Whether a program at this path is there inside of the sandbox. */
export function isSeen(path: string, { readOnly, writable }: SandboxOptions, directory: AttemptPlace): boolean {
  const real = realpathSync(path);
  const roots = [...SYSTEM, ...readOnly, ...writable, directory.root].filter((root) => existsSync(root));
  return roots.some((root) => [root, realpathSync(root)].some((one) => real === one || real.startsWith(one + sep)));
}
