/** What Linux tells of single processes, asked often and for many: synchronous, which costs less than Node's threads. */
import { readFileSync } from 'node:fs';

/** Empty for a process that has just ended, and where there is no /proc. */
export function readProc(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}

/** The processes and all that they have started, each once, at most so many. */
export function descendants(roots: Iterable<number>, atMost: number): ReadonlySet<number> {
  const pids = new Set(roots);
  // A set is walked in the order of its entries, those that come meanwhile included.
  for (const pid of pids) {
    if (pids.size >= atMost) break;
    for (const child of readProc(`/proc/${pid}/task/${pid}/children`).split(' '))
      if (child && pids.size < atMost) pids.add(Number(child));
  }
  return pids;
}

/** A field of a process in bytes, such as VmRSS of `status`; undefined where it is not told. */
export function bytesOf(pid: number | 'self', file: 'status' | 'smaps_rollup', field: string): number | undefined {
  const [, kilobytes] = new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(readProc(`/proc/${pid}/${file}`)) ?? [];
  return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
}
