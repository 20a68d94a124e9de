/** What resolvers get: who asks, and the services of this API process. */
import type { ArtifactStore } from '../src/artifacts/store';
import type { RedisAnnouncer } from '../src/delivery/announcer';
import type { AdmissionLimits } from '../src/domain/admission';
import type { Viewer } from '../src/domain/authorize';
import type { WatchedCatalog } from '../src/engine/catalog';
import type { Durations } from '../src/engine/durations';
import type { Plans } from '../src/engine/plans';
import type { CheckScript } from '../src/formats/scripts';
import type { LiveHub } from '../src/live/hub';
import type { Database } from '../src/store/database';
import type { Graphs } from './graphs/graphs';

/** The limits that resolvers keep. Sizes in bytes. */
export interface Limits {
  readonly pageLimit: number;
  readonly maxBatch: number;
  readonly maxQueued: number;
  /** What one submitter may have open. */
  readonly admission: AdmissionLimits;
  readonly maxInlineBytes: number;
  readonly maxUploadBytes: number;
  readonly urlTtlSeconds: number;
}

export interface Services {
  readonly db: Database;
  readonly plans: Plans;
  readonly durations: Durations;
  readonly announcer: RedisAnnouncer;
  readonly hub: LiveHub;
  readonly catalog: WatchedCatalog;
  readonly graphs: Graphs;
  readonly artifacts: ArtifactStore;
  /** What is wrong with the syntax of a script in a definition. */
  readonly checkScript: CheckScript;
  /** Signs upload and download addresses. */
  readonly secret: string;
  /** Where clients reach this server, without a slash at the end. */
  readonly publicUrl: string;
  /** A folder for validators that need a file on disk. */
  readonly scratchDir: string;
  readonly limits: Limits;
  /** Whether steps take the results of equal work. */
  readonly reuse: boolean;
}

export interface Context {
  readonly viewer: Viewer;
  readonly services: Services;
}
