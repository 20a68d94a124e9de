/** Who a command is inside of its container, and how its files come to belong to the worker again. */
import { existsSync } from 'node:fs';
import { chmod, lchown, lstat, opendir } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { ContainerOptions } from '../../domain/backends/container';
import { StepcastError } from '../../domain/errors';
import type { AttemptPlace } from '../backend';
import type { EngineApi } from './api';
import { labelsFor } from './containerRequest';
import type { EngineFacts } from './facts';
import { removeContainer } from './running';

/** A folder of very many files takes its time. */
const GIVE_BACK_MS = 10 * 60_000;

/** As the engine names it: `uid:gid`. The worker, as it looks from inside. */
export function workerInside({ rootless }: Pick<EngineFacts, 'rootless'>): string {
  // There, root inside is the user who runs the engine.
  return rootless ? '0:0' : `${process.getuid?.() ?? 0}:${process.getgid?.() ?? 0}`;
}

/** The user inside; null: as the image says. */
export function userInside(
  { user }: Pick<ContainerOptions, 'user'>,
  facts: Pick<EngineFacts, 'rootless'>,
): string | null {
  if (user === undefined) return workerInside(facts);
  return user === 'image' ? null : user;
}

/** The folders of an Attempt that its command sees: those of its inputs, if there are any, its outputs and its passing files. */
export function foldersOf({ root, out, tmp }: AttemptPlace): string[] {
  return [join(root, 'in'), out, tmp].filter((folder) => existsSync(folder));
}

/** Lets another user than the worker read the inputs and write the outputs. Nobody else comes there: the folder above is closed. */
export async function openUp(directory: AttemptPlace): Promise<void> {
  const readable = async (folder: string): Promise<void> => {
    await chmod(folder, 0o755);
    for await (const entry of await opendir(folder)) {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) await readable(path);
      else if (entry.isFile()) await chmod(path, 0o644);
    }
  };
  for (const folder of foldersOf(directory)) await readable(folder);
  const writable = async (folder: string): Promise<void> => {
    await chmod(folder, 0o777);
    for await (const entry of await opendir(folder)) if (entry.isDirectory()) await writable(join(folder, entry.name));
  };
  for (const folder of [directory.out, directory.tmp]) await writable(folder);
}

/** Only root may give files away; others let the engine do it, by a container of the same image that runs `chown`. */
export async function giveBack(
  api: EngineApi,
  directory: AttemptPlace,
  { image, name, facts }: { readonly image: string; readonly name: string; readonly facts: EngineFacts },
): Promise<void> {
  const { out, tmp } = directory;
  if (process.getuid?.() === 0 && !facts.rootless) {
    for (const folder of [out, tmp]) await ownTree(folder);
    return;
  }
  const helper = `${name}-files`;
  try {
    await removeContainer(api, helper);
    await api.call('POST', '/containers/create', {
      query: { name: helper },
      body: {
        Image: image,
        Entrypoint: ['chown', '-R', workerInside(facts), out, tmp],
        Cmd: [],
        User: '0:0',
        Labels: labelsFor(directory, hostname()),
        HostConfig: {
          Mounts: [out, tmp].map((path) => ({ Type: 'bind', Source: path, Target: path })),
          NetworkMode: 'none',
        },
      },
    });
    await api.call('POST', `/containers/${helper}/start`);
    const { StatusCode } = (await api.call('POST', `/containers/${helper}/wait`, { timeoutMs: GIVE_BACK_MS })) as {
      StatusCode?: number;
    };
    if (StatusCode !== 0) throw new StepcastError('UNAVAILABLE', `chown ended with ${StatusCode}`);
  } catch (error) {
    throw new StepcastError(
      'UNAVAILABLE',
      'The files of the command belong to another user, and could not be given to the worker. Leave `user` out, or use an image with the program chown.',
      { cause: error },
    );
  } finally {
    await removeContainer(api, helper).catch(() => {});
  }
}

async function ownTree(path: string): Promise<void> {
  const found = await lstat(path);
  if (found.uid !== 0 || found.gid !== 0) await lchown(path, 0, 0);
  if (found.isDirectory()) for await (const entry of await opendir(path)) await ownTree(join(path, entry.name));
}
