/** What each kind of Backend lets an operator set, beside what all kinds share. */
import type { GridEngineOptions, PbsOptions, SlurmOptions } from './backends/batch';
import type { ContainerOptions } from './backends/container';
import type { CustomOptions } from './backends/custom';
import type { HadoopOptions } from './backends/hadoop';
import type { HttpOptions } from './backends/http';
import type { LocalOptions } from './backends/local';
import type { RserveOptions } from './backends/rserve';
import type { KubernetesOptions } from './backends/kubernetes';
import type { SparkOptions } from './backends/spark';
import type { SqlOptions } from './backends/sql';

/** Kinds that start an interpreter for each Task, and nothing before. */
export interface InterpreterOptions {
  /** A name that is looked up in PATH, or an absolute path; undefined: the usual name of its language. */
  readonly interpreter?: string;
  /** Absolute folders in which packages are looked for first. */
  readonly libraryPath?: readonly string[];
}

/** Kinds whose interpreters can be started before there is a Task for them. */
export interface WarmInterpreterOptions extends InterpreterOptions {
  /** How many wait, started, each for one Task; undefined: none. */
  readonly pool?: number;
  /** Packages that those that wait have loaded. */
  readonly preload?: readonly string[];
}

export interface PythonOptions extends WarmInterpreterOptions {
  /** The absolute folder of a virtual environment, whose interpreter it is. */
  readonly venv?: string;
}

/** The settings of each kind. A new kind begins with a line here. */
export interface BackendOptionsOf {
  /** Commands on the worker's own machine. */
  readonly LOCAL: LocalOptions;
  /** Python scripts. */
  readonly PYTHON: PythonOptions;
  /** R scripts. */
  readonly R: WarmInterpreterOptions;
  /** Octave scripts. */
  readonly OCTAVE: WarmInterpreterOptions;
  /** MATLAB scripts. */
  readonly MATLAB: InterpreterOptions;
  /** SAS programs. */
  readonly SAS: InterpreterOptions;
  /** R scripts in sessions of a running Rserve. */
  readonly RSERVE: RserveOptions;
  /** Queries on the embedded engine DuckDB. */
  readonly SQL: SqlOptions;
  /** Commands in containers. */
  readonly CONTAINER: ContainerOptions;
  /** Jobs of a Slurm cluster. */
  readonly SLURM: SlurmOptions;
  /** Jobs of a Grid Engine cluster. */
  readonly GRID_ENGINE: GridEngineOptions;
  /** Jobs of an OpenPBS, PBS Professional or Torque cluster. */
  readonly PBS: PbsOptions;
  /** Applications, scripts and queries on Spark. */
  readonly SPARK: SparkOptions;
  /** Hadoop streaming. */
  readonly HADOOP: HadoopOptions;
  /** Commands as Jobs of a Kubernetes cluster. */
  readonly KUBERNETES: KubernetesOptions;
  /** A service that is called over HTTP. */
  readonly HTTP: HttpOptions;
  /** What a plug-in brings. */
  readonly CUSTOM: CustomOptions;
}

/** The technology behind a Backend. */
export type BackendKind = keyof BackendOptionsOf;

/** How a Task can say what runs; see `Command`. `expression` needs no Backend. */
export type CommandKind = 'argv' | 'shell' | 'script' | 'query' | 'request';

/** What a Task writes for each, in words. */
export const COMMAND_WORDS: Readonly<Record<CommandKind, string>> = {
  argv: 'command',
  shell: 'shell script',
  script: 'script',
  query: 'query',
  request: 'request',
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
  /** Options that name what lies outside of Stepcast and may change, such as a database: equal work may differ then. */
  readonly outside?: readonly string[];
  /** Its commands run in an image: the Task's own, or the one that its options name. */
  readonly image?: true;
}

export const BACKEND_KINDS: Readonly<Record<BackendKind, BackendKindFacts>> = {
  LOCAL: {
    description: "Commands on the worker's own machine.",
    commands: ['argv', 'shell'],
    place: 'here',
    decisive: [],
  },
  PYTHON: {
    description: "Python scripts, by an interpreter of the worker's own machine.",
    commands: ['script'],
    place: 'here',
    decisive: ['interpreter', 'libraryPath', 'venv'],
  },
  R: {
    description: "R scripts, by an Rscript of the worker's own machine.",
    commands: ['script'],
    place: 'here',
    decisive: ['interpreter', 'libraryPath'],
  },
  OCTAVE: {
    description: "Octave scripts, by an interpreter of the worker's own machine.",
    commands: ['script'],
    place: 'here',
    decisive: ['interpreter', 'libraryPath'],
  },
  MATLAB: {
    description: "MATLAB scripts, by a MATLAB of the worker's own machine.",
    commands: ['script'],
    place: 'here',
    decisive: ['interpreter', 'libraryPath'],
  },
  SAS: {
    description: "SAS programs, by a SAS of the worker's own machine.",
    commands: ['script'],
    place: 'here',
    decisive: ['interpreter'],
  },
  RSERVE: {
    description: 'R scripts in sessions of a running Rserve.',
    commands: ['script'],
    place: 'elsewhere',
    decisive: ['host', 'port', 'socket'],
  },
  SQL: {
    description: 'Queries over files and tables, on the embedded engine DuckDB.',
    commands: ['query'],
    place: 'here',
    decisive: ['database', 'sampleRows'],
    outside: ['database'],
  },
  CONTAINER: {
    description: 'Commands in containers, by Docker, Podman or another engine with their API.',
    commands: ['argv', 'shell'],
    place: 'here',
    decisive: ['image', 'platform'],
    image: true,
  },
  SLURM: {
    description: 'Commands as jobs of a Slurm cluster.',
    commands: ['argv', 'shell'],
    place: 'elsewhere',
    decisive: [],
  },
  GRID_ENGINE: {
    description: 'Commands as jobs of a Grid Engine cluster.',
    commands: ['argv', 'shell'],
    place: 'elsewhere',
    decisive: [],
  },
  PBS: {
    description: 'Commands as jobs of an OpenPBS, PBS Professional or Torque cluster.',
    commands: ['argv', 'shell'],
    place: 'elsewhere',
    decisive: [],
  },
  SPARK: {
    description: 'Applications, PySpark scripts and SQL queries on Apache Spark.',
    commands: ['argv', 'script', 'query'],
    place: 'here',
    decisive: ['packages', 'conf', 'python'],
  },
  HADOOP: {
    description: 'Hadoop streaming: mappers and reducers on a cluster.',
    commands: ['argv'],
    place: 'here',
    decisive: ['conf'],
  },
  KUBERNETES: {
    description: 'Commands as Jobs of a Kubernetes cluster.',
    commands: ['argv', 'shell'],
    place: 'elsewhere',
    decisive: ['image'],
    image: true,
  },
  HTTP: {
    description: 'Calls of a service over HTTP.',
    commands: ['request'],
    place: 'elsewhere',
    decisive: ['baseUrl', 'headers', 'query'],
  },
  CUSTOM: {
    description: 'What a plug-in of the operator brings.',
    commands: ['argv', 'shell', 'script', 'query', 'request'],
    place: 'here',
    decisive: ['plugin', 'options'],
  },
};

/** Where the work of a Backend happens: that of a plug-in as its Backend says, all others as their kind. */
export const placeOf = (spec: {
  readonly kind: BackendKind;
  readonly options: BackendOptionsOf[BackendKind];
}): BackendKindFacts['place'] =>
  spec.kind === 'CUSTOM' ? (spec.options as CustomOptions).place : BACKEND_KINDS[spec.kind].place;
