/**
 * What a cluster's scheduler has to do for us: a scatter over 1,000 elements as jobs of a real Slurm, and one job beside the
 * bare `sbatch` with a look at its state. Every call of the scheduler's commands is counted by scripts in their place.
 */
import { execFile, execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createLocalStore } from '../src/artifacts/localStore';
import type { AttemptOutcome } from '../src/backends/backend';
import { createHost, type BackendHost } from '../src/backends/host';
import type { BackendSpec, TaskSpec } from '../src/domain/definitions';
import { slurmForm } from '../src/formats/forms/backends/batch';
import type { Bench, Row } from './support';

const ELEMENTS = 1_000;
const QUICK_ELEMENTS = 50;
const MOST_CALLS_PER_100 = 5;
const COMMANDS = ['sbatch', 'squeue', 'scancel', 'scontrol', 'sacct'];

const TASK: TaskSpec = {
  name: 'true',
  description: '',
  backend: 'slurm',
  inputs: [],
  parameters: [],
  outputs: [],
  command: { kind: 'argv', argv: [{ parts: [{ kind: 'literal', text: 'true' }] }] },
  environment: {},
  exitRules: { success: [0], temporary: [], terminate: [] },
  missingOutput: 'FAIL',
  retry: { maxAttempts: 1, initialDelaySeconds: 1, maxDelaySeconds: 1, factor: 1 },
  timeoutSeconds: 600,
  configuration: [],
};

export const cluster: Bench = {
  name: 'cluster',
  run: async ({ quick }) => {
    const SLURM_CONF = process.env.SLURM_CONF;
    if (!SLURM_CONF || !(await answers(SLURM_CONF)))
      return [row('Slurm', 'left out', '', null, 'no Slurm answers; set SLURM_CONF (docs/engines.md)')];
    const home = mkdtempSync(join(tmpdir(), 'stepcast-bench-cluster-'));
    const { bin, calls } = counted(home);
    const artifacts = createLocalStore(join(home, 'artifacts'));
    const host = createHost({ workDir: join(home, 'work'), workerId: 'bench', artifacts });
    const backend: BackendSpec = {
      ...{ name: 'slurm', kind: 'SLURM', description: '' },
      environment: { SLURM_CONF },
      options: slurmForm.parse({ bin }),
    };
    try {
      const elements = quick ? QUICK_ELEMENTS : ELEMENTS;
      const bare = await bareMs(SLURM_CONF);
      const alone = await timed(() => runAll(host, backend, 1, 'alone'));
      const before = calls();
      const array = await timed(() => runAll(host, backend, elements, 'element'));
      const failed = array.value.filter(({ state }) => state !== 'SUCCEEDED').length;
      const per100 = ((calls() - before) * 100) / elements;
      return [
        row(
          'Slurm: one job',
          `${Math.round(alone.ms)} ms`,
          '',
          null,
          `bare sbatch, and squeue each 50 ms: ${Math.round(bare)} ms`,
        ),
        row(
          `Slurm: ${elements} elements`,
          `${per100.toFixed(1)} calls per 100`,
          `≤ ${MOST_CALLS_PER_100}`,
          per100 <= MOST_CALLS_PER_100 && failed === 0,
          `${(array.ms / 1000).toFixed(1)} s in all, ${failed} failed`,
        ),
      ];
    } finally {
      await host.close();
      rmSync(home, { recursive: true, force: true });
    }
  },
};

const row = (what: string, figure: string, reach: string, met: boolean | null, detail: string): Row => ({
  ...{ what, figure, reach, met, detail },
});

async function timed<T>(work: () => Promise<T>): Promise<{ readonly value: T; readonly ms: number }> {
  const begin = performance.now();
  const value = await work();
  return { value, ms: performance.now() - begin };
}

function runAll(host: BackendHost, backend: BackendSpec, count: number, name: string): Promise<AttemptOutcome[]> {
  const observer = { log: () => {}, progress: () => {} };
  const start = (index: number) =>
    host.start({ stepRunId: `${name}-${index}`, attempt: 1, task: TASK, backend, values: {} }, observer).outcome;
  return Promise.all(Array.from({ length: count }, (_, index) => start(index)));
}

const answers = (SLURM_CONF: string): Promise<boolean> =>
  promisify(execFile)('sinfo', [], { env: { PATH: process.env.PATH, SLURM_CONF } }).then(
    () => true,
    () => false,
  );

/** From `sbatch` until `squeue` says that the job has ended. */
async function bareMs(SLURM_CONF: string): Promise<number> {
  const env = { PATH: process.env.PATH, SLURM_CONF };
  const run = promisify(execFile);
  const words = ['--parsable', '--output=/dev/null', '--chdir=/', '--wrap', 'true'];
  const { ms } = await timed(async () => {
    const job = (await run('sbatch', words, { env })).stdout.trim();
    while (/PENDING|RUNNING|COMPLETING/.test((await run('squeue', ['-ho%T', '-tall', `-j${job}`], { env })).stdout))
      await new Promise((resolve) => setTimeout(resolve, 50));
  });
  return ms;
}

/** The scheduler's commands, each of which writes a line for its call. */
function counted(home: string): { readonly bin: string; readonly calls: () => number } {
  const bin = join(home, 'bin');
  const log = join(home, 'calls');
  mkdirSync(bin);
  writeFileSync(log, '');
  for (const name of COMMANDS) {
    const real = execFileSync('sh', ['-c', `command -v ${name} || echo ${name}`], { encoding: 'utf8' }).trim();
    writeFileSync(join(bin, name), `#!/bin/sh\necho ${name} >> '${log}'\nexec '${real}' "$@"\n`, { mode: 0o755 });
  }
  return { bin, calls: () => readFileSync(log, 'utf8').split('\n').length - 1 };
}
