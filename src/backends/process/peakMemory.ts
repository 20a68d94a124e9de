/**
 * Peak memory of commands. The kernel's own figure (`ru_maxrss`) starts at the worker's peak, since a spawned child
 * shares the worker's memory until it runs its program: it only tells of commands larger than the worker. For smaller
 * ones the high-water mark in /proc is sampled, by one timer for all. Elsewhere than on Linux only the first way works.
 */
import { bytesOf, descendants } from './procfs';

/** Ages of a process, in milliseconds, at which it is sampled; after the last one, every second. */
const FIRST_SAMPLES_MS = [10, 30, 60, 100, 200, 400, 700, 1000] as const;
const LATER_SAMPLES_MS = 1000;
/** Children and grandchildren of a command that are looked at in one sample. */
const MAX_PROCESSES_PER_SAMPLE = 16;

interface Watched {
  readonly pid: number;
  readonly since: number;
  samples: number;
  dueAt: number;
  peak: number;
}

/** A process under observation. */
export interface MemoryWatch {
  /** Ends it. Given `ru_maxrss`, returns the peak in bytes, or null when nothing trustworthy is known. */
  stop(maxRssBytes: number | null): number | null;
}

const watched = new Set<Watched>();
let timer: NodeJS.Timeout | undefined;
let timerDueAt = Infinity;
let ownPeak = 0;

/** Starts to sample the process and what it starts. Costs nothing for one that ends within ten milliseconds. */
export function watchMemory(pid: number): MemoryWatch {
  const since = performance.now();
  const entry: Watched = { pid, since, samples: 0, dueAt: since + FIRST_SAMPLES_MS[0], peak: 0 };
  if (process.platform === 'linux') {
    watched.add(entry);
    arm(entry.dueAt);
  }
  return {
    stop(maxRssBytes) {
      watched.delete(entry);
      if (maxRssBytes !== null && maxRssBytes > workerPeak(maxRssBytes)) return maxRssBytes;
      return entry.peak > 0 ? entry.peak : null;
    },
  };
}

/** The worker's own peak in bytes. It only grows, so it is read anew only when a command seems to have passed it. */
function workerPeak(seen: number): number {
  if (process.platform !== 'linux') return (ownPeak = Math.max(ownPeak, process.memoryUsage.rss()));
  if (seen > ownPeak) ownPeak = Math.max(ownPeak, highWaterMark('self'));
  return ownPeak;
}

function arm(dueAt: number): void {
  if (dueAt >= timerDueAt) return;
  clearTimeout(timer);
  timerDueAt = dueAt;
  timer = setTimeout(sampleDue, Math.max(1, dueAt - performance.now()));
  timer.unref();
}

function sampleDue(): void {
  timerDueAt = Infinity;
  const now = performance.now();
  let next = Infinity;
  for (const entry of watched) {
    if (entry.dueAt <= now) {
      entry.peak = Math.max(entry.peak, ...[...descendants([entry.pid], MAX_PROCESSES_PER_SAMPLE)].map(highWaterMark));
      entry.samples += 1;
      const age = FIRST_SAMPLES_MS[entry.samples];
      entry.dueAt = age === undefined ? now + LATER_SAMPLES_MS : entry.since + age;
    }
    next = Math.min(next, entry.dueAt);
  }
  if (next < Infinity) arm(next);
}

function highWaterMark(pid: number | 'self'): number {
  return bytesOf(pid, 'status', 'VmHWM') ?? 0;
}
