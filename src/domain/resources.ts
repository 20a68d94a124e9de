/** What an Attempt may use, and how its command is told. */
import type { Resources, TaskSpec } from './definitions';

const MEBIBYTE = 1024 * 1024;

/**
 * What the next Attempt of a StepRun gets: what its Task declares, with the memory grown once for each of the
 * `outOfMemory` Attempts that were ended for using too much.
 */
export function resourcesOf(task: Pick<TaskSpec, 'resources' | 'retry'>, outOfMemory: number): Resources {
  const { resources = {}, retry } = task;
  const { memoryBytes } = resources;
  if (memoryBytes === undefined || retry.growth === undefined || outOfMemory === 0) return resources;
  const { memoryFactor, maxMemoryBytes } = retry.growth;
  // The power of many failures is infinite, and the cap holds it.
  const grown = Math.min(maxMemoryBytes, Math.floor(memoryBytes * memoryFactor ** outOfMemory));
  return { ...resources, memoryBytes: Math.max(memoryBytes, grown) };
}

/** The names of resources in a command, `$MEMORY` and so on, with what they stand for. Only what is declared. */
export function resourceWords(resources: Resources): Readonly<Record<string, string>> {
  const { memoryBytes, cpus, diskBytes } = resources;
  return {
    ...(memoryBytes === undefined
      ? {}
      : { MEMORY: String(memoryBytes), MEMORY_MB: String(Math.floor(memoryBytes / MEBIBYTE)) }),
    ...(cpus === undefined ? {} : { CPUS: String(cpus) }),
    ...(diskBytes === undefined ? {} : { DISK: String(diskBytes) }),
  };
}

/** The same as environment variables, for every command. */
export function resourceVariables(resources: Resources): Readonly<Record<string, string>> {
  const { memoryBytes, cpus, diskBytes } = resources;
  return {
    ...(memoryBytes === undefined ? {} : { STEPCAST_MEMORY_BYTES: String(memoryBytes) }),
    ...(cpus === undefined ? {} : { STEPCAST_CPUS: String(cpus) }),
    ...(diskBytes === undefined ? {} : { STEPCAST_DISK_BYTES: String(diskBytes) }),
  };
}
