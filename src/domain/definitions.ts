/**
 * What an analyst defines. These are the full, expanded forms: the short forms of `src/formats` end here, and
 * everything behind the border trusts them. Definitions are stored as versioned, immutable rows.
 */
import type { BackendKind, BackendOptionsOf } from './backendOptions';
import type { ScheduleSpec, TriggerSpec } from './firing';
import type { RequestSpec } from './request';
import type { SecondaryFile } from './secondaryFiles';
import type { Expression } from './expression';
import type { Value, ValueType } from './values';

interface BackendBase {
  readonly name: string;
  readonly description: string;
  /** Added to the clean base environment of every Attempt on this Backend, before the Task's own. */
  readonly environment: Readonly<Record<string, string>>;
  /** Steps that may run on it at once, over all workers; undefined: as many as there are slots. */
  readonly maxRunning?: number;
}

/** Where a Task runs. Many Tasks share one Backend; each Backend has a Queue per priority. */
export type BackendSpec<K extends BackendKind = BackendKind> = {
  [Kind in K]: BackendBase & { readonly kind: Kind; readonly options: BackendOptionsOf[Kind] };
}[K];

/** Something of which there is only so much, such as licences or connections to a database. */
export interface ResourceSpec {
  readonly name: string;
  readonly description: string;
  /** Units that steps may use at once, over all workers. */
  readonly amount: number;
}

/** What submitted data must fulfil before anything is queued. */
export type ValidatorSpec =
  | { readonly kind: 'regex'; readonly pattern: string; readonly flags: string; readonly message?: string }
  | { readonly kind: 'size'; readonly minBytes?: number; readonly maxBytes?: number }
  | { readonly kind: 'mime'; readonly types: readonly string[] }
  | { readonly kind: 'png' | 'gif' | 'jpeg' | 'pdb' }
  | {
      readonly kind: 'csv';
      readonly delimiter: string;
      /** Column names the header must have, in any order; other columns are allowed unless `exact`. */
      readonly columns: readonly CsvColumn[];
      readonly exact: boolean;
      readonly minRows?: number;
      readonly maxRows?: number;
    }
  | { readonly kind: 'json'; readonly schema: Readonly<Record<string, unknown>> | boolean }
  | {
      readonly kind: 'fasta';
      readonly alphabet: 'protein' | 'nucleotide' | 'any';
      /** An alignment: every sequence has the same length, gaps allowed. */
      readonly aligned: boolean;
      readonly minLength?: number;
      readonly maxLength?: number;
      readonly minSequences?: number;
      readonly maxSequences?: number;
    }
  | {
      /** The definer's own command: the file's path replaces `$FILE`; exit 0 accepts, the last line of output is the reason. */
      readonly kind: 'command';
      readonly argv: readonly string[];
      readonly timeoutSeconds: number;
    };

export interface CsvColumn {
  readonly name: string;
  readonly type: 'string' | 'int' | 'float' | 'boolean' | 'date';
  /** An empty cell is allowed. */
  readonly optional: boolean;
}

/** Bounds a value must keep; lengths count characters of a string or elements of an array. */
export interface Constraints {
  readonly allowed?: readonly Value[];
  readonly min?: number;
  readonly max?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
}

/** What a port says of its Files, beside their type. */
export interface FileTraits {
  /** What they hold: a name such as `csv`, or an IRI. Ports that say different things are not joined. */
  readonly format?: string;
  /** Files that go with each of them. */
  readonly secondaryFiles?: readonly SecondaryFile[];
}

/** A declared, typed data input of a Task. */
export interface InputPort extends FileTraits {
  readonly name: string;
  readonly description: string;
  readonly type: ValueType;
  /** Given by a definition without a value: the input may be left out. */
  readonly default?: Value;
  /** Files that a script gets as data and not as paths: each as a table with typed columns. */
  readonly as?: 'table';
  /** Short form only: which earlier results feed this port when a Job does not link it, as file name globs. */
  readonly glob?: string;
}

/** How `read` turns what was produced into a value: the file itself, its text without the final newline, or its JSON. */
export type OutputReader = 'file' | 'text' | 'json';

/** A declared, typed output of a Task. */
export interface OutputPort extends FileTraits {
  readonly name: string;
  readonly description: string;
  readonly type: ValueType;
  /** `value`: computed by the Task's expression, or returned by its script. */
  readonly from: 'glob' | 'stdout' | 'stderr' | 'value';
  /** Matched against paths relative to the Attempt's directory, after the run. */
  readonly glob: string;
  /** What `$O1` becomes: a path relative to the Attempt's directory; `$ID` in it is the StepRun's id. */
  readonly path: string;
  readonly read: OutputReader;
}

/** A declared, typed input of a Task that is a value and not data. */
export interface Parameter extends Constraints {
  readonly name: string;
  readonly description: string;
  /** boolean, int, long, float, double, string or enum, or one of these made optional. */
  readonly type: ValueType;
  readonly default?: Value;
  readonly required: boolean;
  /** Printed before the value; undefined: switchless, the value stands alone. */
  readonly flag?: string;
  /** `separate`: flag and value are two arguments. `joined`: one, with nothing between. */
  readonly spacing: 'separate' | 'joined';
  /** A boolean that prints its flag when true, and nothing when false. */
  readonly switch: boolean;
}

