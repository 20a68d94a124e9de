/** Holds an Attempt on Rserve's machine to its memory, as `process/memoryLimit.ts` does on this one: by looking. */
import { setTimeout as delay } from 'node:timers/promises';
import type { CommandHooks } from '../backend';
import type { Watcher } from './watcher';

/** How often it is looked, in milliseconds: what can be taken in between, can be taken too much. */
const LOOK_MS = 200;
/** Each so many looks, what left the session by losing its parent is searched among all processes. */
const LOOKS_PER_SEARCH = 10;

/** A session under watch. */
export interface HeldMemory {
  end(): void;
  /** The most that was seen; null when nothing was to be held, or nothing is told. */
  peakBytes(): number | null;
}

/** Ends the Attempt as OUT_OF_MEMORY when it uses more than the limit, in bytes; notes when that cannot be told there. */
export function holdMemory(
  base: string,
  limitBytes: number | undefined,
  watcher: Pick<Watcher, 'used'>,
  hooks: Pick<CommandHooks, 'outOfMemory' | 'note'>,
): HeldMemory {
  let ended = false;
  let peak: number | null = null;

  async function watch(limit: number): Promise<void> {
    for (let looks = 1; !ended; looks += 1) {
      const used = await watcher.used(base, limit, looks % LOOKS_PER_SEARCH === 0);
      if (ended) return;
      if (used === null) {
        hooks.note("The memory of this step is not held: Rserve's machine does not tell what a process uses.");
        return;
      }
      peak = Math.max(peak ?? 0, used);
      if (used > limit) return hooks.outOfMemory();
      await delay(LOOK_MS);
    }
  }
  // A machine that is gone is told by those who wait for the end.
  if (limitBytes !== undefined) void watch(limitBytes).catch(() => {});
  return { end: () => void (ended = true), peakBytes: () => peak };
}
