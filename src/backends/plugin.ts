/**
 * What a plug-in for backends of kind CUSTOM is made of. A plug-in is an ES or CommonJS module whose default export is a
 * `BackendPlugin`. The types are all that it needs of Stepcast; what it may call is given to it.
 */
import type { CommandKind } from '../domain/backendOptions';
import type { Backend, CommandHooks, PreparedAttempt, StartedCommand } from './backend';
import type { ProcessRequest } from './process/nativeProcess';

export type { CommandKind };
export type {
  AttemptPlace,
  Backend,
  BackendHealth,
  CommandExit,
  CommandHooks,
  PlacedAttempt,
  PreparedAttempt,
  StartedCommand,
} from './backend';

export interface BackendPlugin<Options = Readonly<Record<string, unknown>>> {
  /** What it can run: a task with another command fails on it. */
  readonly commands: readonly CommandKind[];
  /** JSON Schema of the options; they are checked, and its defaults filled in, before `open` is called. */
  readonly schema?: object;
  /** Called once for each Backend that names it. Throws when the options do not fit, with a sentence for people. */
  open(options: Options, services: PluginServices): Backend | Promise<Backend>;
}

/** What a worker offers to a plug-in. */
export interface PluginServices {
  /** The name of the Backend. */
  readonly name: string;
  /** A folder of this worker's own, which goes with it. */
  readonly folder: string;
  /** Variables for processes of its own that are to end with the worker. Those of an Attempt are in its `env`. */
  readonly marks: Readonly<Record<string, string>>;
  /** Tells the operator what went wrong beside the Attempts, in a sentence. */
  readonly log: (message: string) => void;
  /**
   * Starts a process of this machine in the Attempt's directory, session and environment, ends it with all that it started,
   * and holds it to its memory: as kind LOCAL does. `process` takes the place of the Attempt's own words.
   */
  startProcess(
    attempt: PreparedAttempt,
    hooks: Pick<CommandHooks, 'outOfMemory'>,
    process?: Partial<ProcessRequest>,
  ): StartedCommand;
  /** Text from a variable of the worker's environment. Throws when it is not set. */
  secret(variable: string): string;
  /** To throw from `start` when the task is to blame: it fails, and is not tried again. */
  taskError(message: string): Error;
  /** To throw from `start` when the engine cannot take it now: it is tried again. */
  unavailable(message: string): Error;
}
