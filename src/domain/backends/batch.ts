/** What an operator sets of a Backend that gives its commands to a batch scheduler, such as Slurm. */

/** The same for every scheduler. */
export interface BatchOptions {
  /** The partition or queue that jobs go to; the scheduler's own default when null. */
  readonly queue: string | null;
  /** Whom the scheduler charges: the account or project. */
  readonly account: string | null;
  /** How long the scheduler lets a job run; null for the timeout of each Task, and a little more. */
  readonly timeLimitSeconds: number | null;
  /** Further words for the scheduler's submit command. */
  readonly submitArgs: readonly string[];
  /** The user that jobs belong to; the worker's own when null. */
  readonly runAs: string | null;
  /** Starts that differ in nothing which the scheduler sees become one submission of up to so many. */
  readonly arraySize: number;
  /** How long the first of them waits for others, in milliseconds. */
  readonly flushMs: number;
  /** How often the scheduler is asked for the state of all jobs, at the most. */
  readonly pollSeconds: number;
  /** How long a submission waits for a scheduler that does not answer. */
  readonly patienceSeconds: number;
  /** The folder of the scheduler's commands; null when they are in the PATH of the worker. */
  readonly bin: string | null;
  /** Names of variables that the scheduler sets and the command gets; a `*` at the end stands for any rest. */
  readonly keepEnvironment: readonly string[];
}

export interface SlurmOptions extends BatchOptions {
  /** The quality of service that jobs ask for. */
  readonly qos: string | null;
}

export interface GridEngineOptions extends BatchOptions {
  /** The parallel environment by which a job asks for several processors on one machine. */
  readonly parallelEnvironment: string;
  /** The resource that holds a job to its memory. */
  readonly memoryResource: string;
}

export interface PbsOptions extends BatchOptions {
  /** How resources are asked for: OpenPBS and PBS Professional `select` chunks, Torque asks for `nodes`. */
  readonly resourceStyle: 'select' | 'nodes';
}
