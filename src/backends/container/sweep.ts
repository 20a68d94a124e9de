/** Containers that nobody waits for: those whose Attempt's directory is gone. */
import { existsSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { messageOf } from '../../domain/errors';
import type { EngineApi } from './api';
import { LABELS } from './containerRequest';
import { removeContainer } from './running';

interface Listed {
  readonly Id: string;
  readonly Labels?: Readonly<Record<string, string>> | null;
}

/**
 * Removes the containers of workers of this machine, with their directories in `folder`, whose directory is not there any
 * more: an Attempt goes on, or is found again, as long as it has one. One that resists is told to `log`. Returns how many.
 */
export async function sweepContainers(api: EngineApi, folder: string, log: (message: string) => void): Promise<number> {
  const filters = JSON.stringify({ label: [`${LABELS.host}=${hostname()}`] });
  const all = (await api.call('GET', '/containers/json', { query: { all: 'true', filters } })) as readonly Listed[];
  let removed = 0;
  for (const { Id, Labels } of all) {
    const directory = Labels?.[LABELS.directory];
    if (directory === undefined || dirname(directory) !== folder || existsSync(directory)) continue;
    try {
      await removeContainer(api, Id);
      removed += 1;
    } catch (error) {
      log(`A container that nobody waits for is left: ${messageOf(error)}`);
    }
  }
  return removed;
}
