/**
 * Where Attempts have their directories: in the worker's own folder, or, when they may outlive it, in a shared one. A kept
 * directory is held by one Attempt at a time, the number of which is a file name in it. Taking it over is a rename and
 * letting go of it an unlink, so that of a worker that lost its step and the one that has it now only one succeeds.
 */
import { existsSync, mkdirSync, readdirSync, renameSync, unlinkSync, writeFileSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BackendSpec } from '../../domain/definitions';
import { StepcastError } from '../../domain/errors';
import type { AttemptPlace } from '../backend';

/** In the work folder; a worker's own folder has a `~` in its name. */
export const KEPT = 'kept';
/** In a kept directory, beside the Attempt's files: the Backend that runs it. */
const SPEC_FILE = 'backend.json';
/** In a kept directory, the worker's alone: holds one empty file, named after the number of the Attempt that holds it. */
const HOLD_FOLDER = 'hold';
const IS_KEPT = /^(.+)\.(\d+)$/;

/**
 * The kept directory of the newest earlier Attempt of a StepRun, from now on held by this one; undefined when there is none.
 * Throws CONFLICT when a later Attempt holds it.
 */
export function takeOver(folder: string, stepRunId: string, attempt: number): AttemptPlace | undefined {
  for (let earlier = attempt; earlier > 0; earlier -= 1) {
    const root = join(folder, `${stepRunId}.${earlier}`);
    const holder = holderOf(root);
    if (holder === undefined || !existsSync(join(root, SPEC_FILE))) continue;
    if (holder > attempt)
      throw new StepcastError('CONFLICT', `Attempt ${holder} of step run ${stepRunId} has gone on with it.`);
    if (succeeds(() => renameSync(holdFile(root, holder), holdFile(root, attempt)))) return placeAt(root);
  }
  return undefined;
}

const placeAt = (root: string): AttemptPlace => ({ root, out: join(root, 'out'), tmp: join(root, 'tmp') });
const holdFile = (root: string, attempt: number): string => join(root, HOLD_FOLDER, String(attempt));

function holderOf(root: string): number | undefined {
  let names: string[] = [];
  succeeds(() => (names = readdirSync(join(root, HOLD_FOLDER))));
  return names.map(Number).find((number) => Number.isInteger(number));
}

/** False when the file is not there. */
function succeeds(act: () => unknown): boolean {
  try {
    act();
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return false;
  }
}

/** Notes which Backend runs there, and who holds it: from then on the directory is kept until its step has ended. */
export async function keep(place: AttemptPlace, attempt: number, spec: BackendSpec): Promise<void> {
  await mkdir(place.root, { recursive: true });
  mkdirSync(join(place.root, HOLD_FOLDER), 0o700);
  writeFileSync(holdFile(place.root, attempt), '', { mode: 0o600 });
  await writeFile(join(place.root, SPEC_FILE), JSON.stringify(spec), { mode: 0o600 });
}

/** Whether the Attempt holds it still. */
export const isHeld = ({ root }: AttemptPlace, attempt: number): boolean =>
  existsSync(holdFile(root, attempt)) || isCleared(root);

/** Lets go of it for good: nobody goes on with it. False when the Attempt does not hold it any more. */
export const release = ({ root }: AttemptPlace, attempt: number): boolean =>
  succeeds(() => unlinkSync(holdFile(root, attempt))) || isCleared(root);

/**
 * The command has removed what was noted here, so nobody can have taken it over: whoever lets go leaves an empty folder.
 * Were it taken for lost, the step would be queued again and again.
 */
const isCleared = (root: string): boolean => existsSync(root) && !existsSync(join(root, HOLD_FOLDER));

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
