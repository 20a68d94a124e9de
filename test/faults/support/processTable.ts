/** What runs on this machine for one cluster. */
import { readdir, readFile } from 'node:fs/promises';
import type { Cluster } from './cluster';

interface Running {
  readonly pid: number;
  readonly environment: string;
  readonly command: string;
}

/** Zombies and processes of others have no environment to read, and are not in it. */
async function processTable(): Promise<Running[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const all = await Promise.all(
    pids.map(async (pid) => ({
      pid,
      environment: await readFile(`/proc/${pid}/environ`, 'latin1').catch(() => ''),
      command: await readFile(`/proc/${pid}/cmdline`, 'latin1').catch(() => ''),
    })),
  );
  return all.filter((one) => one.command !== '');
}

/** Process ids of the commands of steps, with what they started. */
export async function commandsOf(cluster: Cluster): Promise<number[]> {
  const { home } = cluster.stepcast;
  const table = await processTable();
  return table
    .filter((one) => one.environment.includes('STEPCAST_ATTEMPT=') && one.environment.includes(home))
    .map((one) => one.pid);
}

/** Guards of the cluster's workers that live, and guards whose worker is gone. */
export async function guardsOf(cluster: Cluster): Promise<{ readonly pid: number; readonly workerPid: number }[]> {
  const known = new Set(everyWorkerPid(cluster));
  const table = await processTable();
  return table.flatMap(({ pid, command }) => {
    const workerPid = Number(/guard\.js\0[^/]*\/[^/]*\/(\d+)\//.exec(command)?.[1]);
    return known.has(workerPid) ? [{ pid, workerPid }] : [];
  });
}

/** Every process id that a worker of the cluster ever had, as its log tells. */
function everyWorkerPid(cluster: Cluster): number[] {
  return cluster.nodes
    .filter((node) => node.kind === 'worker')
    .flatMap((node) => [...node.process.output().matchAll(/"pid":(\d+)/g)].map((match) => Number(match[1])));
}