export type ArgvPart =
  | { readonly kind: 'literal'; readonly text: string }
  | { readonly kind: 'input'; readonly port: string }
  | { readonly kind: 'output'; readonly port: string }
  | { readonly kind: 'parameter'; readonly name: string }
  /** A Parameter's value without its flag. */
  | { readonly kind: 'value'; readonly name: string }
  /** The StepRun's id, safe as a file name. */
  | { readonly kind: 'id' }
  /** The Attempt's private temporary folder. */
  | { readonly kind: 'tmp' }
  /** What the Attempt may use, in plain digits. */
  | { readonly kind: 'resource'; readonly name: ResourceWord };

/** What a command calls its resources: bytes of memory, the same in whole MiB, processor cores, bytes of disk. */
export type ResourceWord = 'MEMORY' | 'MEMORY_MB' | 'CPUS' | 'DISK';

/** One word of the command: its parts are joined; a word that is one parameter may become none, one or two arguments. */
export interface ArgvTerm {
  readonly parts: readonly ArgvPart[];
}

/** How a Task runs. */
export type Command =
  | { readonly kind: 'argv'; readonly argv: readonly ArgvTerm[]; readonly stdin?: string }
  /**
   * A script for `/bin/sh -c`. It is constant: ports and parameters reach it as environment variables only
   * (`$I1`, `$O1`, `$P1`, `$VALUE`, `$ID`, `$TMP`, `$MEMORY`, and ports and parameters by name), so data never becomes
   * shell text.
   */
  | { readonly kind: 'shell'; readonly script: string; readonly stdin?: string }
  /** Source code in the language of its Backend: inputs and Parameters are native values there, outputs are returned as such. */
  | {
      readonly kind: 'script';
      readonly source: string;
      /** The name of the file that it was read from; undefined: it stands in the definition. */
      readonly file?: string;
      readonly stdin?: string;
    }
  /** SQL over the Task's inputs. */
  | { readonly kind: 'query'; readonly sql: string }
  /** A call of a service. */
  | { readonly kind: 'request'; readonly request: RequestSpec }
  /** No process: computes an object of the Task's outputs from its inputs and Parameters, inside the worker. */
  | { readonly kind: 'expression'; readonly expression: Expression };

/** Which exit codes mean what. A code in no list is a permanent failure. */
export interface ExitRules {
  readonly success: readonly number[];
  /** Tried again, as the retry policy allows. */
  readonly temporary: readonly number[];
  /** Success that ends the whole Submission early, as succeeded. */
  readonly terminate: readonly number[];
}

export interface RetryPolicy {
  /** Attempts in all, the first included. */
  readonly maxAttempts: number;
  readonly initialDelaySeconds: number;
  readonly maxDelaySeconds: number;
  readonly factor: number;
  /** What is tried again, in place of the usual: see `isRetried`. The exit codes add to `ExitRules.temporary`. */
  readonly on?: {
    readonly exitCodes: readonly number[];
    /** Names such as `SIGKILL`. */
    readonly signals: readonly string[];
    readonly causes: readonly RetryCause[];
  };
  /** More memory for each try after one that used too much. */
  readonly growth?: { readonly memoryFactor: number; readonly maxMemoryBytes: number };
}

/** Failures that are tried again, or not, as the Task says. */
export const RETRY_CAUSES = ['TIMEOUT', 'HEARTBEAT', 'OUT_OF_MEMORY', 'MISSING_OUTPUT', 'LOST'] as const;
export type RetryCause = (typeof RETRY_CAUSES)[number];

/** What one Attempt may use. What is left out is neither told nor held. */
export interface Resources {
  /** Of the command and everything it starts, resident. */
  readonly memoryBytes?: number;
  readonly cpus?: number;
  readonly diskBytes?: number;
}

/** What a missing output means: an error, a null value, or an early end of the Submission as succeeded. */
export type MissingOutputRule = 'FAIL' | 'CONTINUE' | 'TERMINATE';

/** A provenance note: which software or data set stands behind a result. */
export interface Configuration {
  readonly kind: 'SOFTWARE' | 'DATASET' | 'MISC';
  readonly name: string;
  readonly version: string;
  readonly parameters: string;
}

