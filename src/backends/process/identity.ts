/**
 * How a process is told to be ours. Every command carries two variables, inherited by all that it starts: the worker
 * it belongs to and the Attempt. A worker's mark holds its pid and start time, so that a later process on the same
 * machine can see that it is gone, even when its pid has been given to another.
 */
import { readFileSync, readlinkSync } from 'node:fs';
import { processStart } from './processList';

export const ATTEMPT_VARIABLE = 'STEPCAST_ATTEMPT';
export const WORKER_VARIABLE = 'STEPCAST_WORKER';

/** A worker process on this machine. */
export interface WorkerMark {
  readonly workerId: string;
  /** Names the set of processes in which `pid` has a meaning: a container has its own. */
  readonly namespace: string;
  readonly pid: number;
  /** In units of the system's own; equal for the same process only. */
  readonly startedAt: string;
}

/** The mark of the process that calls. */
export function ownMark(workerId: string): WorkerMark {
  return { workerId, namespace: pidNamespace(), pid: process.pid, startedAt: processStart(process.pid) ?? 'unknown' };
}

/** The mark as one word for an environment variable: no spaces, and slashes only between its parts. */
export function formatMark(mark: WorkerMark): string {
  return `${encodeURIComponent(mark.workerId)}/${mark.namespace}/${mark.pid}/${mark.startedAt}`;
}

/** Undefined for text that is not a mark. */
export function parseMark(text: string): WorkerMark | undefined {
  const match = /^([^/]*)\/([^/]*)\/(\d+)\/([^/]+)$/.exec(text);
  const [, workerId, namespace, pid, startedAt] = match ?? [];
  if (workerId === undefined || namespace === undefined || startedAt === undefined) return undefined;
  return { workerId: decodeURIComponent(workerId), namespace, pid: Number(pid), startedAt };
}

/** Whether the mark's worker lived on this machine and lives no more. False when that cannot be known from here. */
export function isGone(mark: WorkerMark): boolean {
  return mark.namespace === pidNamespace() && processStart(mark.pid) !== mark.startedAt;
}

/** The variables that mark a command's environment. */
export function marks(workerMark: string, stepRunId: string, attempt: number): Record<string, string> {
  return { [ATTEMPT_VARIABLE]: `${stepRunId}.${attempt}`, [WORKER_VARIABLE]: workerMark };
}

let namespace: string | undefined;

function pidNamespace(): string {
  return (namespace ??= readNamespace());
}

function readNamespace(): string {
  if (process.platform !== 'linux') return 'host';
  try {
    return /\d+/.exec(readlinkSync('/proc/self/ns/pid'))?.[0] ?? 'host';
  } catch {
    // No namespace in this kernel: the boot tells machines apart as well.
    return readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
  }
}
