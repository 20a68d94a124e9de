/** What is kept of a job in the directory of its Attempt, so that another worker finds it again. */
import { randomUUID } from 'node:crypto';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { StepcastError } from '../../domain/errors';
import type { AttemptPlace } from '../backend';
import { batchFolder } from './folder';

export interface JobRecord {
  /** The unique name under which it was, or is being, submitted. */
  readonly name: string;
  /** The array index; null for a plain job. */
  readonly index: number | null;
  /** The scheduler's id; null as long as the scheduler has not answered. */
  readonly job: string | null;
}

const fileOf = (place: AttemptPlace): string => join(batchFolder(place), 'job.json');

/** Whole or not at all. Throws when the directory has gone, or its disk is full. */
export async function writeRecord(place: AttemptPlace, record: JobRecord): Promise<void> {
  const passing = join(batchFolder(place), `.${randomUUID()}`);
  await writeFile(passing, JSON.stringify(record), { mode: 0o600 });
  await rename(passing, fileOf(place));
}

/** Null when nothing was ever submitted from there. */
export async function readRecord(place: AttemptPlace): Promise<JobRecord | null> {
  let text: string;
  try {
    text = await readFile(fileOf(place), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw new StepcastError('UNAVAILABLE', `${fileOf(place)} cannot be read`, { cause: error });
  }
  return JSON.parse(text) as JobRecord;
}
