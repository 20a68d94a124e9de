/** Where Spark lies on this machine, which version it is, and whether its master answers. */
import { existsSync, readdirSync, realpathSync } from 'node:fs';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import type { SparkOptions } from '../../domain/backends/spark';
import type { BackendHealth } from '../backend';
import { locateExecutable } from '../process/executable';

const ANSWER_MS = 2000;

/** What is needed to submit, or the sentence that says what is missing. */
export type Installation = { readonly program: string; readonly home: string } | { readonly problem: string };

/** `environment` is that of commands: PATH, and SPARK_HOME and JAVA_HOME where they are set. */
export function findSpark(options: SparkOptions, environment: Readonly<Record<string, string>>): Installation {
  const { PATH = '', SPARK_HOME, JAVA_HOME } = environment;
  const home = options.home ?? SPARK_HOME;
  const found = locateExecutable(home === undefined ? 'spark-submit' : join(home, 'bin', 'spark-submit'), PATH, '/');
  if ('problem' in found) {
    const where =
      home === undefined ? `no folder of the PATH (${PATH}) has \`spark-submit\`` : `${home} has no bin/spark-submit`;
    return {
      problem: `Spark is not installed on this worker: ${where}. Install it (pip install pyspark brings all of it), and set the backend's spark-home.`,
    };
  }
  const java = locateExecutable(JAVA_HOME === undefined ? 'java' : join(JAVA_HOME, 'bin', 'java'), PATH, '/');
  if ('problem' in java)
    return {
      problem:
        'Spark needs Java, which is not installed on this worker: install a Java of at least 17, or set JAVA_HOME in the environment of the backend.',
    };
  const whole = home ?? homeOf(found.path);
  if (whole === undefined)
    return {
      problem: `Spark is not to be found on this worker: ${found.path} is there, and not the folder \`jars\` that belongs to it. Set the backend's spark-home.`,
    };
  return { program: found.path, home: whole };
}

/** The folder of Spark to which the program belongs: that above it, or a package of the Python beside it. */
function homeOf(program: string): string | undefined {
  const prefix = dirname(dirname(realpathSync(program)));
  const packages = namesIn(join(prefix, 'lib'))
    .filter((name) => name.startsWith('python3'))
    .flatMap((python) =>
      ['site-packages', 'dist-packages'].map((name) => join(prefix, 'lib', python, name, 'pyspark')),
    );
  return [prefix, ...packages].find((folder) => existsSync(join(folder, 'jars')));
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** From the name of Spark's own library: to ask `spark-submit` would start a Java machine. */
export function sparkVersion(home: string): string | null {
  const name = namesIn(join(home, 'jars')).find((file) => /^spark-core_.*\.jar$/.test(file));
  return /^spark-core_[\d.]+-(.+)\.jar$/.exec(name ?? '')?.[1] ?? null;
}

/** Only a standalone master can be asked; of the others `spark-submit` tells. */
export async function masterProblem(master: string | undefined): Promise<string | undefined> {
  const addresses = /^spark:\/\/(.+)$/.exec(master ?? '')?.[1]?.split(',') ?? [];
  if (addresses.length === 0) return undefined;
  const answers = await Promise.all(addresses.map(listens));
  if (answers.includes(true)) return undefined;
  return `The Spark master ${master ?? ''} does not answer. Start it, or mend the backend's \`master\`.`;
}

export async function sparkHealth(
  options: SparkOptions,
  environment: Readonly<Record<string, string>>,
): Promise<BackendHealth> {
  const spark = findSpark(options, environment);
  if ('problem' in spark) return { state: 'MISSING', version: null, message: spark.problem };
  const version = sparkVersion(spark.home);
  const problem = await masterProblem(options.master);
  if (problem !== undefined) return { state: 'UNAVAILABLE', version, message: problem };
  return { state: 'READY', version, message: '' };
}

function listens(address: string): Promise<boolean> {
  const [, host, port] = /^(.*):(\d+)$/.exec(address) ?? [];
  if (host === undefined) return Promise.resolve(false);
  return new Promise((resolve) => {
    const socket = connect({ host: host.replace(/^\[|\]$/g, ''), port: Number(port), timeout: ANSWER_MS });
    const answer = (value: boolean): void => {
      socket.destroy();
      resolve(value);
    };
    socket.once('connect', () => answer(true));
    socket.once('error', () => answer(false));
    socket.once('timeout', () => answer(false));
  });
}
