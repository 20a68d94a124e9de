/** The Backend LOCAL: commands of this machine, each in a directory, session and environment of its own. */
import type { ArtifactStore } from '../../artifacts/store';
import { StepcastError } from '../../domain/errors';
import type { Backend, RunningAttempt } from '../backend';
import { removeTree } from './attemptDirectory';
import { DEFAULT_PATH } from './environment';
import { ATTEMPT_VARIABLE, formatMark, ownMark } from './identity';
import { createJanitor } from './janitor';
import { killByWorker, killOrphans } from './processTree';
import { runAttempt } from './run';
import { removeAbandonedFolders, workFolder } from './workFolders';

export interface LocalBackendOptions {
  /** Where the directories of running Attempts are made. Workers may share it. */
  readonly workDir: string;
  readonly workerId: string;
  readonly artifacts: ArtifactStore;
  /** The PATH of commands whose Task sets none; the system's usual one by default. */
  readonly path?: string;
  /** Told what went wrong beside the Attempts, in a sentence. */
  readonly log?: (message: string) => void;
}

/**
 * Makes the Backend of this worker process. `close` ends what runs and removes the worker's folder; a Backend that is
 * closed starts nothing more (UNAVAILABLE).
 */
export function createLocalBackend(options: LocalBackendOptions): Backend {
  const { workDir, artifacts, path = DEFAULT_PATH, log } = options;
  const mark = ownMark(options.workerId);
  const workerMark = formatMark(mark);
  const folder = workFolder(workDir, mark);
  const context = { folder, workerMark, artifacts, path };
  const running = new Map<string, RunningAttempt>();
  let closed = false;

  /** Ends what carries the mark of an Attempt of ours that has ended. */
  const endStragglers = (): Promise<number> =>
    killByWorker((text, entry) => text === workerMark && !running.has(entry.variable(ATTEMPT_VARIABLE) ?? ''));
  const janitor = createJanitor(async () => {
    const ended = await endStragglers();
    if (ended > 0) log?.(`Ended ${ended} ${ended === 1 ? 'process' : 'processes'} that commands had left behind.`);
  }, log);

  return {
    kind: 'LOCAL',

    start(request, observer) {
      if (closed) throw new StepcastError('UNAVAILABLE', 'This worker is shutting down and starts no more commands.');
      const key = `${request.stepRunId}.${request.attempt}`;
      if (running.has(key)) throw new StepcastError('CONFLICT', `Attempt ${key} runs on this worker already.`);
      const attempt = runAttempt(context, request, observer);
      running.set(key, attempt);
      const forget = (): void => {
        running.delete(key);
        janitor.due();
      };
      attempt.outcome.then(forget, forget);
      return attempt;
    },

    async sweep() {
      const ended = await killOrphans();
      await removeAbandonedFolders(workDir);
      return ended;
    },

    async close() {
      closed = true;
      const attempts = [...running.values()];
      for (const attempt of attempts) attempt.cancel('shutdown');
      await Promise.allSettled(attempts.map((attempt) => attempt.outcome));
      await janitor.stop();
      await endStragglers();
      await removeTree(folder);
    },
  };
}
