/** What each kind of Backend adds to the bare command of its engine, per step: the whole Attempt against the command alone. */
import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { createLocalStore } from '../src/artifacts/localStore';
import { createHost, type BackendHost } from '../src/backends/host';
import type { BackendSpec, TaskSpec } from '../src/domain/definitions';
import { messageOf } from '../src/domain/errors';
import { parseDefinitionObject } from '../src/formats/parse';
import { locate } from './locate';
import type { Bench, Row } from './support';

interface Subject {
  readonly what: string;
  /** As in a definition file. */
  readonly backend: Readonly<Record<string, unknown>>;
  readonly task: Readonly<Record<string, unknown>>;
  /** The engine's own command line that does the same; null where there is none. */
  readonly bare: readonly string[] | null;
  /** Milliseconds: over the bare command, or in all. */
  readonly reach?: { readonly over: number } | { readonly inAll: number };
  readonly rounds: number;
  /** Between two rounds, so that what is kept warm is warm again. In milliseconds. */
  readonly pauseMs?: number;
}

/** `sbatch`, then asking every 100 ms until it has ended: what one does by hand. */
const SBATCH = `
  id=$(sbatch --parsable --output=/dev/null --wrap=true)
  while squeue --noheader --jobs "$id" --states PENDING,RUNNING,COMPLETING | grep -q .; do sleep 0.1; done`;
const TRUE = { command: ['true'] };
const ROUNDS = 20;
const WARM_PAUSE_MS = 1_500;
const ELEMENTS = 1_000;

function subjects(environment: NodeJS.ProcessEnv): Subject[] {
  const { DOCKER_HOST: host, STEPCAST_TEST_IMAGE: image = '', RSERVE_URL: rserve = '' } = environment;
  const slurm = { SLURM_CONF: environment.SLURM_CONF ?? '' };
  const over = { reach: { over: 20 }, rounds: ROUNDS };
  const warm = { reach: { inAll: 10 }, rounds: ROUNDS, pauseMs: WARM_PAUSE_MS, bare: null };
  const address = /^rserve:\/\/([^:]+):(\d+)/.exec(rserve);
  return [
    { what: 'LOCAL', backend: { kind: 'LOCAL' }, task: TRUE, bare: ['true'], ...over },
    {
      what: 'LOCAL, sandboxed',
      backend: { kind: 'LOCAL', sandbox: true },
      task: TRUE,
      bare: ['bwrap', '--ro-bind', '/', '/', '--unshare-all', 'true'],
      ...over,
    },
    {
      what: 'PYTHON',
      backend: { kind: 'PYTHON' },
      task: { script: 'x = 1' },
      bare: ['python3', '-c', 'x = 1'],
      ...over,
    },
    { what: 'PYTHON, warm', backend: { kind: 'PYTHON', pool: 1 }, task: { script: 'x = 1' }, ...warm },
    { what: 'R', backend: { kind: 'R' }, task: { script: 'x <- 1' }, bare: ['Rscript', '-e', 'x <- 1'], ...over },
    { what: 'R, warm', backend: { kind: 'R', pool: 1 }, task: { script: 'x <- 1' }, ...warm },
    {
      what: 'OCTAVE',
      backend: { kind: 'OCTAVE' },
      task: { script: 'x = 1;' },
      bare: ['octave-cli', '--eval', 'x = 1;'],
      ...over,
    },
    { what: 'OCTAVE, warm', backend: { kind: 'OCTAVE', pool: 1 }, task: { script: 'x = 1;' }, ...warm },
    {
      what: 'RSERVE',
      backend: { kind: 'RSERVE', host: address?.[1], port: Number(address?.[2]) },
      task: { script: 'x <- 1' },
      bare: null,
      rounds: ROUNDS,
    },
    {
      what: 'SQL',
      backend: { kind: 'SQL' },
      task: { query: 'select 1 as x', outputs: { x: { type: 'int' } } },
      bare: ['node', '-e', "require('@duckdb/node-api').DuckDBInstance.create()"],
      ...over,
    },
    {
      what: 'CONTAINER',
      backend: { kind: 'CONTAINER', image, ...(host ? { host } : {}) },
      task: TRUE,
      bare: ['podman', 'run', '--rm', '--network', 'none', image, 'true'],
      ...over,
    },
    {
      what: 'SLURM',
      backend: { kind: 'SLURM', environment: slurm },
      task: TRUE,
      bare: ['sh', '-c', SBATCH],
      rounds: 5,
    },
    {
      what: 'SPARK',
      backend: { kind: 'SPARK', master: environment.SPARK_MASTER, 'spark-home': environment.SPARK_HOME },
      task: { query: 'select 1 as x', outputs: { x: { type: 'int' } } },
      bare: null,
      rounds: 2,
    },
  ];
}

export const backends: Bench = {
  name: 'backends',
  run: async ({ quick }) => {
    const home = mkdtempSync(join(tmpdir(), 'stepcast-bench-'));
    const artifacts = createLocalStore(join(home, 'artifacts'));
    const host = createHost({ workDir: join(home, 'work'), workerId: 'bench', artifacts });
    const rows: Row[] = [];
    try {
      for (const subject of subjects(process.env)) {
        process.stderr.write(`  ${subject.what} …\n`);
        rows.push(await measured(host, subject, quick).catch((error: unknown) => leftOut(subject.what, error)));
      }
      rows.push(await elements(host, home, quick).catch((error: unknown) => leftOut('SLURM, an array', error)));
      return rows;
    } finally {
      await host.close();
      rmSync(home, { recursive: true, force: true });
    }
  },
};

