/** How a Backend of each kind is opened. A kind loads its heavy libraries when the first of it is. */
import type { ArtifactStore } from '../artifacts/store';
import type { BackendKind } from '../domain/backendOptions';
import type { BackendSpec } from '../domain/definitions';
import type { Backend } from './backend';
import { openGridEngine, openPbs, openSlurm } from './batch';
import { openContainer } from './container';
import { openCustom } from './custom';
import { openHadoop } from './hadoop';
import { openHttp } from './http';
import { openKubernetes } from './kubernetes';
import { openLocal } from './local';
import { openRserve } from './rserve';
import { openScripts } from './script';
import { MATLAB } from './script/matlab';
import { OCTAVE } from './script/octave';
import { PYTHON } from './script/python';
import { R } from './script/r';
import { SAS } from './script/sas';
import { openSpark } from './spark';
import { openSql } from './sql';

/** What a Backend may use of the worker that opens it. */
export interface BackendServices {
  /** Variables that mark processes as this worker's, so that none outlives it. */
  readonly marks: Readonly<Record<string, string>>;
  /** A folder of this worker's own, which goes with it. */
  readonly folder: string;
  readonly artifacts: ArtifactStore;
  /** The PATH of commands whose Task sets none. */
  readonly path: string;
  /** The folders of the machine that containers may be given. */
  readonly containerVolumes: readonly string[];
  /** Where plug-ins lie. */
  readonly pluginFolder: string;
  /** Told what went wrong beside the Attempts, in a sentence. */
  readonly log: (message: string) => void;
}

type Open<Kind extends BackendKind> = (
  spec: BackendSpec<Kind>,
  services: BackendServices,
) => Backend | Promise<Backend>;

const OPENERS: { readonly [Kind in BackendKind]: Open<Kind> } = {
  LOCAL: openLocal,
  PYTHON: openScripts(PYTHON),
  R: openScripts(R),
  OCTAVE: openScripts(OCTAVE),
  MATLAB: openScripts(MATLAB),
  SAS: openScripts(SAS),
  RSERVE: openRserve,
  SQL: openSql,
  CONTAINER: openContainer,
  SLURM: openSlurm,
  GRID_ENGINE: openGridEngine,
  PBS: openPbs,
  SPARK: openSpark,
  HADOOP: openHadoop,
  KUBERNETES: openKubernetes,
  HTTP: openHttp,
  CUSTOM: openCustom,
};

/** Opens a Backend. Throws CONFIGURATION when its options do not fit this machine. */
export async function openBackend(spec: BackendSpec, services: BackendServices): Promise<Backend> {
  // The table gives each kind its own spec, which the compiler cannot follow through the index.
  const open = OPENERS[spec.kind] as Open<BackendKind>;
  return open(spec, services);
}
