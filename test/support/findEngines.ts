/** Which real engines this machine has, asked once for a run of the tests. docs/engines.md tells how to bring them up. */
import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { access, readFile } from 'node:fs/promises';
import { request } from 'node:http';
import { connect } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

/** What a test needs to use each engine. `environment` is for the processes that use it. */
export interface Engines {
  readonly PYTHON: { readonly interpreter: string };
  readonly R: { readonly interpreter: string };
  readonly OCTAVE: { readonly interpreter: string };
  readonly BUBBLEWRAP: { readonly program: string };
  readonly CONTAINER: {
    readonly podman: string;
    /** Of the API that Docker's clients speak. */
    readonly socket: string;
    /** Has a shell and the basic tools; is there already. */
    readonly image: string;
    readonly environment: Variables;
  };
  readonly RSERVE: {
    readonly url: string;
    readonly secured: { readonly url: string; readonly user: string; readonly password: string };
  };
  readonly SLURM: {
    /** Where Slurm writes a line for each job that ended (jobcomp/filetxt). */
    readonly completionLog: string;
    readonly environment: Variables;
  };
  readonly GRID_ENGINE: {
    /** Who may submit: root may not. */
    readonly user: string;
    readonly environment: Variables;
  };
  readonly SPARK: {
    readonly home: string;
    readonly master: string;
    /** Of the master; what it knows is below `/json/`. */
    readonly page: string;
    readonly environment: Variables;
  };
}

export type EngineName = keyof Engines;
export type Variables = Readonly<Record<string, string>>;
export type Found<Facts> =
  { readonly here: true; readonly facts: Facts } | { readonly here: false; readonly reason: string };
export type FoundEngines = { readonly [Name in EngineName]: Found<Engines[Name]> };

/** Generous: the engines have just been started, on a machine that is busy with that. */
const ASK_MS = 60_000;
const run = promisify(execFile);

/** What is wrong with an engine, in a few words. */
class Missing extends Error {}

/** Asks all engines at once. `variables` are those of the process, before the file that the scripts write. */
export async function findEngines(variables: Variables): Promise<FoundEngines> {
  const look = lookingWith({ ...(await readEngineFile(engineFile(variables))), ...variables });
  const find = async <Facts>(facts: () => Promise<Facts>): Promise<Found<Facts>> => {
    try {
      return { here: true, facts: await facts() };
    } catch (error) {
      if (error instanceof Missing) return { here: false, reason: error.message };
      throw error;
    }
  };
  const [PYTHON, R, OCTAVE, BUBBLEWRAP, CONTAINER, RSERVE, SLURM, GRID_ENGINE, SPARK] = await Promise.all([
    find(() => look.python()),
    find(async () => ({ interpreter: await look.program('Rscript', 'STEPCAST_TEST_RSCRIPT') })),
    find(async () => ({ interpreter: await look.program('octave-cli', 'STEPCAST_TEST_OCTAVE') })),
    find(async () => ({ program: await look.program('bwrap', 'STEPCAST_TEST_BWRAP') })),
    find(() => look.container()),
    find(() => look.rserve()),
    find(() => look.slurm()),
    find(() => look.gridEngine()),
    find(() => look.spark()),
  ]);
  return { PYTHON, R, OCTAVE, BUBBLEWRAP, CONTAINER, RSERVE, SLURM, GRID_ENGINE, SPARK };
}

function engineFile(variables: Variables): string {
  const own = process.getuid?.() === 0 ? '/var/lib/stepcast-engines' : path.join(os.homedir(), '.stepcast-engines');
  return path.join(variables['STEPCAST_TEST_ENGINES_HOME'] ?? own, 'engines.env');
}

/** The variables of a file of lines such as `NAME='value'`; none where there is no file. */
export async function readEngineFile(file: string): Promise<Variables> {
  const text = await readFile(file, 'utf8').catch(() => '');
  return Object.fromEntries(
    [...text.matchAll(/^(\w+)='([^']*)'$/gm)].map(([, name = '', value = '']) => [name, value]),
  );
}

