/** `npm start` on a folder that exists, until the first answer at `/graphql`. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from '../src/embedded';
import { PROJECT, quantile, type Bench } from './support';

const RESTARTS = 5;
const QUICK_RESTARTS = 1;
const ANSWER_MS = 120_000;
const POLL_MS = 5;
const REACH_MS = 5_000;

export const restart: Bench = {
  name: 'restart',
  run: async ({ quick }) => {
    const home = mkdtempSync(join(tmpdir(), 'stepcast-bench-start-'));
    const port = await freePort();
    try {
      const first = await startAndStop(home, port);
      const again: number[] = [];
      for (let run = 0; run < (quick ? QUICK_RESTARTS : RESTARTS); run += 1) again.push(await startAndStop(home, port));
      const p50 = quantile(again, 0.5);
      return [
        {
          what: 'npm start again, until the first answer',
          figure: `${(p50 / 1_000).toFixed(2)} s`,
          reach: `≤ ${REACH_MS / 1_000} s`,
          met: p50 <= REACH_MS,
          detail: `longest ${(Math.max(...again) / 1_000).toFixed(2)} s of ${again.length}; the very first ${(first / 1_000).toFixed(2)} s`,
        },
      ];
    } finally {
      rmSync(home, { recursive: true, force: true });
    }
  },
};

/** Milliseconds to the first answer. */
async function startAndStop(home: string, port: number): Promise<number> {
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !['DATABASE_URL', 'REDIS_URL', 'HOST'].includes(name)),
  );
  const begin = performance.now();
  // A process group of its own: npm, and what it starts.
  const npm = spawn('npm', ['start', '--silent'], {
    cwd: PROJECT,
    env: { ...env, STEPCAST_HOME: home, PORT: String(port) },
    stdio: 'ignore',
    detached: true,
  });
  try {
    await untilAnswered(npm, port, begin);
    return performance.now() - begin;
  } finally {
    // To the whole group, as Ctrl-C does it.
    if (npm.pid !== undefined && npm.exitCode === null) process.kill(-npm.pid, 'SIGINT');
    if (npm.exitCode === null && npm.signalCode === null) await once(npm, 'exit');
    while (await isServed(port)) await delay(POLL_MS);
  }
}

async function untilAnswered(npm: ChildProcess, port: number, begin: number): Promise<void> {
  while (!(await isServed(port))) {
    if (npm.exitCode !== null) throw new Error(`npm start ended with code ${npm.exitCode}`);
    if (performance.now() - begin > ANSWER_MS) throw new Error('npm start does not lead to an answer');
    await delay(POLL_MS);
  }
}

async function isServed(port: number): Promise<boolean> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"query":"{ jobs(first: 1) { nodes { name } } }"}',
      signal: AbortSignal.timeout(2_000),
    });
    return response.ok && (await response.text()).includes('"data"');
  } catch {
    return false;
  }
}
