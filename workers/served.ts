/** The Backends that a worker serves: whose engines it asks, whose doorbells it hears, whose steps it takes. */
import { createWakeReceiver, type WakeReceiver } from '../src/delivery/beeQueues';
import type { BackendHealth } from '../src/domain/backendHealth';
import { placeOf } from '../src/domain/backendOptions';
import type { BackendSpec } from '../src/domain/definitions';
import type { Sql } from '../src/store/database';
import { noteHealth } from '../src/store/statements/backendHealth';
import { setWorkerQueues } from '../src/store/statements/workers';
import { createEngineWatch } from './engineWatch';
import type { Place } from './slots';

export interface ServedOptions {
  readonly db: Sql;
  readonly redisUrl: string;
  /** The worker's id, which may change. */
  readonly workerId: () => string;
  readonly ask: (spec: BackendSpec) => Promise<BackendHealth>;
  readonly healthSeconds: number;
  /** A doorbell rang for a Backend at this place; null when its engine does not answer here. */
  readonly onDoorbell: (place: Place | null) => void;
  /** There may be steps to take that were not taken before. */
  readonly onReady: () => void;
  readonly log: (level: 'info' | 'warn', message: string) => void;
  readonly trouble: (what: string) => (error: unknown) => void;
}

export interface ServedBackends {
  names(): string[];
  /** Those at a place whose engines answer: steps of the others are left to other workers, or wait. */
  ready(place: Place): string[];
  /** Serves these from now on, in the form that they have now. */
  add(backends: readonly BackendSpec[]): void;
  /** The worker has a new number: what is known is told again under that. */
  tellAgain(): void;
  close(): Promise<void>;
}

export function createServedBackends(first: readonly BackendSpec[], options: ServedOptions): ServedBackends {
  const { db, workerId, trouble } = options;
  const places = new Map<string, Place>();
  const receivers: WakeReceiver[] = [];
  const engines = createEngineWatch({
    ask: options.ask,
    tell: (backend, health) => noteHealth(db, workerId(), backend, health),
    onReady: options.onReady,
    log: options.log,
    intervalMs: options.healthSeconds * 1_000,
  });
  const names = (): string[] => [...places.keys()];
  const ring = (name: string): void => options.onDoorbell((engines.isReady(name) && places.get(name)) || null);

  /** Returns whether one of them was not served before. */
  const serve = (backends: readonly BackendSpec[]): boolean => {
    const fresh = backends.filter(({ name }) => !places.has(name));
    for (const spec of backends) places.set(spec.name, placeOf(spec));
    for (const { name } of fresh) receivers.push(createWakeReceiver(options.redisUrl, [name], () => ring(name)));
    engines.watch(backends);
    return fresh.length > 0;
  };

  serve(first);
  return {
    names,
    ready: (place) => names().filter((name) => places.get(name) === place && engines.isReady(name)),
    add: (backends) => {
      if (serve(backends)) setWorkerQueues(db, workerId(), names()).catch(trouble('announcing queues'));
    },
    tellAgain: engines.tellAgain,
    close: async () => {
      engines.stop();
      await Promise.all(receivers.map((receiver) => receiver.close()));
    },
  };
}
