/**
 * Holds a command and everything it started to their memory. The kernel's own limits (`setrlimit`) count what a program
 * reserves, which says little of what it uses, and count each process alone; so the tree is looked at instead, on Linux,
 * from /proc. Elsewhere nothing is held.
 */
import { bytesOf, descendants } from './procfs';
import { membersOf, type Tree } from './processTree';

/** How often the tree is looked at, in milliseconds: what it can take in between, it can take too much. */
const LOOK_MS = 100;
/** Each so many looks, what left the tree by losing its parent is searched among all processes. */
const LOOKS_PER_SEARCH = 10;
/** More processes than this are not counted. */
const MAX_PROCESSES = 1024;

/** A tree under watch. */
export interface MemoryLimit {
  /** Ends it. Returns the most that was seen, in bytes. */
  end(): number;
}

/** Calls `onExceeded` once, with what the tree uses, when that is more than the limit. In bytes. */
export function limitMemory(tree: Tree, limitBytes: number, onExceeded: (usedBytes: number) => void): MemoryLimit {
  let peak = 0;
  let looks = 0;
  let searching = false;
  let strays: readonly number[] = [];

  const search = (): void => {
    searching = true;
    void membersOf(tree)
      .then((members) => (strays = members.map((entry) => entry.pid)))
      .catch(() => {}) // the next search may find them
      .finally(() => (searching = false));
  };
  const look = (): void => {
    looks += 1;
    if (looks % LOOKS_PER_SEARCH === 0 && !searching) search();
    const pids = descendants([tree.pid, ...strays], MAX_PROCESSES);
    const resident = sum(pids, residentBytes);
    // Forked processes share pages that each of them counts as its own: the exact figure is dear, so it comes second.
    const used = resident > limitBytes ? sum(pids, (pid) => proportionalBytes(pid) ?? residentBytes(pid)) : resident;
    peak = Math.max(peak, used);
    if (used <= limitBytes) return;
    clearInterval(timer);
    onExceeded(used);
  };

  const timer = setInterval(look, LOOK_MS);
  timer.unref();
  if (process.platform !== 'linux') clearInterval(timer);
  return {
    end: () => {
      clearInterval(timer);
      return peak;
    },
  };
}

function sum(pids: ReadonlySet<number>, bytesIn: (pid: number) => number): number {
  let total = 0;
  for (const pid of pids) total += bytesIn(pid);
  return total;
}

const residentBytes = (pid: number): number => bytesOf(pid, 'status', 'VmRSS') ?? 0;

/** Each shared page is divided by the number of its sharers. Undefined where the kernel does not tell. */
const proportionalBytes = (pid: number): number | undefined => bytesOf(pid, 'smaps_rollup', 'Pss');
