import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chown, mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { Client } from 'pg';
import { isAlive } from '../../src/embedded';

export const isRoot = process.getuid?.() === 0;
export const NOBODY = 65_534;

/** Runs what follows as an ordinary user, also when the tests run as root. */
export const asOrdinaryUser = isRoot ? ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups'] : [];

const project = path.join(__dirname, '../..');
const homes: string[] = [];

export async function makeHome(owner?: number): Promise<string> {
  const home = await mkdtemp(path.join(os.tmpdir(), 'stepcast-embedded-'));
  if (owner !== undefined && isRoot) await chown(home, owner, owner);
  homes.push(home);
  return home;
}

export async function removeHomes(): Promise<void> {
  await Promise.all(homes.splice(0).map((home) => rm(home, { recursive: true, force: true })));
}

export interface Parent {
  readonly process: ChildProcess;
  readonly url: string;
  readonly pid: number;
}

/** A process that starts a service and then just lives. Rejects with the sentence when the service does not start. */
export async function startParent(
  service: 'ensurePostgres' | 'ensureRedis',
  options: { home: string; tie?: string; namespaces?: boolean },
  prefix: readonly string[] = [],
): Promise<Parent> {
  const code = `
    const [module_, service, options] = process.argv.slice(1);
    require(module_)[service]({ ...JSON.parse(options), log: () => {} }).then(
      ({ url, pid, stop }) => {
        console.log(JSON.stringify({ url, pid }));
        process.on('SIGTERM', () => stop().then(() => process.exit(0)));
        setInterval(() => {}, 1e6);
      },
      (error) => { console.log(JSON.stringify({ error: error.name + ': ' + error.message })); },
    );`;
  const command = [
    ...prefix,
    process.execPath,
    '-r',
    path.join(project, 'test/support/typescript.cjs'),
    '-e',
    code,
    path.join(project, 'src/embedded/index.ts'),
    service,
    JSON.stringify(options),
  ];
  const child = spawn(command[0] ?? '', command.slice(1), { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  const answer = JSON.parse(line) as { url: string; pid: number; error?: string };
  if (answer.error !== undefined) throw new Error(answer.error);
  return { process: child, ...answer };
}

export async function kill(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  const gone = once(child, 'exit');
  child.kill(signal);
  await gone;
}

/** Waits until a process that is not our child is gone. */
export async function untilGone(pid: number): Promise<void> {
  while (isAlive(pid)) await new Promise((resolve) => setTimeout(resolve, 10));
}

export async function query(url: string, sql: string): Promise<readonly Record<string, unknown>[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}
