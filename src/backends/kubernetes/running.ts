/** A Job from its creation to its removal, by what the poller hears of it. */
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { messageOf, StepcastError } from '../../domain/errors';
import type { CommandExit, CommandHooks, PlacedAttempt, StartedCommand } from '../backend';
import { createPace } from '../batch/pace';
import { tail } from '../batch/tail';
import type { Cluster } from './cluster';
import { STREAM_FILES } from './jobRequest';
import type { Heard, Poller } from './poller';
import { readPod } from './readPod';

export interface RunningJob {
  readonly cluster: Cluster;
  readonly poller: Poller;
  readonly name: string;
  readonly attempt: Pick<PlacedAttempt, 'directory' | 'resources'>;
  readonly pendingSeconds: number;
  readonly hooks: Pick<CommandHooks, 'note'>;
  /** Told what went wrong with the removal; the cluster removes it later. */
  readonly log: (message: string) => void;
}

const LOOKS = { firstMs: 50, slowestMs: 1_000 };
/** What keeps a pod from starting and may pass, such as a registry that is away, is given so long. */
const STUCK_MS = 120_000;
/** A cluster that does not answer for so long is given up, and the Attempt with it. */
const AWAY_MS = 10 * 60_000;
/** A new Job may be missing in an answer; so many in a row are no accident. */
const MISSING_TIMES = 3;
const REMOVE_AGAIN_MS = 5_000;
const MAX_REMOVALS = 12;
const NOTHING: CommandExit = { exitCode: null, signal: null, cpuMs: null, maxRssBytes: null };

export function watchJob({ cluster, poller, name, attempt, pendingSeconds, hooks, log }: RunningJob): StartedCommand {
  const pace = createPace(LOOKS);
  const began = performance.now();
  let asked = false;
  let over = false;
  let missing = 0;
  let away = false;
  let told = '';
  let stuckSince: number | null = null;
  let unwatch = (): void => {};
  let endNow = (): void => {};
  let runs: () => void = () => {};
  const running = new Promise<void>((resolve) => (runs = resolve));

  const exited = new Promise<CommandExit>((resolve, reject) => {
    const end = (exit: Partial<CommandExit>): void => resolve({ ...NOTHING, ...exit });
    endNow = () => end({});
    const giveUp = (failure: CommandExit['failure']): void => end(asked ? {} : { failure });
    const hear = (heard: Heard): void => {
      if (heard.kind === 'away') {
        if (!away) hooks.note(`${heard.message} Waiting for it; the command may run on.`);
        away = true;
        if (heard.forMs > AWAY_MS) reject(new StepcastError('UNAVAILABLE', heard.message));
        return;
      }
      if (away) hooks.note('The cluster answers again.');
      away = false;
      if (heard.kind === 'missing') {
        missing += 1;
        if (asked) end({});
        else if (missing >= MISSING_TIMES)
          giveUp({ kind: 'LOST', message: `The job ${name} was removed from the cluster by somebody else.` });
        return;
      }
      missing = 0;
      const reading = readPod(heard.job, heard.pod, attempt.resources);
      switch (reading.phase) {
        case 'ended':
          runs();
          // A pod that is being removed counts when it is gone: its other processes may still run.
          if (!asked) end(reading.exit);
          return;
        case 'running':
          if (told !== 'running') hooks.note(`Runs on ${reading.node}, in the image ${reading.image}.`);
          told = 'running';
          runs();
          pace.quicken();
          return;
        case 'waiting': {
          if (reading.why !== told && reading.why !== '') hooks.note(`The job ${name} waits: ${reading.why}.`);
          told = reading.why;
          stuckSince = reading.stuck === null ? null : (stuckSince ?? performance.now());
          const stuck = stuckSince !== null && performance.now() - stuckSince > STUCK_MS;
          // What is the task's fault does not pass.
          if (reading.stuck !== null && (stuck || reading.stuck === 'NOT_STARTED'))
            giveUp({ kind: reading.stuck, message: `The command was not started: ${reading.why}.` });
          else if (performance.now() - began > pendingSeconds * 1_000)
            giveUp({
              kind: 'MACHINE',
              message: `The command was not started within ${pendingSeconds} seconds: ${reading.why}.`,
            });
        }
      }
    };
    unwatch = poller.watch(name, hear);
  }).finally(() => {
    unwatch();
    over = true;
    pace.stop();
  });
  exited.catch(() => {}); // told to whoever waits for it

  const stream = (which: 'stdout' | 'stderr') =>
    tail({
      path: join(attempt.directory.root, STREAM_FILES[which]),
      pace,
      final: () => (over ? { size: null } : null),
    });
  const remove = (urgent: boolean): Promise<void> =>
    cluster
      .remove(name, { urgent })
      .catch((error: unknown) => log(`The job ${name} is not removed: ${messageOf(error)}`));

  return {
    stdout: stream('stdout'),
    stderr: stream('stderr'),
    exited,
    running,
    async end(urgent) {
      asked = true;
      for (let tries = 0; !over; tries += 1) {
        await remove(urgent || tries > 0);
        poller.soon();
        await Promise.race([exited.catch(() => {}), delay(REMOVE_AGAIN_MS, undefined, { ref: false })]);
        if (over || tries < MAX_REMOVALS) continue;
        log(`The cluster does not end the job ${name}; its node may be gone.`);
        endNow();
        return;
      }
    },
    dispose: () => remove(false),
    detach: () => {
      unwatch();
      pace.stop();
    },
  };
}
