/** Where Attempts have their directories: in the worker's own folder, or, when they may outlive it, in a shared one. */
import { existsSync, readdirSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BackendSpec } from '../../domain/definitions';
import { StepcastError } from '../../domain/errors';
import type { AttemptPlace } from '../backend';

/** In the work folder; a worker's own folder has a `~` in its name. */
export const KEPT = 'kept';
/** In a kept directory, beside the Attempt's files: the Backend that runs it. */
const SPEC_FILE = 'backend.json';
const IS_KEPT = /^(.+)\.(\d+)$/;

/** The kept directory of the newest earlier Attempt of a StepRun; undefined when there is none. */
export function keptPlace(folder: string, stepRunId: string, attempt: number): AttemptPlace | undefined {
  for (let earlier = attempt; earlier > 0; earlier -= 1) {
    const root = join(folder, `${stepRunId}.${earlier}`);
    if (existsSync(join(root, SPEC_FILE))) return placeAt(root);
  }
  return undefined;
}

const placeAt = (root: string): AttemptPlace => ({ root, out: join(root, 'out'), tmp: join(root, 'tmp') });

/** Notes which Backend runs there: from then on the directory is kept until its step has ended. */
export async function keep(place: AttemptPlace, spec: BackendSpec): Promise<void> {
  await mkdir(place.root, { recursive: true });
  await writeFile(join(place.root, SPEC_FILE), JSON.stringify(spec), { mode: 0o600 });
}

/** A kept directory and the step that it belongs to. */
export interface Kept {
  readonly name: string;
  readonly stepRunId: string;
  readonly place: AttemptPlace;
}

/** All that are there. */
export function listKept(folder: string): Kept[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder).flatMap((name) => {
    const stepRunId = IS_KEPT.exec(name)?.[1];
    return stepRunId === undefined ? [] : [{ name, stepRunId, place: placeAt(join(folder, name)) }];
  });
}

/** The Backend noted there; null when the directory was left before that was done. */
export async function keptSpec(place: AttemptPlace): Promise<BackendSpec | null> {
  const text = await readFile(join(place.root, SPEC_FILE), 'utf8').catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw new StepcastError('UNAVAILABLE', `${place.root} cannot be read`, { cause: error });
  });
  try {
    return text === null ? null : (JSON.parse(text) as BackendSpec);
  } catch {
    return null; // cut short: nothing had been started yet
  }
}