/** A reusable, versioned unit of work. */
export interface TaskSpec {
  readonly name: string;
  readonly description: string;
  readonly backend: string;
  /** The container image that it runs in; undefined: that of its Backend, if it has any. */
  readonly image?: string;
  readonly inputs: readonly InputPort[];
  readonly parameters: readonly Parameter[];
  readonly outputs: readonly OutputPort[];
  readonly command: Command;
  /** The Environment: variables added to the clean base. */
  readonly environment: Readonly<Record<string, string>>;
  readonly exitRules: ExitRules;
  readonly missingOutput: MissingOutputRule;
  readonly retry: RetryPolicy;
  /** Of one Attempt; 0 is never allowed, every command has an end. */
  readonly timeoutSeconds: number;
  /** A ready StepRun that no worker takes for so long fails. */
  readonly queueTimeoutSeconds?: number;
  /** Of the StepRun, all its Attempts and waits together, from the moment it is ready. */
  readonly stepTimeoutSeconds?: number;
  /** The command reports progress at least this often, or it is taken to hang. */
  readonly heartbeatSeconds?: number;
  readonly resources?: Resources;
  readonly configuration: readonly Configuration[];
  /** Whether equal runs share their result; undefined: if it takes any input or parameter. See `whyUnshared`. */
  readonly reuse?: boolean;
  /** Steps that may run it at once, over all submissions; undefined: as many as there are slots. */
  readonly maxRunning?: number;
  /** Units of Resources that a step occupies while it runs, by name. */
  readonly uses?: Readonly<Record<string, number>>;
}

/** An input of the Job, or an output of one of its Steps. */
export type Source =
  | { readonly kind: 'input'; readonly input: string }
  | { readonly kind: 'output'; readonly step: string; readonly port: string };

/** Which values of several stay: the first that is not null, the only one, or all that are not null. */
export type Pick = 'first' | 'only' | 'all';

/** Where a port gets its value, before anything is computed from it. */
export type PlainLink =
  | Source
  | { readonly kind: 'value'; readonly value: Value }
  /** Every file of the Job's inputs and of the named earlier steps whose name matches: the short form's view of ports. */
  | { readonly kind: 'glob'; readonly glob: string; readonly steps: readonly string[]; readonly inputs: boolean }
  /** Several sources into one port. `nested`: a list with one item per source. `flat`: lists among them are joined. */
  | {
      readonly kind: 'merge';
      readonly sources: readonly Source[];
      readonly how: 'nested' | 'flat';
      readonly pick?: Pick;
    };

/** Where a Step's port gets its value. */
export type Link =
  | PlainLink
  /** Computed: the expression sees the Step's other ports as `inputs` and the value of `source` as `self`. */
  | { readonly kind: 'expression'; readonly expression: Expression; readonly source: PlainLink | null };

/** Whether a Step runs at all; if not it is skipped, and its outputs are null. */
export type When =
  /** By how an earlier Step ended: only when its exit code is listed. */
  | { readonly kind: 'exit'; readonly step: string; readonly exitCodes: readonly number[] }
  /** By a computed value: only when it is true. The expression sees the Step's ports as `inputs`. */
  | { readonly kind: 'expression'; readonly expression: Expression };

/** What a Step runs: a Task, or another Job. */
export type Run = { readonly kind: 'task'; readonly task: string } | { readonly kind: 'job'; readonly job: string };

/**
 * Runs a Step once per element of the lists that its ports get. `dot` takes the lists side by side, the crosses take each
 * combination; `nested` gives lists of lists, `flat` one list, the last port varying fastest.
 */
export interface Scatter {
  readonly ports: readonly string[];
  readonly method: 'dot' | 'nested' | 'flat';
}

/** A node of a Job. */
export interface StepSpec {
  readonly name: string;
  readonly run: Run;
  /** Data ports and Parameters of the Task, or inputs of the Job, by name. Unlinked ones take their default. */
  readonly links: Readonly<Record<string, Link>>;
  /** Steps that must end before this one without giving it data. */
  readonly after: readonly string[];
  readonly when?: When;
  readonly scatter?: Scatter;
}

/** A typed input of a Job: what a caller gives. */
export interface JobInput extends Constraints, FileTraits {
  readonly name: string;
  readonly description: string;
  readonly type: ValueType;
  readonly default?: Value;
  readonly validators: readonly ValidatorSpec[];
}

export interface JobOutput {
  readonly name: string;
  readonly description: string;
  readonly type: ValueType;
  readonly source: Source | Extract<PlainLink, { kind: 'merge' }>;
}

/** A versioned graph of Steps with typed inputs and outputs. */
export interface JobSpec {
  readonly name: string;
  readonly description: string;
  readonly inputs: readonly JobInput[];
  readonly steps: readonly StepSpec[];
  readonly outputs: readonly JobOutput[];
  /** Of a whole Submission, from the moment it is stored. */
  readonly timeoutSeconds?: number;
  /** Example input values, shown in GraphiQL's ready tab and used by the very first start. Files are paths beside the job file. */
  readonly example?: Readonly<Record<string, Value>>;
  /** Steps of all its submissions that may run at once; undefined: as many as there are slots. */
  readonly maxRunning?: number;
}

/** What one file or one mutation defines, in order. */
export interface DefinitionSet {
  readonly backends: readonly BackendSpec[];
  readonly tasks: readonly TaskSpec[];
  readonly jobs: readonly JobSpec[];
  readonly schedules?: readonly ScheduleSpec[];
  readonly triggers?: readonly TriggerSpec[];
  readonly resources?: readonly ResourceSpec[];
}

/** Names of definitions and ports: a letter, then letters, digits, `-` or `_`. */
export const NAME_PATTERN = /^[A-Za-z][A-Za-z0-9_-]{0,62}$/;
