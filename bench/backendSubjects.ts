/** The kinds of Backends that `npm run bench -- backends` measures, and what each is measured against. */
import { spawn } from 'node:child_process';
import { delimiter } from 'node:path';
import { connectRserve } from '../src/backends/rserve/connection';

/** A Backend, a Task that does next to nothing on it, and the same without Stepcast. */
export interface Subject {
  readonly what: string;
  /** As in a definition file. */
  readonly backend: Readonly<Record<string, unknown>>;
  readonly task: Readonly<Record<string, unknown>>;
  /** The same done by the engine's own means: a command line, or a call; null where there is none. */
  readonly bare: (() => Promise<unknown>) | null;
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
const CLUSTER_ROUNDS = 5;
const WARM_PAUSE_MS = 1_500;

/** `service` is the address of a server that answers `{"x": 1}`. */
export function subjects(environment: NodeJS.ProcessEnv, service: string): Subject[] {
  const { DOCKER_HOST: host, STEPCAST_TEST_IMAGE: image = '', RSERVE_URL: rserve = '' } = environment;
  const { SPARK_HOME: sparkHome = '', SPARK_MASTER: master = '', STEPCAST_TEST_SGE_USER: gridUser = '' } = environment;
  const grid = Object.fromEntries(
    ['SGE_ROOT', 'SGE_CELL', 'SGE_QMASTER_PORT', 'SGE_EXECD_PORT'].map((name) => [name, environment[name] ?? '']),
  );
  const slurm = { SLURM_CONF: environment.SLURM_CONF ?? '' };
  const over = { reach: { over: 20 }, rounds: ROUNDS };
  const warm = { reach: { inAll: 10 }, rounds: ROUNDS, pauseMs: WARM_PAUSE_MS, bare: null };
  const query = { query: 'select 1 as x', outputs: { x: { type: 'int' } } };
  const [, rserveHost = '', rservePort = ''] = /^rserve:\/\/([^:]+):(\d+)/.exec(rserve) ?? [];
  return [
    { what: 'LOCAL', backend: { kind: 'LOCAL' }, task: TRUE, bare: command('true'), ...over },
    {
      what: 'LOCAL, sandboxed',
      backend: { kind: 'LOCAL', sandbox: true },
      task: TRUE,
      bare: command('bwrap', '--ro-bind', '/', '/', '--unshare-all', 'true'),
      ...over,
    },
    {
      what: 'PYTHON',
      backend: { kind: 'PYTHON' },
      task: { script: 'x = 1' },
      bare: command('python3', '-c', 'x = 1'),
      ...over,
    },
    { what: 'PYTHON, warm', backend: { kind: 'PYTHON', pool: 1 }, task: { script: 'x = 1' }, ...warm },
    {
      what: 'R',
      backend: { kind: 'R' },
      task: { script: 'x <- 1' },
      bare: command('Rscript', '-e', 'x <- 1'),
      ...over,
    },
    { what: 'R, warm', backend: { kind: 'R', pool: 1 }, task: { script: 'x <- 1' }, ...warm },
    {
      what: 'OCTAVE',
      backend: { kind: 'OCTAVE' },
      task: { script: 'x = 1;' },
      bare: command('octave-cli', '--eval', 'x = 1;'),
      ...over,
    },
    { what: 'OCTAVE, warm', backend: { kind: 'OCTAVE', pool: 1 }, task: { script: 'x = 1;' }, ...warm },
    {
      what: 'RSERVE',
      backend: { kind: 'RSERVE', host: rserveHost, port: Number(rservePort) },
      task: { script: 'x <- 1' },
      bare: () => rserveSession(rserveHost, Number(rservePort)),
      rounds: ROUNDS,
    },
    {
      what: 'SQL',
      backend: { kind: 'SQL' },
      task: query,
      bare: command('node', '-e', "require('@duckdb/node-api').DuckDBInstance.create()"),
      ...over,
      pauseMs: WARM_PAUSE_MS,
    },
    {
      what: 'CONTAINER',
      backend: { kind: 'CONTAINER', image, ...(host ? { host } : {}) },
      task: TRUE,
      bare: command('podman', 'run', '--rm', '--network', 'none', image, 'true'),
      ...over,
    },
    {
      what: 'SLURM',
      backend: { kind: 'SLURM', environment: slurm },
      task: TRUE,
      bare: command('sh', '-c', SBATCH),
      rounds: CLUSTER_ROUNDS,
    },
    {
      what: 'GRID_ENGINE',
      backend: { kind: 'GRID_ENGINE', 'run-as': gridUser, environment: grid },
      task: TRUE,
      bare: command('runuser', '-u', gridUser, '--', 'qsub', '-sync', 'y', '-b', 'y', '-o', '/dev/null', 'true'),
      rounds: CLUSTER_ROUNDS,
    },
    {
      what: 'SPARK, an application',
      backend: { kind: 'SPARK', master, 'spark-home': sparkHome },
      task: { command: [`${sparkHome}/examples/src/main/python/pi.py`, '1'] },
      bare: command(
        `${sparkHome}/bin/spark-submit`,
        '--master',
        master,
        `${sparkHome}/examples/src/main/python/pi.py`,
        '1',
      ),
      rounds: 2,
    },
    {
      what: 'SPARK, a query',
      backend: { kind: 'SPARK', master, 'spark-home': sparkHome },
      task: query,
      bare: null,
      rounds: 2,
    },
    {
      what: 'HTTP',
      backend: { kind: 'HTTP', 'base-url': service, 'allow-internal': ['127.0.0.1'] },
      task: { request: 'GET /', outputs: { x: { type: 'int' } } },
      bare: async () => (await fetch(service)).json(),
      ...over,
    },
    {
      what: 'CUSTOM (examples/plugins/nice.mjs)',
      backend: { kind: 'CUSTOM', plugin: 'nice' },
      task: TRUE,
      bare: command('nice', 'true'),
      ...over,
    },
  ];
}

/** One that computes nothing. */
async function rserveSession(host: string, port: number): Promise<void> {
  const session = await connectRserve({ host, port, tls: false, connectTimeoutSeconds: 10 });
  await session.evaluate('x <- 1; NULL');
  session.close();
}

/** Runs a command line of the engine's to its end. */
function command(...argv: readonly string[]): () => Promise<void> {
  const PATH = [process.env.PATH ?? '', '/usr/bin'].join(delimiter);
  return () =>
    new Promise((resolve, reject) => {
      const child = spawn(argv[0] ?? '', argv.slice(1), { stdio: 'ignore', env: { ...process.env, PATH } });
      child.once('error', reject);
      child.once('close', (code) => (code === 0 ? resolve() : reject(new Error(`${argv[0]} ended with ${code}`))));
    });
}
