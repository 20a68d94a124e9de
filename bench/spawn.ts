/** How many processes a second: Node's own child_process, ours, and a whole Attempt with its directory. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createHost } from '../src/backends/host';
import { LOCAL_BACKEND } from '../src/engine/define';
import { spawnProcess } from '../src/backends/process/nativeProcess';
import { createLocalStore } from '../src/artifacts/localStore';
import type { TaskSpec } from '../src/domain/definitions';

const PROCESSES = 1500;
const CONCURRENCIES = [1, 8];
/** A worker that has worked for a while is about so large. */
const BALLAST_BYTES = 300 * 1024 * 1024;

const TASK: TaskSpec = {
  name: 'true',
  description: '',
  backend: 'local',
  inputs: [],
  parameters: [],
  outputs: [],
  command: { kind: 'argv', argv: [{ parts: [{ kind: 'literal', text: '/bin/true' }] }] },
  environment: {},
  exitRules: { success: [0], temporary: [], terminate: [] },
  missingOutput: 'FAIL',
  retry: { maxAttempts: 1, initialDelaySeconds: 1, maxDelaySeconds: 1, factor: 1 },
  timeoutSeconds: 60,
  configuration: [],
};

/** One `/bin/true` by Node's own child_process, with both pipes read to their end. */
export function childProcess(): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn('/bin/true', [], { stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    child.stdout.resume();
    child.stderr.resume();
    child.once('error', reject).once('close', () => resolve());
  });
}

async function native(): Promise<void> {
  const child = spawnProcess({ argv: ['/bin/true'], cwd: '/', env: { PATH: '/usr/bin:/bin' }, stdin: 'null' });
  const closed = [child.stdout, child.stderr].map((stream) => {
    stream.resume();
    return new Promise((resolve) => stream.once('close', resolve));
  });
  await Promise.all([child.exited, ...closed]);
}

/** Runs of `once` a second, with so many under way at a time. */
export async function rate(concurrency: number, once: (number: number) => Promise<unknown>): Promise<number> {
  let started = 0;
  const begin = performance.now();
  const loop = async (): Promise<void> => {
    while (started < PROCESSES) await once(started++);
  };
  await Promise.all(Array.from({ length: concurrency }, loop));
  return Math.round((PROCESSES / (performance.now() - begin)) * 1000);
}

/** Prints the table. */
export async function main(): Promise<void> {
  const home = mkdtempSync(join(tmpdir(), 'stepcast-bench-'));
  const host = createHost({
    workDir: join(home, 'work'),
    workerId: 'bench',
    artifacts: createLocalStore(join(home, 'artifacts')),
  });
  const silent = { log: () => {}, progress: () => {} };
  let round = 0;
  const attempt = async (number: number): Promise<void> => {
    const request = {
      stepRunId: `bench-${round}-${number}`,
      attempt: 1,
      task: TASK,
      backend: LOCAL_BACKEND,
      values: {},
    };
    const outcome = await host.start(request, silent).outcome;
    if (outcome.state !== 'SUCCEEDED') throw new Error(outcome.message);
  };
  const rows: Record<string, Record<string, number>> = {};
  let ballast: Buffer | undefined;
  for (const size of ['small worker', '300 MB worker']) {
    if (size !== 'small worker') ballast = Buffer.alloc(BALLAST_BYTES, 1);
    for (const concurrency of CONCURRENCIES) {
      round += 1;
      rows[`${size}, ${concurrency} at once`] = {
        'child_process /s': await rate(concurrency, childProcess),
        'native /s': await rate(concurrency, native),
        'whole Attempt /s': await rate(concurrency, attempt),
      };
    }
  }
  console.log(
    `/bin/true, ${PROCESSES} each; ${cpus().length} cores, ${cpus()[0]?.model ?? ''}, Node ${process.version}`,
  );
  console.table(rows);
  await host.close();
  rmSync(home, { recursive: true });
  if (ballast?.[0] !== 1) throw new Error('The ballast is gone.');
}

if (require.main === module) void main();
