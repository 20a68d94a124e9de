/** The definitions of a folder, which must hold no fault. */
import { dirname } from 'node:path';
import type { JobSpec, TaskSpec } from '../../src/domain/definitions';
import { readDefinitions } from '../../src/formats/folder';
import { parseSources } from '../../src/formats/parse';
import { formatProblem } from '../../src/formats/problem';

export interface Loaded {
  readonly jobs: ReadonlyMap<string, { readonly job: JobSpec; readonly dir: string }>;
  readonly tasks: ReadonlyMap<string, TaskSpec>;
}

export async function loadFolder(folder: string): Promise<Loaded> {
  const sources = (await readDefinitions([folder])).map((file) => {
    if ('error' in file) throw new Error(file.error);
    return file;
  });
  const sets = parseSources(sources).map((parsed, index) => {
    if (!parsed.ok) throw new Error(parsed.problems.map(formatProblem).join('\n'));
    return { set: parsed.set, dir: dirname(sources[index]?.name ?? '') };
  });
  return {
    tasks: new Map(sets.flatMap(({ set }) => set.tasks.map((task): [string, TaskSpec] => [task.name, task]))),
    jobs: new Map(sets.flatMap(({ set, dir }) => set.jobs.map((job) => [job.name, { job, dir }] as const))),
  };
}
