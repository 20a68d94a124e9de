/** Faults of single processes: killed, frozen, blocked, stopped, with a wrong clock, on a full disk. */
import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { isAlive } from '../../../src/embedded';
import { processesOf } from '../../e2e/support/processes';
import { LEASE_SECONDS, type Cluster, type Node } from './cluster';
import type { Fault, Target } from './faults';
import { commandsOf } from './processTable';
import { patiently } from './patiently';
import { provoke } from './provoke';

const HOUR_MS = 3_600_000;
const CLOCK_TOLERANCE_MS = 60_000;

const workers = ({ cluster, choose }: Target): Node => choose(cluster.nodes.filter((node) => node.kind === 'worker'));
const apis = ({ cluster, choose }: Target): Node => choose(cluster.nodes.filter((node) => node.kind === 'api'));

const kill =
  (targetOf: (target: Target) => Node): Fault =>
  async (target) => {
    const node = targetOf(target);
    const pid = node.process.pid();
    await node.takeDown('SIGKILL');
    if (isAlive(pid)) throw new Error(`${node.name} lives on`);
    await delay(target.between(0, 1_500));
    await node.bringBack();
    return node.name;
  };

const stop =
  (targetOf: (target: Target) => Node): Fault =>
  async (target) => {
    const node = targetOf(target);
    const pid = node.process.pid();
    await node.takeDown('SIGTERM');
    if (isAlive(pid)) throw new Error(`${node.name} lives on`);
    await node.bringBack();
    return node.name;
  };

/** The number under which a worker process serves now; null while it has none, or Postgres gives no answer. */
async function numberOf(cluster: Cluster, pid: number): Promise<string | null> {
  const rows = await cluster.stepcast
    .sql<{ id: string }>(`select id from worker where pid = $1 and state = 'ALIVE'`, [pid])
    .catch(() => []);
  return rows[0]?.id ?? null;
}

/** Waits until the worker was declared dead, which takes a Postgres that answers and somebody who dares to judge. */
const untilLost = (cluster: Cluster, id: string): Promise<boolean> =>
  patiently(`worker ${id} is declared dead`, async () => {
    const rows = await cluster.stepcast
      .sql<{ state: string }>('select state from worker where id = $1', [id])
      .catch(() => []);
    return rows[0]?.state === 'LOST';
  });

const freezeWorker: Fault = async (target) => {
  const node = workers(target);
  const pid = node.process.pid();
  const id = await patiently(`${node.name} serves`, () => numberOf(target.cluster, pid));
  node.process.signal('SIGSTOP');
  try {
    await patiently(`${node.name} is frozen`, async () => /^State:\s+T/m.test(await statusOf(pid)));
    await untilLost(target.cluster, id);
  } finally {
    node.process.signal('SIGCONT');
  }
  return `${node.name}, declared dead`;
};

const freezeApi: Fault = async (target) => {
  const node = apis(target);
  const pid = node.process.pid();
  node.process.signal('SIGSTOP');
  try {
    await patiently(`${node.name} is frozen`, async () => /^State:\s+T/m.test(await statusOf(pid)));
    await delay(target.between(500, 4_000));
  } finally {
    node.process.signal('SIGCONT');
  }
  return node.name;
};

const statusOf = (pid: number): Promise<string> => readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');

async function block(node: Node, milliseconds: number): Promise<string> {
  const { blockedMs } = (await node.process.ask({ block: milliseconds })) as { blockedMs: number };
  if (blockedMs < milliseconds) throw new Error(`${node.name} was blocked for ${blockedMs} ms only`);
  return `${node.name} for ${Math.round(blockedMs)} ms`;
}

const clock =
  (targetOf: (target: Target) => Node): Fault =>
  async (target) => {
    const node = targetOf(target);
    const jump = (target.fault.strength < 0.5 ? -1 : 1) * target.between(1, 30) * HOUR_MS;
    const set = async (shift: number): Promise<void> => {
      const { now } = (await node.process.ask({ clock: shift })) as { now: number };
      if (Math.abs(now - Date.now() - shift) > CLOCK_TOLERANCE_MS) throw new Error(`the clock of ${node.name} stayed`);
    };
    await set(jump);
    await delay(target.between(1_000, 3_000));
    await set(0);
    return `${node.name} by ${jump / HOUR_MS} h, and back`;
  };

const killGuard: Fault = async (target) => {
  const node = workers(target);
  const guards = async (): Promise<number[]> => {
    const found = await processesOf(`/${node.process.pid()}/`);
    const lines = await Promise.all(
      found.map(async (pid) => [pid, await readFile(`/proc/${pid}/cmdline`, 'latin1').catch(() => '')] as const),
    );
    return lines.filter(([, line]) => line.includes('guard.js')).map(([pid]) => pid);
  };
  const before = await guards();
  if (before.length === 0) throw new Error(`${node.name} has no guard`);
  for (const pid of before) process.kill(pid, 'SIGKILL');
  const after = await patiently(`${node.name} has another guard`, async () => {
    const found = await guards();
    return found.some((pid) => !before.includes(pid)) ? found : null;
  });
  return `${node.name}: ${before.join(', ')} replaced by ${after.join(', ')}`;
};

const killCommand: Fault = async (target) => {
  const pid = await patiently('a command runs', async () => {
    const running = await commandsOf(target.cluster);
    const one = running[Math.floor(target.fault.target * running.length)];
    if (one === undefined) {
      await provoke(target.cluster);
      return null;
    }
    try {
      process.kill(one, 'SIGKILL');
      return one;
    } catch {
      return null;
    }
  });
  return `process ${pid}`;
};

const fillDisk: Fault = async ({ cluster, between }) => {
  const { smallDisk, nodes } = cluster;
  const node = nodes.find((one) => one.kind === 'worker');
  if (!node) throw new Error('there is no worker');
  if (smallDisk.means === 'none') return 'not possible on this machine';
  const pid = node.process.pid();
  const proof = await smallDisk.fill(pid);
  try {
    await delay(between(1_000, 2_500));
  } finally {
    await smallDisk.free(pid);
  }
  return `${node.name} by ${smallDisk.means}: ${proof}`;
};

export const processFaults = {
  'worker: kill': kill(workers),
  'worker: freeze': freezeWorker,
  'worker: block': (target: Target) => block(workers(target), (LEASE_SECONDS + target.between(1, 3)) * 1_000),
  'worker: stop': stop(workers),
  'worker: kill-guard': killGuard,
  'worker: kill-command': killCommand,
  'worker: clock': clock(workers),
  'worker: disk-full': fillDisk,
  'api: kill': kill(apis),
  'api: freeze': freezeApi,
  'api: block': (target: Target) => block(apis(target), target.between(500, 3_000)),
  'api: stop': stop(apis),
  'api: clock': clock(apis),
} as const;
