/** The words of `spark-submit`. Pure. */
import type { SparkOptions } from '../../domain/backends/spark';
import type { Resources } from '../../domain/definitions';

export interface Submission {
  /** The path of `spark-submit`. */
  readonly program: string;
  readonly options: SparkOptions;
  readonly resources: Resources;
  /** Names the application to people. */
  readonly name: string;
  /** Where the driver tells how far it is. */
  readonly uiPort: number;
  /** Tells this Attempt's driver from another one that happens to listen there. */
  readonly key: string;
  /** A folder for what the driver would leave in its working directory. */
  readonly tmp: string;
  /** In which SQL reads and writes times without a zone. */
  readonly timeZone: string;
  /** The application's file, and its arguments. */
  readonly words: readonly string[];
}

/** The property by which a driver is known to be an Attempt's. */
export const KEY_PROPERTY = 'spark.stepcast.attempt';

export function submitCommand(submission: Submission): string[] {
  const { program, options, resources, name, uiPort, key, tmp, timeZone, words } = submission;
  const { master, packages, driverMemory, cores, python } = options;
  const executorMemory =
    resources.memoryBytes === undefined ? options.executorMemory : mebibytes(resources.memoryBytes);
  const allCores = resources.cpus === undefined ? cores : Math.max(1, Math.ceil(resources.cpus));
  const properties: Readonly<Record<string, string>> = {
    'spark.sql.warehouse.dir': `file://${tmp}/spark-warehouse`,
    'spark.sql.session.timeZone': timeZone,
    ...(allCores === undefined ? {} : coresOf(master, allCores)),
    ...(python === undefined ? {} : { 'spark.pyspark.python': python }),
    ...options.conf,
    // By these the worker finds and watches it.
    'spark.ui.enabled': 'true',
    'spark.ui.port': String(uiPort),
    'spark.ui.showConsoleProgress': 'false',
    [KEY_PROPERTY]: key,
  };
  return [
    program,
    ...(master === undefined ? [] : ['--master', master]),
    ...['--deploy-mode', 'client', '--name', name],
    ...(executorMemory === undefined ? [] : ['--executor-memory', executorMemory]),
    ...(driverMemory === undefined ? [] : ['--driver-memory', driverMemory]),
    ...(packages.length === 0 ? [] : ['--packages', packages.join(',')]),
    ...Object.entries(properties).flatMap(([property, value]) => ['--conf', `${property}=${value}`]),
    ...words,
  ];
}

const mebibytes = (bytes: number): string => `${Math.max(1, Math.floor(bytes / 1024 ** 2))}m`;

/** Standalone clusters bound an application's cores; the others take executors of so many. */
function coresOf(master: string | undefined, cores: number): Readonly<Record<string, string>> {
  if (master?.startsWith('local') === true) return {};
  if (master?.startsWith('spark://') === true) return { 'spark.cores.max': String(cores) };
  return { 'spark.executor.cores': '1', 'spark.executor.instances': String(cores) };
}
