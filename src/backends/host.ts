/** All Backends of one worker process, and what they leave on its machine. */
import { dirname, join } from 'node:path';
import type { ArtifactStore } from '../artifacts/store';
import type { BackendSpec } from '../domain/definitions';
import { digestOf } from '../domain/digest';
import { messageOf, StepcastError } from '../domain/errors';
import { removeTree } from './attempt/attemptDirectory';
import { DEFAULT_PATH } from './attempt/environment';
import { KEPT, keptSpec, listKept } from './attempt/place';
import { runAttempt, type RunContext } from './attempt/run';
import { removeAbandonedFolders, workFolder } from './attempt/workFolders';
import type { AttemptObserver, AttemptRequest, Backend, BackendHealth, RunningAttempt } from './backend';
import { openBackend, type BackendServices } from './kinds';
import { ATTEMPT_VARIABLE, formatMark, ownMark, WORKER_VARIABLE } from './process/identity';
import { createJanitor } from './process/janitor';
import { killByWorker, killOrphans } from './process/processTree';

export interface HostOptions {
  /** Where the directories of running Attempts are made. Workers may share it. */
  readonly workDir: string;
  readonly workerId: string;
  readonly artifacts: ArtifactStore;
  /** The PATH of commands whose Task sets none; the system's usual one by default. */
  readonly path?: string;
  /** Folders of this machine that containers may be given; none by default. */
  readonly containerVolumes?: readonly string[];
  /** Where plug-ins lie; `plugins` beside the work folder by default. */
  readonly pluginFolder?: string;
  /** Whether nobody can have taken the worker for dead; always by default. */
  readonly isLeased?: () => boolean;
  /** Told what went wrong beside the Attempts, in a sentence. */
  readonly log?: (message: string) => void;
}

export interface BackendHost {
  /** Prepares, starts and collects one Attempt. Its outcome rejects only for faults of the worker's own machine. */
  start(request: AttemptRequest, observer: AttemptObserver): RunningAttempt;
  /** Whether the engine behind a Backend answers. */
  health(spec: BackendSpec): Promise<BackendHealth>;
  /** Kills what earlier workers left on this machine. Returns how many processes it ended. */
  sweep(): Promise<number>;
  /**
   * Ends what outlived its worker and is wanted no more, and removes its directories. `wanted` tells which of the
   * StepRuns may still go on. Returns how many directories it removed.
   */
  reap(wanted: (stepRunIds: readonly string[]) => Promise<ReadonlySet<string>>): Promise<number>;
  /** Ends what runs and lets go of what can outlive this worker; nothing starts any more (UNAVAILABLE). */
  close(): Promise<void>;
}

/** A Backend that nothing has used for so long is closed. */
const IDLE_MS = 10 * 60 * 1000;

interface Opened {
  readonly backend: Promise<Backend>;
  usedAt: number;
  running: number;
}

