/** The Backend SPARK: applications and Spark SQL by `spark-submit`, whose driver runs beside the worker. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { SparkOptions } from '../../domain/backends/spark';
import type { BackendSpec } from '../../domain/definitions';
import { StepcastError } from '../../domain/errors';
import { commandEnvironment } from '../attempt/environment';
import type { Backend, CommandHooks, PreparedAttempt, StartedCommand } from '../backend';
import type { BackendServices } from '../kinds';
import { startProcess } from '../process/start';
import { planQuery } from '../query/plan';
import { freePort, watchApplication, type Application } from './application';
import { findSpark, masterProblem, sparkHealth } from './installation';
import { submitCommand } from './submitCommand';

const QUERY_PROGRAM = join(__dirname, 'drivers', 'query.py');
const ANSWER_MS = 5000;

export function openSpark({ options, environment }: BackendSpec<'SPARK'>, { path }: BackendServices): Backend {
  const base = { PATH: path, ...environment };
  return {
    async start(attempt, hooks) {
      const spark = findSpark(options, attempt.env);
      if ('problem' in spark) throw new StepcastError('UNAVAILABLE', spark.problem);
      const problem = await masterProblem(options.master);
      if (problem !== undefined) throw new StepcastError('UNAVAILABLE', problem);
      const words = await applicationWords(attempt);
      hooks.checkpoint();
      return submit({ attempt, hooks, options, spark, words });
    },
    health: () => sparkHealth(options, commandEnvironment({ path, home: '/', tmp: '/tmp', layers: [base], marks: {} })),
    close: () => Promise.resolve(),
  };
}

interface Submit {
  readonly attempt: PreparedAttempt;
  readonly hooks: CommandHooks;
  readonly options: SparkOptions;
  readonly spark: { readonly program: string; readonly home: string };
  readonly words: readonly string[];
}

async function submit({ attempt, hooks, options, spark, words }: Submit): Promise<StartedCommand> {
  const { stepRunId, directory, resources } = attempt;
  const key = `${stepRunId}.${attempt.attempt}`;
  const uiPort = await freePort();
  const argv = submitCommand({
    ...{ program: spark.program, options, resources, uiPort, key, words },
    ...{ name: `stepcast ${attempt.task.name} ${key}`, tmp: directory.tmp },
  });
  const env = { SPARK_HOME: spark.home, SPARK_LOCAL_DIRS: directory.tmp, TZ: 'UTC', ...attempt.env };
  // The memory of the Task is that of its executors, not of the driver.
  const command = startProcess({ ...attempt, resources: {} }, hooks, { argv, env });
  const application = watchApplication({
    ...{ port: uiPort, key },
    found: (id) => hooks.note(`Spark application ${id}.`),
    progress: hooks.progress,
  });
  return {
    ...command,
    exited: command.exited.then(async (exit) => {
      application.end();
      await endOnMaster(options, application);
      return { ...exit, ...(await returnedBy(attempt)) };
    }),
  };
}

/** What follows the options of `spark-submit`: the Task's own words, or the program that runs its query. */
async function applicationWords(attempt: PreparedAttempt): Promise<readonly string[]> {
  const { task, argv, directory } = attempt;
  if (task.command.kind !== 'query') return argv;
  const plan = planQuery(attempt, 'spark', (path) => path);
  const request = join(directory.root, 'query.json');
  await writeFile(request, JSON.stringify({ plan, tmp: directory.tmp, returned: returnedFile(attempt) }), {
    mode: 0o600,
  });
  return [QUERY_PROGRAM, request];
}

const returnedFile = ({ directory }: PreparedAttempt): string => join(directory.root, 'returned.json');

async function returnedBy(attempt: PreparedAttempt): Promise<{ returned?: Record<string, unknown> }> {
  if (attempt.task.command.kind !== 'query') return {};
  try {
    // Written by the program of ours, which bounds it.
    return { returned: JSON.parse(await readFile(returnedFile(attempt), 'utf8')) as Record<string, unknown> };
  } catch {
    return {}; // it failed before
  }
}

/** A standalone master lets an application go when its driver has ended; one that was killed may take it a while. */
async function endOnMaster({ masterPage }: SparkOptions, application: Application): Promise<void> {
  const id = application.id();
  if (masterPage === undefined || id === undefined) return;
  const body = new URLSearchParams({ id, terminate: 'true' });
  const signal = AbortSignal.timeout(ANSWER_MS);
  await fetch(`${masterPage}/app/kill/`, { method: 'POST', body, redirect: 'manual', signal }).catch(() => {});
}
