/** Numbers for those who watch and scale from outside: `GET /metrics`, in the text format of Prometheus. */
import { Router, type Request } from 'express';
import { Gauge, Registry } from 'prom-client';
import { StepcastError } from '../../src/domain/errors';
import type { ServiceLoad } from '../workers/load';
import { refuse } from './replies';

export interface MetricsRouterOptions {
  readonly read: () => Promise<ServiceLoad>;
  /** The one authorization point; throws FORBIDDEN. */
  readonly authorize: (request: Request) => Promise<void>;
  /** Told of failures that are not the client's. */
  readonly onError?: (error: unknown) => void;
}

/** Serves `/metrics`; every other path goes on to the next handler. */
export function metricsRouter(options: MetricsRouterOptions): Router {
  const router = Router({ strict: true });
  router.get('/metrics', async (request, response) => {
    try {
      await options.authorize(request);
      const registry = metricsOf(await options.read());
      response.set({ 'Content-Type': registry.contentType, 'Cache-Control': 'no-store' });
      response.send(await registry.metrics());
    } catch (error) {
      if (!(error instanceof StepcastError)) options.onError?.(error);
      refuse(response, error);
    }
  });
  return router;
}

function metricsOf({ workers, wanted, backends }: ServiceLoad): Registry {
  const registry = new Registry();
  const gauge = <Label extends string = never>(name: string, help: string, ...labelNames: Label[]): Gauge<Label> =>
    new Gauge({ name: `stepcast_${name}`, help, labelNames, registers: [registry] });

  gauge('workers', 'Live workers.').set(workers.workers);
  gauge('workers_wanted', 'Workers that all steps together ask for, one at least.').set(wanted);
  const slots = gauge('slots', 'Steps that live workers take at once, on their machines and elsewhere.', 'place');
  slots.set({ place: 'here' }, workers.here);
  slots.set({ place: 'elsewhere' }, workers.elsewhere);

  const ofBackend = (name: string, help: string) => gauge(`backend_${name}`, help, 'backend');
  const ready = ofBackend('ready', '1 when a live worker can run the backend, else 0.');
  const able = ofBackend('workers', 'Live workers that can run the backend.');
  const room = ofBackend('slots', 'Steps that they take at once, shared with their other backends.');
  const needed = ofBackend('workers_wanted', 'Workers that the steps of the backend alone ask for.');

  const ofQueue = (name: string, help: string) => gauge(`queue_${name}`, help, 'backend', 'priority');
  const depth = ofQueue('depth', 'Steps that are ready and wait.');
  const startable = ofQueue(
    'startable',
    'Those that a free slot would start: neither paused nor held back by a limit.',
  );
  const oldest = ofQueue('oldest_seconds', 'How long the oldest ready step has been ready; 0 when there is none.');
  const running = ofQueue('running', 'Steps that run.');
  const asked = ofQueue('workers_wanted', 'Workers that the steps of this backend and priority alone ask for.');

  for (const { backend, ...load } of backends) {
    ready.set({ backend }, load.health === 'READY' ? 1 : 0);
    able.set({ backend }, load.workers);
    room.set({ backend }, load.slots);
    needed.set({ backend }, load.wanted);
    for (const { priority, ...queue } of load.queues) {
      const labels = { backend, priority };
      depth.set(labels, queue.depth);
      startable.set(labels, queue.startable);
      oldest.set(labels, queue.oldestSeconds);
      running.set(labels, queue.running);
      asked.set(labels, queue.wanted);
    }
  }
  return registry;
}
