/** Resident memory of other processes, from `/proc`. */
import { readFileSync } from 'node:fs';

const SAMPLE_MS = 100;

/** In bytes. */
export function rssOf(pid: number): number {
  return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1024;
}

/** Looks at the processes while `work` runs; returns the largest resident memory of each, in bytes, in their order. */
export async function peakRss<T>(
  pids: readonly number[],
  work: () => Promise<T>,
): Promise<{ readonly value: T; readonly peaks: readonly number[] }> {
  const peaks = pids.map(rssOf);
  const timer = setInterval(() => {
    pids.forEach((pid, index) => (peaks[index] = Math.max(peaks[index] ?? 0, rssOf(pid))));
  }, SAMPLE_MS);
  try {
    return { value: await work(), peaks };
  } finally {
    clearInterval(timer);
  }
}
