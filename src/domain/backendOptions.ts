/** What each kind of Backend lets an operator set, beside what all kinds share. */

/** A kind without settings of its own. */
export type NoOptions = Readonly<Record<string, never>>;

/** The settings of each kind. A new kind begins with a line here. */
export interface BackendOptionsOf {
  /** Commands on the worker's own machine. */
  readonly LOCAL: NoOptions;
  /** Queries on the embedded engine DuckDB. */
  readonly SQL: SqlOptions;
}

export interface SqlOptions {
  /** Path of a DuckDB file that queries may read. */
  readonly database?: string;
  /** Of the engine, for Tasks that declare no memory; what does not fit goes to disk. */
  readonly memoryBytes?: number;
  /** For Tasks that declare no cpus; by default as many as the machine has. */
  readonly threads?: number;
  /** Rows by which the types of the columns of a CSV or JSON file are found; -1 for all. */
  readonly sampleRows?: number;
  /** Processes that wait for a query with the engine loaded. */
  readonly pool?: number;
}

/** The technology behind a Backend. */
export type BackendKind = keyof BackendOptionsOf;

/** How a Task can say what runs; see `Command`. `expression` needs no Backend. */
export type CommandKind = 'argv' | 'shell' | 'script' | 'query';

/** What a Task writes for each, in words. */
export const COMMAND_WORDS: Readonly<Record<CommandKind, string>> = {
  argv: 'command',
  shell: 'shell script',
  script: 'script',
  query: 'query',
};

/** What is told of a kind. */
export interface BackendKindFacts {
  readonly description: string;
  /** The commands that it can run. */
  readonly commands: readonly CommandKind[];
  /** `here`: the work uses the worker's machine and occupies one of its slots. `elsewhere`: it only waits. */
  readonly place: 'here' | 'elsewhere';
  /** The options on which results depend, such as the image that a command runs in. */
  readonly decisive: readonly string[];
}

export const BACKEND_KINDS: Readonly<Record<BackendKind, BackendKindFacts>> = {
  LOCAL: {
    description: "Commands on the worker's own machine.",
    commands: ['argv', 'shell'],
    place: 'here',
    decisive: [],
  },
  SQL: {
    description: 'Queries over files and tables, on the embedded engine DuckDB.',
    commands: ['query'],
    place: 'here',
    decisive: ['database', 'sampleRows'],
  },
};
