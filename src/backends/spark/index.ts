/** The Backend SPARK: applications, scripts and Spark SQL by `spark-submit`, whose driver runs beside the worker. */
import type { SparkOptions } from '../../domain/backends/spark';
import type { BackendSpec } from '../../domain/definitions';
import { StepcastError } from '../../domain/errors';
import { commandEnvironment } from '../attempt/environment';
import type { Backend, CommandHooks, PreparedAttempt, StartedCommand } from '../backend';
import type { BackendServices } from '../kinds';
import { startProcess } from '../process/start';
import { freePort, watchApplication, type Application } from './application';
import { findSpark, masterProblem, sparkHealth } from './installation';
import { programOf, type Program } from './programs';
import { submitCommand } from './submitCommand';

const ANSWER_MS = 5000;

export function openSpark({ options, environment }: BackendSpec<'SPARK'>, { path }: BackendServices): Backend {
  const base = { PATH: path, ...environment };
  return {
    async start(attempt, hooks) {
      const spark = findSpark(options, attempt.env);
      if ('problem' in spark) throw new StepcastError('UNAVAILABLE', spark.problem);
      const problem = await masterProblem(options.master);
      if (problem !== undefined) throw new StepcastError('UNAVAILABLE', problem);
      const program = await programOf(attempt, spark.home);
      hooks.checkpoint();
      return submit({ attempt, hooks, options, spark, program });
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
  readonly program: Program;
}

async function submit({ attempt, hooks, options, spark, program }: Submit): Promise<StartedCommand> {
  const { stepRunId, directory, resources } = attempt;
  const key = `${stepRunId}.${attempt.attempt}`;
  const uiPort = await freePort();
  const env = { SPARK_HOME: spark.home, SPARK_LOCAL_DIRS: directory.tmp, TZ: 'UTC', ...program.environment };
  const argv = submitCommand({
    ...{ program: spark.program, options, resources, uiPort, key, words: program.words },
    ...{ name: `stepcast ${attempt.task.name} ${key}`, tmp: directory.tmp, timeZone: env.TZ },
  });
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
      return program.ended(exit);
    }),
  };
}

/** A standalone master lets an application go when its driver has ended; one that was killed may take it a while. */
async function endOnMaster({ masterPage }: SparkOptions, application: Application): Promise<void> {
  const id = application.id();
  if (masterPage === undefined || id === undefined) return;
  const body = new URLSearchParams({ id, terminate: 'true' });
  const signal = AbortSignal.timeout(ANSWER_MS);
  await fetch(`${masterPage}/app/kill/`, { method: 'POST', body, redirect: 'manual', signal }).catch(() => {});
}