export function createHost(options: HostOptions): BackendHost {
  const { workDir, artifacts, path = DEFAULT_PATH, isLeased = () => true, log = () => {} } = options;
  const mark = ownMark(options.workerId);
  const workerMark = formatMark(mark);
  const folder = workFolder(workDir, mark);
  const keptFolder = join(workDir, KEPT);
  const { containerVolumes = [], pluginFolder = join(dirname(workDir), 'plugins') } = options;
  const marks = { [WORKER_VARIABLE]: workerMark };
  const services: BackendServices = { marks, folder, artifacts, path, containerVolumes, pluginFolder, log };
  const running = new Map<string, RunningAttempt>();
  const opened = new Map<string, Opened>();
  let closed = false;

  const open = (spec: BackendSpec): Opened => {
    const key = digestOf(spec);
    const known = opened.get(key);
    if (known) return known;
    const fresh: Opened = { backend: openBackend(spec, services), usedAt: Date.now(), running: 0 };
    opened.set(key, fresh);
    // The next Attempt tries again.
    fresh.backend.catch(() => opened.delete(key));
    return fresh;
  };
  const specs = new WeakMap<BackendSpec, Opened>();
  /** Specs are shared by all Attempts of a Job version, so each is digested once. */
  const openedFor = (spec: BackendSpec): Opened => {
    const known = specs.get(spec);
    if (known && [...opened.values()].includes(known)) return known;
    const found = open(spec);
    specs.set(spec, found);
    return found;
  };
  /** While it is used, a Backend is not closed for being idle. */
  const using = async <T>(spec: BackendSpec, use: (backend: Backend) => Promise<T>): Promise<T> => {
    const used = openedFor(spec);
    used.running += 1;
    try {
      return await use(await used.backend);
    } finally {
      used.running -= 1;
    }
  };
  const closeIdle = async (): Promise<void> => {
    for (const [key, one] of opened) {
      if (one.running > 0 || Date.now() - one.usedAt < IDLE_MS) continue;
      opened.delete(key);
      await (await one.backend).close();
    }
  };

  /** Ends what carries the mark of an Attempt of ours that has ended. */
  const endStragglers = (): Promise<number> =>
    killByWorker((text, entry) => {
      const attempt = entry.variable(ATTEMPT_VARIABLE);
      // Without an Attempt it is a process that a Backend keeps warm.
      return text === workerMark && attempt !== undefined && !running.has(attempt);
    });
  const janitor = createJanitor(async () => {
    const ended = await endStragglers();
    if (ended > 0) log(`Ended ${ended} ${ended === 1 ? 'process' : 'processes'} that commands had left behind.`);
  }, log);

  const context: RunContext = {
    ...{ folder, keptFolder, workerMark, artifacts, path, isLeased },
    backendFor: (request) => openedFor(request.backend).backend,
  };

  return {
    start(request, observer) {
      if (closed) throw new StepcastError('UNAVAILABLE', 'This worker is shutting down and starts no more commands.');
      const key = `${request.stepRunId}.${request.attempt}`;
      if (running.has(key)) throw new StepcastError('CONFLICT', `Attempt ${key} runs on this worker already.`);
      const used = openedFor(request.backend);
      used.running += 1;
      const attempt = runAttempt(context, request, observer);
      running.set(key, attempt);
      const forget = (): void => {
        running.delete(key);
        used.running -= 1;
        used.usedAt = Date.now();
        janitor.due();
      };
      attempt.outcome.then(forget, forget);
      return attempt;
    },

    async health(spec) {
      try {
        return await using(spec, (backend) => backend.health());
      } catch (error) {
        // What does not fit this machine does so until somebody changes it.
        const isUnfit = error instanceof StepcastError && error.code === 'CONFIGURATION';
        return { state: isUnfit ? 'MISSING' : 'UNAVAILABLE', version: null, message: messageOf(error) };
      }
    },

    async sweep() {
      const ended = await killOrphans();
      await removeAbandonedFolders(workDir);
      return ended;
    },

    async reap(wanted) {
      await closeIdle();
      const own = new Set([...running.keys()].map((key) => key.slice(0, key.lastIndexOf('.'))));
      const others = listKept(keptFolder).filter(({ stepRunId }) => !own.has(stepRunId));
      if (others.length === 0) return 0;
      const alive = await wanted(others.map(({ stepRunId }) => stepRunId));
      const unwanted = others.filter(({ stepRunId }) => !alive.has(stepRunId));
      let removed = 0;
      for (const { place } of unwanted) {
        try {
          const spec = await keptSpec(place);
          if (spec) await using(spec, async (backend) => backend.abandon?.(place));
          await removeTree(place.root);
          removed += 1;
        } catch (error) {
          // An engine that is away keeps what it runs, and not what others do.
          log(`What is left in ${place.root} could not be ended: ${messageOf(error)}`);
        }
      }
      return removed;
    },

    async close() {
      closed = true;
      const attempts = [...running.values()];
      for (const attempt of attempts) attempt.cancel('shutdown');
      await Promise.allSettled(attempts.map((attempt) => attempt.outcome));
      await Promise.allSettled([...opened.values()].map(async ({ backend }) => (await backend).close()));
      await janitor.stop();
      await killByWorker((text) => text === workerMark);
      await removeTree(folder);
    },
  };
}
