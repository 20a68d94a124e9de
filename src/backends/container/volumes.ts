/** Which folders of the host may be seen inside of containers. */
import { realpath } from 'node:fs/promises';
import { basename, dirname, join, resolve, sep } from 'node:path';
import type { ContainerVolume } from '../../domain/backends/container';
import { StepcastError } from '../../domain/errors';

/**
 * Throws CONFIGURATION for a volume that lies in none of the allowed folders, also by a link. A folder that only the
 * engine's machine has is judged by its name.
 */
export async function requireAllowed(volumes: readonly ContainerVolume[], allowed: readonly string[]): Promise<void> {
  const folders = await Promise.all(allowed.map(trueName));
  for (const { source } of volumes) {
    const real = await trueName(source);
    if (folders.some((folder) => real === folder || real.startsWith(folder === sep ? sep : folder + sep))) continue;
    const known = allowed.length === 0 ? 'none is allowed' : `allowed are ${allowed.join(', ')} and what lies in them`;
    throw new StepcastError(
      'CONFIGURATION',
      `The volume ${source} may not be used: ${known}. The operator of the worker allows more by STEPCAST_CONTAINER_VOLUMES.`,
    );
  }
}

/** Without `..`, and without links as far as this machine has the folders. */
async function trueName(path: string): Promise<string> {
  const plain = resolve(path);
  const parent = dirname(plain);
  return realpath(plain).catch(async () => (parent === plain ? plain : join(await trueName(parent), basename(plain))));
}
