/**
 * Groups of processes that the kernel holds to their memory, cores and number: control groups, version 1 or 2. A process
 * enters before it becomes the command, so that nothing it starts is ever outside.
 */
import { mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { LimitOptions } from '../../domain/backends/local';
import { messageOf, StepcastError } from '../../domain/errors';
import { isGone, ownMark, type WorkerMark } from '../process/identity';

export type Controller = 'memory' | 'cpu' | 'pids';
const CONTROLLERS: readonly Controller[] = ['memory', 'cpu', 'pids'];

export interface ControlGroup {
  /** Each takes the number of a process that is to enter. */
  readonly entrances: readonly string[];
  /** Processes in it that the kernel has killed for want of memory. */
  memoryKills(): number;
  /** Ends all that is in it, wherever that has fled. */
  kill(): void;
  /** The same, and removes it. */
  remove(): Promise<void>;
}

export interface ControlGroups {
  readonly version: 1 | 2;
  readonly controllers: ReadonlySet<Controller>;
  /** Throws UNAVAILABLE when the kernel refuses. */
  create(name: string, limits: Pick<LimitOptions, 'memoryBytes' | 'cpus' | 'processes'>): ControlGroup;
}

/** The files of this machine, or a copy of their layout. */
export interface CgroupFiles {
  readonly mount: string;
  /** /proc/self/cgroup */
  readonly own: string;
}

const PERIOD_MICROSECONDS = 100_000;
const PREFIX = 'stepcast-';
const REMOVE_TRIES = 50;
const REMOVE_AGAIN_MS = 20;

const HERE: CgroupFiles = { mount: '/sys/fs/cgroup', own: '/proc/self/cgroup' };

/** What this worker may use; null where there is nothing. Groups that dead workers have left go, with all that runs in them. */
export function findControlGroups(files: CgroupFiles = HERE): ControlGroups | null {
  const places = findPlaces(files);
  const controllers = new Set([...places.folders.keys()]);
  if (controllers.size === 0) return null;
  for (const folder of new Set(places.folders.values())) sweep(folder);
  return {
    version: places.version,
    controllers,
    create: (name, limits) => create(places, name, limits),
  };
}

interface Places {
  readonly version: 1 | 2;
  /** Below which folder a controller's groups are made. */
  readonly folders: ReadonlyMap<Controller, string>;
}

function findPlaces({ mount, own }: CgroupFiles): Places {
  const lines = read(own).split('\n');
  const unified = lines.find((line) => line.startsWith('0::'))?.slice(3) ?? '';
  const version1 = new Map<Controller, string>();
  for (const line of lines) {
    const [, names = '', path = ''] = /^\d+:([^:]+):(.*)$/.exec(line) ?? [];
    for (const name of names.split(','))
      if (isController(name)) {
        // Inside a container the path may be that of the host, and only the top is to be seen.
        const folder = [join(mount, names, path), join(mount, name, path), join(mount, name)].find(canMakeGroups);
        if (folder !== undefined) version1.set(name, folder);
      }
  }
  if (version1.size > 0) return { version: 1, folders: version1 };
  // A group that has processes of its own cannot divide anything among groups below it, so they stand beside the worker's.
  const beside = dirname(join(mount, unified));
  const enabled = read(join(beside, 'cgroup.subtree_control')).split(/\s+/).filter(isController);
  const folders = new Map<Controller, string>(canMakeGroups(beside) ? enabled.map((name) => [name, beside]) : []);
  return { version: 2, folders };
}

const isController = (name: string): name is Controller => CONTROLLERS.some((one) => one === name);

function canMakeGroups(folder: string): boolean {
  const probe = join(folder, `${PREFIX}probe-${process.pid}`);
  try {
    mkdirSync(probe);
    rmdirSync(probe);
    return true;
  } catch {
    return false;
  }
}

function create(
  { version, folders }: Places,
  name: string,
  limits: Pick<LimitOptions, 'memoryBytes' | 'cpus' | 'processes'>,
): ControlGroup {
  const settings = version === 1 ? settingsOfVersion1(limits) : settingsOfVersion2(limits);
  const used = new Map<Controller, string>();
  for (const [controller] of settings) {
    const folder = folders.get(controller);
    if (folder === undefined)
      throw new StepcastError('UNAVAILABLE', `This worker has no control group for ${controller}.`);
    used.set(controller, join(folder, `${prefixOf(ownMark(''))}${name}`));
  }
  const groups = [...new Set(used.values())];
  try {
    for (const group of groups) mkdirSync(group, { recursive: true });
    for (const [controller, file, value, optional] of settings) {
      try {
        writeFileSync(join(used.get(controller) ?? '', file), value);
      } catch (error) {
        if (!optional) throw error;
      }
    }
  } catch (error) {
    for (const group of groups) tryRemove(group);
    const why = messageOf(error);
    throw new StepcastError('UNAVAILABLE', `A control group cannot be set up: ${why}`, { cause: error });
  }
  const memory = used.get('memory');
  return {
    entrances: groups.map((group) => join(group, 'cgroup.procs')),
    memoryKills: () => {
      if (memory === undefined) return 0;
      const told = read(join(memory, version === 1 ? 'memory.oom_control' : 'memory.events'));
      return Number(/^oom_kill (\d+)$/m.exec(told)?.[1] ?? 0);
    },
    kill: () => groups.forEach(kill),
    remove: () => endAndRemove(groups),
  };
}

/** Which file of which controller gets which text; the last are left out where the kernel lacks them. */
type Setting = readonly [controller: Controller, file: string, value: string, optional: boolean];

function settingsOfVersion1({ memoryBytes, cpus, processes }: LimitOptions): Setting[] {
  return [
    ...(memoryBytes === undefined
      ? []
      : ([
          ['memory', 'memory.limit_in_bytes', String(memoryBytes), false],
          // Without it, what does not fit would go on in swap.
          ['memory', 'memory.memsw.limit_in_bytes', String(memoryBytes), true],
        ] as const)),
    ...(cpus === undefined
      ? []
      : ([
          ['cpu', 'cpu.cfs_period_us', String(PERIOD_MICROSECONDS), false],
          ['cpu', 'cpu.cfs_quota_us', quota(cpus), false],
        ] as const)),
    ...(processes === undefined ? [] : ([['pids', 'pids.max', String(processes), false]] as const)),
  ];
}

function settingsOfVersion2({ memoryBytes, cpus, processes }: LimitOptions): Setting[] {
  return [
    ...(memoryBytes === undefined
      ? []
      : ([
          ['memory', 'memory.max', String(memoryBytes), false],
          ['memory', 'memory.swap.max', '0', true],
        ] as const)),
    ...(cpus === undefined ? [] : ([['cpu', 'cpu.max', `${quota(cpus)} ${PERIOD_MICROSECONDS}`, false]] as const)),
    ...(processes === undefined ? [] : ([['pids', 'pids.max', String(processes), false]] as const)),
  ];
}

/** The kernel takes no less than a millisecond. */
const quota = (cpus: number): string => String(Math.max(1000, Math.round(cpus * PERIOD_MICROSECONDS)));

/** Names the worker, so that the next one sees whether it is gone. Process numbers mean nothing in another name space. */
const prefixOf = ({ namespace, pid, startedAt }: WorkerMark): string =>
  `${PREFIX}${namespace.replaceAll('-', '')}-${pid}-${startedAt}-`;

/** What workers have left that are gone: what fled there and cleared its environment is known by its group alone. */
function sweep(folder: string): void {
  const { namespace } = ownMark('');
  for (const name of listed(folder)) {
    const [start, pid, startedAt] = new RegExp(`^${PREFIX}\\w+-(\\d+)-(\\w+)-`).exec(name) ?? [];
    if (pid === undefined || startedAt === undefined) continue;
    const mark = { workerId: '', namespace, pid: Number(pid), startedAt };
    if (start === prefixOf(mark) && isGone(mark)) void endAndRemove([join(folder, name)]);
  }
}

async function endAndRemove(groups: readonly string[]): Promise<void> {
  for (let tries = 0; tries < REMOVE_TRIES; tries += 1) {
    if (groups.map(tryRemove).every(Boolean)) return;
    groups.forEach(kill);
    await delay(REMOVE_AGAIN_MS);
  }
}

function kill(group: string): void {
  for (const pid of read(join(group, 'cgroup.procs')).split('\n').map(Number)) {
    if (!(pid > 0)) continue; // one of another name space is 0
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // it has just ended
    }
  }
}

function listed(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** A group with processes in it stays. */
function tryRemove(group: string): boolean {
  try {
    rmdirSync(group);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT';
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}
