import os from 'node:os';
import { folders, list, wholeNumber } from './formats';
import { bytes, optional, variable } from './variable';

const KIB = 2 ** 10;
const MIB = 2 ** 20;
const GIB = 2 ** 30;
const HOUR_SECONDS = 3_600;

/** Commands mostly wait for their process, so two for each core keep the cores busy; beyond this, memory is the limit. */
const MAX_DEFAULT_CONCURRENCY = 64;
/** Worker processes of one machine. */
const MAX_WORKERS = 256;

/** The variables of worker processes: how many there are, and what each of them takes. */
export const WORKER_VARIABLES = {
  workersMin: variable({
    name: 'STEPCAST_WORKERS_MIN',
    group: 'Workers',
    meaning: 'Worker processes that `npm run worker` and `npm start` keep at least.',
    fallback: '1',
    schema: wholeNumber(1, MAX_WORKERS),
    flag: 'workers-min',
  }),
  workersMax: variable({
    name: 'STEPCAST_WORKERS_MAX',
    group: 'Workers',
    meaning: 'Worker processes that they start at most, as more steps wait.',
    fallbackText: 'STEPCAST_WORKERS_MIN',
    schema: optional(wholeNumber(1, MAX_WORKERS)),
    flag: 'workers-max',
  }),
  workersCoolDownSeconds: variable({
    name: 'STEPCAST_WORKERS_COOLDOWN_SECONDS',
    group: 'Workers',
    meaning: 'Seconds for which fewer worker processes must have been enough before one of them is let go.',
    fallback: '60',
    schema: wholeNumber(0, HOUR_SECONDS),
  }),
  concurrency: variable({
    name: 'STEPCAST_CONCURRENCY',
    group: 'Workers',
    meaning: 'Steps that one worker process runs at the same time.',
    fallback: String(Math.min(os.availableParallelism() * 2, MAX_DEFAULT_CONCURRENCY)),
    fallbackText: `cores × 2, at most ${MAX_DEFAULT_CONCURRENCY}`,
    schema: wholeNumber(1, 1_024),
    flag: 'concurrency',
  }),
  waitingConcurrency: variable({
    name: 'STEPCAST_WAITING_CONCURRENCY',
    group: 'Workers',
    meaning: 'Steps that one worker process watches at the same time while they run elsewhere, as on a cluster.',
    fallback: '1000',
    schema: wholeNumber(1, 10_000),
  }),
  queues: variable({
    name: 'STEPCAST_QUEUES',
    group: 'Workers',
    meaning: 'Names of the backends, separated by commas, whose steps this worker takes.',
    fallback: '',
    fallbackText: 'all',
    schema: list(/^[\w.-]+$/, 'backend names of letters, digits, dots, dashes and underscores'),
    flag: 'queues',
  }),
  containerVolumes: variable({
    name: 'STEPCAST_CONTAINER_VOLUMES',
    group: 'Workers',
    meaning:
      "Folders of the worker's machine, separated as in PATH, that backends may mount into containers as volumes, with all they hold.",
    fallback: '',
    fallbackText: 'none',
    schema: folders(),
  }),
  drainSeconds: variable({
    name: 'STEPCAST_DRAIN_SECONDS',
    group: 'Workers',
    meaning: 'Seconds that a stopping worker gives its running steps before it hands them back.',
    fallback: '8',
    schema: wholeNumber(0, HOUR_SECONDS),
  }),
  leaseSeconds: variable({
    name: 'STEPCAST_LEASE_SECONDS',
    group: 'Workers',
    meaning: 'Seconds without a sign of life after which a worker counts as dead and its steps run again elsewhere.',
    fallback: '12',
    schema: wholeNumber(2, HOUR_SECONDS),
  }),
  healthSeconds: variable({
    name: 'STEPCAST_HEALTH_SECONDS',
    group: 'Workers',
    meaning:
      'Seconds between two looks of a worker whether the engines of its backends answer; every 5 s at most for one that does not.',
    fallback: '30',
    schema: wholeNumber(1, HOUR_SECONDS),
  }),
  maxLogBytes: variable({
    name: 'STEPCAST_MAX_LOG_BYTES',
    group: 'Workers',
    meaning: 'Log that is kept of one step run; what comes later is left out, and the log says so.',
    ...bytes(16 * MIB, 64 * KIB, 16 * GIB),
  }),
} as const;
