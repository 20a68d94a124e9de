/**
 * Ends a command with everything it started. A child that opened a session of its own or lost its parent is found by
 * the mark in its environment. Out of reach is only a process that did all of these and also cleared its environment.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { isGone, parseMark, WORKER_VARIABLE } from './identity';
import { listProcesses, type ProcessEntry } from './processList';

/** Between SIGTERM and SIGKILL, in milliseconds. */
export const DEFAULT_GRACE_MS = 500;
/** How often the end of a process is looked for while it is awaited, in milliseconds. */
const LOOK_AGAIN_MS = 10;
/** Rounds of finding and killing before what is left is given up as unkillable (stuck in the kernel). */
const MAX_ROUNDS = 200;
/** Scans in a row that must find nothing, since a scan can miss a process that is born while it goes. */
const EMPTY_SCANS = 2;

/** What belongs to one Attempt. */
export interface Tree {
  /** The command itself, leader of its session and group. It must be a child that this process waits for. */
  readonly pid: number;
  /** The `NAME=value` strings that all its processes carry. */
  readonly marks: readonly string[];
}

/**
 * SIGTERM to all, after the grace SIGKILL to what is left, again until nothing is found. Resolves when all have ended
 * (or after a bounded number of rounds) with the number of processes that were told to end.
 */
export async function killTree(tree: Tree, graceMs: number = DEFAULT_GRACE_MS): Promise<number> {
  const belongs = belongsTo(tree);
  // The group first and at once: it is what must end even when the machine is too busy for a scan.
  const groupAlive = signalGroup(tree.pid, graceMs > 0 ? 'SIGTERM' : 'SIGKILL');
  const members = await select(belongs);
  if (!groupAlive && members.length === 0) return 0;
  if (graceMs > 0) {
    for (const entry of members) if (entry.group !== tree.pid) signal(entry.pid, 'SIGTERM');
    const deadline = performance.now() + graceMs;
    while (performance.now() < deadline && (groupExists(tree.pid) || members.some(isAlive))) await delay(LOOK_AGAIN_MS);
    signalGroup(tree.pid, 'SIGKILL');
  }
  // Descendants are remembered from here on: once their parents are gone, the chain that led to them is too.
  return killUntilNone(belongs, members);
}

/** Every process of the tree, wherever it has gone. It looks through all processes of the machine. */
export function membersOf(tree: Tree): Promise<ProcessEntry[]> {
  return select(belongsTo(tree));
}

const belongsTo = (tree: Tree) => (entry: ProcessEntry) =>
  entry.pid === tree.pid ||
  entry.group === tree.pid ||
  entry.session === tree.pid ||
  // No marks at all would be carried by every process of the machine.
  (tree.marks.length > 0 && tree.marks.every((mark) => entry.has(mark)));

/** SIGKILL to every process with the mark, and their descendants, until none is left. Returns how many there were. */
export function killMarked(mark: string): Promise<number> {
  return killUntilNone((entry) => entry.has(mark), []);
}

/** SIGKILL to every process for which `judge` returns true of its worker's mark. Returns how many there were. */
export function killByWorker(judge: (workerMark: string, entry: ProcessEntry) => boolean): Promise<number> {
  return killUntilNone((entry) => {
    const workerMark = entry.variable(WORKER_VARIABLE);
    return workerMark !== undefined && judge(workerMark, entry);
  }, []);
}

/** Ends what workers that are gone have left on this machine. Returns how many processes. */
export function killOrphans(): Promise<number> {
  const gone = new Map<string, boolean>();
  return killByWorker((text) => {
    const known = gone.get(text);
    if (known !== undefined) return known;
    const mark = parseMark(text);
    const verdict = mark !== undefined && isGone(mark);
    gone.set(text, verdict);
    return verdict;
  });
}

async function killUntilNone(
  belongs: (entry: ProcessEntry) => boolean,
  remembered: readonly ProcessEntry[],
): Promise<number> {
  const seen = new Map(remembered.map((entry) => [identity(entry), entry]));
  let empty = 0;
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const found = await select((entry) => seen.has(identity(entry)) || belongs(entry));
    if (found.length === 0) {
      empty += 1;
      if (seen.size === 0 || empty >= EMPTY_SCANS) break;
      continue;
    }
    empty = 0;
    for (const entry of found) {
      seen.set(identity(entry), entry);
      signal(entry.pid, 'SIGKILL');
    }
    await delay(LOOK_AGAIN_MS);
  }
  return seen.size;
}

/** The processes that belong, with all their descendants; never this process itself. */
async function select(belongs: (entry: ProcessEntry) => boolean): Promise<ProcessEntry[]> {
  const all = await listProcesses();
  const children = new Map<number, ProcessEntry[]>();
  for (const entry of all) {
    const siblings = children.get(entry.parent);
    if (siblings) siblings.push(entry);
    else children.set(entry.parent, [entry]);
  }
  const chosen = new Map<number, ProcessEntry>();
  const waiting = all.filter((entry) => entry.pid !== process.pid && belongs(entry));
  for (let entry = waiting.pop(); entry; entry = waiting.pop()) {
    if (chosen.has(entry.pid) || entry.pid === process.pid) continue;
    chosen.set(entry.pid, entry);
    waiting.push(...(children.get(entry.pid) ?? []));
  }
  return [...chosen.values()];
}

const identity = (entry: ProcessEntry): string => `${entry.pid}@${entry.startedAt}`;

/** Whether a group of this number has a member, a zombie included. */
export function groupExists(group: number): boolean {
  return signal(-group, 0);
}

const isAlive = (entry: ProcessEntry): boolean => signal(entry.pid, 0);

const signalGroup = (group: number, name: NodeJS.Signals): boolean => signal(-group, name);

/** False when there is no such process any more. */
function signal(pid: number, name: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, name);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
