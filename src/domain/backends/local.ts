/** Commands of the worker's own machine, and how they are confined there. */
export interface LocalOptions {
  /** They see the system and their own directory alone; undefined: all that the worker's user sees. */
  readonly sandbox?: SandboxOptions;
  readonly limits?: LimitOptions;
}

export interface SandboxOptions {
  /** Whether they reach the network. */
  readonly network: boolean;
  /** Absolute paths that they see beside the system, and cannot change. */
  readonly readOnly: readonly string[];
  /** Absolute paths that they may change. */
  readonly writable: readonly string[];
}

/** Of one Attempt, with everything that it starts. */
export interface LimitOptions {
  readonly memoryBytes?: number;
  /** Processor cores, in parts as well: 0.5. */
  readonly cpus?: number;
  /** At once, threads included. */
  readonly processes?: number;
  /** Of each file that is written. */
  readonly fileBytes?: number;
  /** Of each process at once. */
  readonly openFiles?: number;
  /** Processor time of each process. */
  readonly cpuSeconds?: number;
}
