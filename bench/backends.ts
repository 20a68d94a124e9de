/** What each kind of Backend adds to the bare command of its engine, per step: the whole Attempt against the command alone. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLocalStore } from '../src/artifacts/localStore';
import { createHost, type BackendHost } from '../src/backends/host';
import type { BackendSpec, TaskSpec } from '../src/domain/definitions';
import { messageOf } from '../src/domain/errors';
import { parseDefinitionObject } from '../src/formats/parse';
import { subjects, type Subject } from './backendSubjects';
import { locate } from './locate';
import type { Bench, Row } from './support';

const ELEMENTS = 1_000;
/** Kinds without an engine that could be had: their tests use stand-ins, and a figure of those would say nothing. */
const NO_ENGINE = ['PBS', 'HADOOP', 'KUBERNETES', 'MATLAB', 'SAS'];

export const backends: Bench = {
  name: 'backends',
  run: async ({ quick }) => {
    const home = mkdtempSync(join(tmpdir(), 'stepcast-bench-'));
    const artifacts = createLocalStore(join(home, 'artifacts'));
    // Jobs of clusters run as another user.
    chmodSync(home, 0o711);
    const pluginFolder = join(process.cwd(), 'examples/plugins');
    const host = createHost({ workDir: join(home, 'work'), workerId: 'bench', artifacts, pluginFolder });
    const service = await serveNumber();
    const rows: Row[] = [];
    try {
      for (const subject of subjects(process.env, service.address)) {
        process.stderr.write(`  ${subject.what} …\n`);
        rows.push(await measured(host, subject, quick).catch((error: unknown) => leftOut(subject.what, error)));
      }
      rows.push(await elements(host, home, quick).catch((error: unknown) => leftOut('SLURM, an array', error)));
      return [...rows, ...NO_ENGINE.map((what) => leftOut(what, 'there is no engine of it here'))];
    } finally {
      service.close();
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
    if (bare) alone.push(await timed(bare));
    if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs));
    whole.push(await timed(() => step(host, backend, task, String(round))));
  }
  const all = median(whole);
  const own = bare ? median(alone) : undefined;
  const added = own === undefined ? all : all - own;
  return {
    what: subject.what,
    figure:
      own === undefined
        ? `${all.toFixed(1)} ms`
        : `${added < 0 ? '−' : '+'}${Math.abs(added).toFixed(1)} ms (${all.toFixed(1)} ms in all)`,
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
  const { backend, task } = read({
    what: 'elements',
    backend: { kind: 'SLURM', bin, environment },
    task: { command: ['true'] },
  });
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

async function timed(run: () => Promise<unknown>): Promise<number> {
  const begin = performance.now();
  await run();
  return performance.now() - begin;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((left, right) => left - right);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

/** A service that answers at once. */
async function serveNumber(): Promise<{ readonly address: string; readonly close: () => void }> {
  const server = createServer((_, response) => response.setHeader('content-type', 'application/json').end('{"x": 1}'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    address: `http://127.0.0.1:${port}`,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