const leftOut = (what: string, error: unknown): Row => ({
  what,
  figure: 'left out',
  reach: '',
  met: null,
  detail: messageOf(error).slice(0, 120),
});

async function measured(host: BackendHost, subject: Subject, quick: boolean): Promise<Row> {
  const { bare, reach, pauseMs = 0 } = subject;
  const rounds = quick ? 2 : subject.rounds;
  const { backend, task } = read(subject);
  const health = await host.health(backend);
  if (health.state !== 'READY') throw new Error(health.message);
  const whole: number[] = [];
  const alone: number[] = [];
  await step(host, backend, task, 'first');
  for (let round = 0; round < rounds; round += 1) {
    // In turns, so that both meet the same hour of the machine.
    if (bare) alone.push(await timed(() => command(bare)));
    if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs));
    whole.push(await timed(() => step(host, backend, task, String(round))));
  }
  const all = median(whole);
  const own = bare ? median(alone) : undefined;
  const added = own === undefined ? all : all - own;
  return {
    what: subject.what,
    figure: own === undefined ? `${all.toFixed(1)} ms` : `+${added.toFixed(1)} ms (${all.toFixed(1)} ms in all)`,
    reach: reach === undefined ? '' : 'over' in reach ? `≤ ${reach.over} ms over bare` : `≤ ${reach.inAll} ms in all`,
    met: reach === undefined ? null : 'over' in reach ? added <= reach.over : all <= reach.inAll,
    detail: own === undefined ? (health.version ?? '') : `bare: ${own.toFixed(1)} ms, ${health.version ?? ''}`,
  };
}

/** Many elements on Slurm, with the calls of its commands counted by wrappers that stand before them. */
async function elements(host: BackendHost, home: string, quick: boolean): Promise<Row> {
  const count = quick ? 100 : ELEMENTS;
  const bin = join(home, 'bin');
  const calls = join(home, 'calls');
  mkdirSync(bin);
  writeFileSync(calls, '');
  for (const name of ['sbatch', 'squeue', 'scancel', 'sacct', 'scontrol']) {
    const real = locate(name);
    if (real === null) continue;
    writeFileSync(join(bin, name), `#!/bin/sh\necho ${name} >> ${calls}\nexec ${real} "$@"\n`);
    chmodSync(join(bin, name), 0o755);
  }
  const environment = { SLURM_CONF: process.env.SLURM_CONF ?? '' };
  const { backend, task } = read({ what: 'elements', backend: { kind: 'SLURM', bin, environment }, task: TRUE });
  const health = await host.health(backend);
  if (health.state !== 'READY') throw new Error(health.message);
  writeFileSync(calls, '');
  const ms = await timed(() =>
    Promise.all(Array.from({ length: count }, (_, index) => step(host, backend, task, `element-${index}`))),
  );
  const made = readFileSync(calls, 'utf8').trim().split('\n').length;
  const perHundred = (made / count) * 100;
  return {
    what: `SLURM, ${count} elements`,
    figure: `${perHundred.toFixed(1)} calls per 100`,
    reach: '≤ 5 calls per 100',
    met: perHundred <= 5,
    detail: `${made} calls of Slurm's commands, ${(ms / 1_000).toFixed(1)} s in all`,
  };
}

function read({ what, backend, task }: Pick<Subject, 'what' | 'backend' | 'task'>): {
  backend: BackendSpec;
  task: TaskSpec;
} {
  const backendSpec = parseDefinitionObject('backend', { name: 'bench', ...backend });
  const taskSpec = parseDefinitionObject('task', { name: 'bench', backend: 'bench', ...task });
  if (!backendSpec.ok) throw new Error(`${what}: ${backendSpec.problems.map(({ message }) => message).join('; ')}`);
  if (!taskSpec.ok) throw new Error(`${what}: ${taskSpec.problems.map(({ message }) => message).join('; ')}`);
  return { backend: backendSpec.spec, task: taskSpec.spec };
}

let steps = 0;

async function step(host: BackendHost, backend: BackendSpec, task: TaskSpec, name: string): Promise<void> {
  steps += 1;
  const silent = { log: () => {}, progress: () => {} };
  const request = { stepRunId: `${steps}-${name}`, attempt: 1, task, backend, values: {} };
  const outcome = await host.start(request, silent).outcome;
  if (outcome.state !== 'SUCCEEDED') throw new Error(outcome.message);
}

function command(argv: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const PATH = [process.env.PATH ?? '', '/usr/bin'].join(delimiter);
    const child = spawn(argv[0] ?? '', argv.slice(1), { stdio: 'ignore', env: { ...process.env, PATH } });
    child.once('error', reject);
    child.once('close', (code) => (code === 0 ? resolve() : reject(new Error(`${argv[0]} ended with ${code}`))));
  });
}

async function timed(run: () => Promise<unknown>): Promise<number> {
  const begin = performance.now();
  await run();
  return performance.now() - begin;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((left, right) => left - right);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
