/** What every benchmark stands on: services of its own in a temporary folder, an API and a worker as `npm start` runs them. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import { ensurePostgres, ensureRedis, freePort } from '../src/embedded';
import { createApi, type ApiClient } from './api';

/** The built programs: this file runs from `dist/bench`. */
const DIST = join(__dirname, '..');
export const PROJECT = join(DIST, '..');
const READY_MS = 60_000;
const STOP_MS = 10_000;

/** One line of the table. */
export interface Row {
  readonly what: string;
  readonly figure: string;
  readonly reach: string;
  /** Null where the issue names no reach. */
  readonly met: boolean | null;
  readonly detail: string;
}

export interface BenchOptions {
  readonly services: Services;
  /** A short run, to see that it works; its figures mean little. */
  readonly quick: boolean;
}

export interface Bench {
  readonly name: string;
  readonly run: (options: BenchOptions) => Promise<readonly Row[]>;
}

/** Postgres and Redis below a folder that goes with them. */
export interface Services {
  readonly home: string;
  readonly databaseUrl: string;
  readonly redisUrl: string;
  /** A line about the server: version and the settings that cost time. */
  readonly described: string;
  stopPostgres(): Promise<void>;
  stop(): Promise<void>;
}

export async function startServices(): Promise<Services> {
  const home = mkdtempSync(join(tmpdir(), 'stepcast-bench-'));
  const options = { home, log: () => undefined };
  try {
    const [postgres, redis] = await Promise.all([ensurePostgres(options), ensureRedis(options)]);
    return {
      home,
      databaseUrl: postgres.url,
      redisUrl: redis.url,
      described: await describe(postgres.url),
      stopPostgres: () => postgres.stop(),
      stop: async () => {
        await redis.stop();
        await postgres.stop();
        rmSync(home, { recursive: true, force: true });
      },
    };
  } catch (error) {
    rmSync(home, { recursive: true, force: true });
    throw error;
  }
}

const SHOWN_SETTINGS = ['fsync', 'synchronous_commit', 'full_page_writes', 'shared_buffers', 'max_wal_size'];

async function describe(url: string): Promise<string> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query<{ name: string; setting: string }>(
      `select name, current_setting(name) as setting from pg_settings where name = any($1) or name = 'server_version'`,
      [SHOWN_SETTINGS],
    );
    const of = (name: string): string => rows.find((row) => row.name === name)?.setting ?? '?';
    return `Postgres ${of('server_version')} (${SHOWN_SETTINGS.map((name) => `${name}=${of(name)}`).join(', ')})`;
  } finally {
    await client.end();
  }
}

/** A running API and worker. */
export interface App {
  readonly api: ApiClient;
  readonly apiPid: number;
  readonly workerPid: number;
  readonly workerPids: readonly number[];
}

/** Starts an API and one worker with default settings (or more workers), runs `use`, and stops them. */
export async function withApp<T>(
  services: Services,
  use: (app: App) => Promise<T>,
  settings: NodeJS.ProcessEnv = {},
  workers = 1,
): Promise<T> {
  const port = await freePort();
  const env = {
    ...process.env,
    DATABASE_URL: services.databaseUrl,
    REDIS_URL: services.redisUrl,
    STEPCAST_HOME: services.home,
    STEPCAST_LOG_LEVEL: 'warn',
    HOST: '127.0.0.1',
    PORT: String(port),
    ...settings,
  };
  const url = `http://127.0.0.1:${port}`;
  const entries = ['schema/main.js', ...Array.from({ length: workers }, () => 'workers/main.js')];
  const children = entries.map((entry) => startProgram(services.home, entry, env));
  const api = createApi(url);
  try {
    await Promise.race([untilReady(url), ...children.map(endedEarly)]);
    await api.define(DEFINITIONS);
    const [apiPid = 0, ...workerPids] = children.map((child) => child.pid ?? 0);
    return await use({ api, apiPid, workerPid: workerPids[0] ?? 0, workerPids });
  } finally {
    await api.close();
    await Promise.all(children.map(stop));
  }
}

function startProgram(home: string, entry: string, env: NodeJS.ProcessEnv): ChildProcess {
  // Such as `--cpu-prof --cpu-prof-dir=/tmp/profiles`, to see where the time goes.
  const flags = (process.env['STEPCAST_TEST_NODE_FLAGS'] ?? '').split(' ').filter((flag) => flag !== '');
  const log = openSync(join(home, `${entry.replace('/', '-')}.log`), 'a');
  return spawn(process.execPath, [...flags, join(DIST, entry)], { env, stdio: ['ignore', log, log, 'ipc'] });
}

async function endedEarly(child: ChildProcess): Promise<never> {
  await once(child, 'exit');
  throw new Error(`${child.spawnargs.at(-1) ?? ''} ended before it was ready`);
}

async function untilReady(url: string): Promise<void> {
  const over = Date.now() + READY_MS;
  while (!(await isReady(url))) {
    if (Date.now() > over) throw new Error(`The API does not answer on ${url}`);
    await delay(25);
  }
}

async function isReady(url: string): Promise<boolean> {
  try {
    const response = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(500) });
    await response.body?.cancel();
    return response.ok;
  } catch {
    return false;
  }
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
  await once(child, 'exit');
  clearTimeout(timer);
}

/** Steps of the job `bench-wide`, all at once. */
export const WIDE_STEPS = 20;

const DEFINITIONS = `
task: bench-true
description: Does nothing.
command: /bin/true
---
task: bench-copy
description: Copies its input.
command: cat
stdin: data
inputs: { data: File }
outputs: { copied: { from: stdout, path: copied.bin } }
timeout: 1h
---
task: bench-tell
description: Reports progress whenever a line comes out of a pipe.
shell: true
command: while read -r percent; do echo "::progress $percent"; done < "$pipe"
parameters: { pipe: string }
timeout: 1h
---
job: bench-noop
description: One step that does nothing.
steps: { only: { task: bench-true } }
---
job: bench-wide
description: Parallel steps that do nothing.
steps: { ${Array.from({ length: WIDE_STEPS }, (_, index) => `s${index}: { task: bench-true }`).join(', ')} }
---
job: bench-copy
description: A file in and out.
inputs: { data: File }
steps: { copy: { task: bench-copy, in: { data: data } } }
---
task: bench-same
description: Gives what it gets, inside the worker.
expression: $(inputs)
inputs: { value: int }
outputs: { value: { type: int } }
---
job: bench-scatter
description: One step for each number of a list.
inputs: { numbers: 'int[]' }
steps: { each: { task: bench-same, in: { value: numbers }, scatter: value } }
---
job: bench-tell
description: Tells what comes out of a pipe.
inputs: { pipe: string }
steps: { tell: { task: bench-tell, in: { pipe: pipe } } }
`;

/** The value below which the given share of the values lies. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
}
