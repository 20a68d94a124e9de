/** The current definitions as one process serves them: read once, and again when they changed anywhere. */
import type { BackendSpec, ResourceSpec, TaskSpec } from '../domain/definitions';
import { messageOf } from '../domain/errors';
import type { ScheduleSpec, TriggerSpec } from '../domain/firing';
import type { Database } from '../store/database';
import { currentDefinitions, definitionsStamp, type CurrentDefinition } from '../store/statements/definitions';
import { planOf, type JobBundle, type JobVersion } from './plans';
import { readBundle } from './readBundle';

export interface CatalogEntry<T> {
  readonly versionId: string;
  readonly version: number;
  readonly source: string;
  readonly createdAt: string;
  readonly spec: T;
}

export interface Catalog {
  /** Changes with every change of a definition. */
  readonly stamp: string;
  readonly backends: ReadonlyMap<string, CatalogEntry<BackendSpec>>;
  readonly tasks: ReadonlyMap<string, CatalogEntry<TaskSpec>>;
  readonly resources: ReadonlyMap<string, CatalogEntry<ResourceSpec>>;
  readonly jobs: ReadonlyMap<string, CatalogEntry<JobBundle> & { readonly compiled: JobVersion }>;
  readonly schedules: ReadonlyMap<string, CatalogEntry<ScheduleSpec>>;
  readonly triggers: ReadonlyMap<string, CatalogEntry<TriggerSpec>>;
}

export async function loadCatalog(db: Database): Promise<Catalog> {
  const stamp = await definitionsStamp(db);
  const rows = await currentDefinitions(db);
  const entry = <T>(row: CurrentDefinition): CatalogEntry<T> => ({
    versionId: row.versionId,
    version: row.version,
    source: row.source,
    createdAt: row.createdAt,
    spec: row.spec as T,
  });
  const all = <T>(kind: CurrentDefinition['kind']): Map<string, CatalogEntry<T>> =>
    new Map(rows.filter((row) => row.kind === kind).map((row) => [row.name, entry<T>(row)]));
  return {
    stamp,
    backends: all<BackendSpec>('BACKEND'),
    tasks: all<TaskSpec>('TASK'),
    resources: all<ResourceSpec>('RESOURCE'),
    schedules: all<ScheduleSpec>('SCHEDULE'),
    triggers: all<TriggerSpec>('TRIGGER'),
    jobs: new Map(
      rows
        .filter((row) => row.kind === 'JOB')
        .map((row) => {
          const one = { ...entry<JobBundle>(row), spec: readBundle(row.spec) };
          const compiled = { id: row.versionId, version: row.version, bundle: one.spec, plan: planOf(one.spec) };
          return [row.name, { ...one, compiled }];
        }),
    ),
  };
}

export interface WatchedCatalog {
  current(): Catalog;
  /** Looks for changes now. */
  refresh(): Promise<void>;
  /** Called after each change. Returns how to stop. */
  onChange(listener: (catalog: Catalog) => void): () => void;
  close(): void;
}

/** Finds changes that no message told of. */
const POLL_MS = 1_000;

/** Keeps the catalog current; `refresh` may be called at each hint that something changed. */
export async function watchCatalog(db: Database, onTrouble: (message: string) => void): Promise<WatchedCatalog> {
  let catalog = await loadCatalog(db);
  const listeners = new Set<(catalog: Catalog) => void>();
  let refreshing: Promise<void> | null = null;
  let again = false;

  const look = async (): Promise<void> => {
    do {
      again = false;
      if ((await definitionsStamp(db)) === catalog.stamp) continue;
      catalog = await loadCatalog(db);
      for (const listener of listeners) listener(catalog);
    } while (again);
  };
  const refresh = (): Promise<void> => {
    if (refreshing) {
      again = true;
      return refreshing;
    }
    refreshing = look()
      .catch((error: unknown) => onTrouble(`reading definitions: ${messageOf(error)}`))
      .finally(() => {
        refreshing = null;
      });
    return refreshing;
  };
  const timer = setInterval(() => void refresh(), POLL_MS);
  timer.unref();
  return {
    current: () => catalog,
    refresh,
    onChange: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close: () => clearInterval(timer),
  };
}