function lookingWith(variables: Variables) {
  const environmentOf = (...names: readonly string[]): Variables =>
    Object.fromEntries(names.flatMap((name) => (variables[name] ? [[name, variables[name]]] : [])));

  const needed = (name: string): string => {
    const value = variables[name];
    if (!value) throw new Missing(`${name} is not set`);
    return value;
  };

  /** A program by the variable that may name it, or on PATH. */
  const program = async (name: string, variable?: string): Promise<string> => {
    const named = variable === undefined ? undefined : variables[variable];
    const folders = (variables['PATH'] ?? '').split(path.delimiter).filter((folder) => folder !== '');
    const candidates = named ? [named] : folders.map((folder) => path.join(folder, name));
    for (const candidate of candidates) if (await access(candidate, constants.X_OK).then(yes, no)) return candidate;
    throw new Missing(named ? `${named} is not a program` : `${name} is not on PATH`);
  };

  /** The program runs and ends well, or the engine is not here. */
  const answers = async (what: string, command: string, args: readonly string[], environment: Variables = {}) => {
    const env = { ...variables, ...environment };
    if (!(await run(command, args, { env, timeout: ASK_MS }).then(yes, no)))
      throw new Missing(`${what} does not answer`);
  };

  return {
    program,

    python: async (): Promise<Engines['PYTHON']> => {
      const interpreter = await program('python3', 'STEPCAST_TEST_PYTHON');
      const imports = 'import importlib.util as u; assert all(map(u.find_spec, ["numpy", "scipy", "pandas"]))';
      await answers(`NumPy, SciPy or pandas in ${interpreter}`, interpreter, ['-c', imports]);
      return { interpreter };
    },

    container: async (): Promise<Engines['CONTAINER']> => {
      const podman = await program('podman', 'STEPCAST_TEST_PODMAN');
      const image = needed('STEPCAST_TEST_IMAGE');
      const socket = needed('DOCKER_HOST').replace(/^unix:\/\//, '');
      if (!(await ping(socket))) throw new Missing(`nothing answers on ${socket}`);
      return { podman, socket, image, environment: environmentOf('CONTAINERS_CONF', 'CONTAINERS_STORAGE_CONF') };
    },

    rserve: async (): Promise<Engines['RSERVE']> => {
      const url = needed('RSERVE_URL');
      const secured = needed('RSERVE_SECURED_URL');
      for (const each of [url, secured]) await listens(each);
      return { url, secured: { url: secured, user: needed('RSERVE_USER'), password: needed('RSERVE_PASSWORD') } };
    },

    slurm: async (): Promise<Engines['SLURM']> => {
      await program('sbatch');
      const environment = environmentOf('SLURM_CONF');
      await answers('slurmctld', await program('sinfo'), ['--noheader'], environment);
      return { completionLog: needed('STEPCAST_TEST_SLURM_JOBCOMP'), environment };
    },

    gridEngine: async (): Promise<Engines['GRID_ENGINE']> => {
      await program('qsub');
      const environment = environmentOf('SGE_ROOT', 'SGE_CELL', 'SGE_QMASTER_PORT', 'SGE_EXECD_PORT');
      await answers('the master of Grid Engine', await program('qstat'), [], environment);
      return { user: needed('STEPCAST_TEST_SGE_USER'), environment };
    },

    spark: async (): Promise<Engines['SPARK']> => {
      const home = needed('SPARK_HOME');
      const master = needed('SPARK_MASTER');
      await listens(master);
      return {
        home,
        master,
        page: needed('STEPCAST_TEST_SPARK_MASTER_PAGE'),
        environment: environmentOf('SPARK_HOME'),
      };
    },
  };
}

const yes = () => true;
const no = () => false;

/** Something accepts connections at the host and port of an address. */
async function listens(url: string): Promise<void> {
  if (!URL.canParse(url)) throw new Missing(`${url} is not an address`);
  const { hostname, port } = new URL(url);
  const open = await new Promise<boolean>((resolve) => {
    const socket = connect({ host: hostname, port: Number(port), timeout: ASK_MS });
    const end = (answer: boolean) => () => {
      socket.destroy();
      resolve(answer);
    };
    socket.on('connect', end(true)).on('error', end(false)).on('timeout', end(false));
  });
  if (!open) throw new Missing(`nothing listens at ${url}`);
}

async function ping(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const asking = request({ socketPath, path: '/_ping', timeout: ASK_MS }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    asking.on('error', () => resolve(false)).on('timeout', () => asking.destroy());
    asking.end();
  });
}
