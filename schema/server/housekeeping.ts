/** What an API process does beside answering: recover, delete for good, clear away what nobody uses. */
import type { LocalArtifactStore } from '../../src/artifacts/localStore';
import type { Settings } from '../../src/config/settings';
import { messageOf } from '../../src/domain/errors';
import { createReconciler } from '../../src/engine/reconcile';
import { purgeSubmissions, purgeUploads, unnamedContents } from '../../src/store/statements/purge';
import { sweepReuse } from '../../src/store/statements/reuse';
import { forgetWorkers } from '../../src/store/statements/workers';
import { FIRINGS_KEPT } from '../../src/domain/firing';
import { forgetFirers } from '../../src/store/statements/firers';
import { forgetFirings } from '../../src/store/statements/firings';
import type { Services } from '../context';
import { firingPass } from '../firings/loop';
import type { Uploads } from '../http/uploads';
import type { Log } from './api';

const RECONCILE_MS = 2_000;
const PURGE_MS = 1_000;
const SWEEP_MS = 600_000;
/** Half-written files and unfinished uploads are kept this long after their last byte. */
const UNTOUCHED_MS = 24 * 3_600_000;
/** A content younger than this may be about to be named by a submission that is being checked. */
const YOUNG_MS = 3_600_000;
/** A content that was stored this recently is left to a later sweep: the same data may just be coming in again. */
const FRESH_MS = 60_000;
const FORGET_WORKERS_AFTER_SECONDS = 86_400;
const FIRING_MS = 1_000;
/** A removed schedule or trigger is remembered, with its firings, for so long. */
const FORGET_FIRERS_AFTER_SECONDS = 30 * 86_400;
/** Firings that one sweep forgets at most. */
const FORGET_FIRINGS = 10_000;
const BATCH = 100;

export function startHousekeeping(options: {
  readonly services: Services;
  readonly store: LocalArtifactStore;
  readonly uploads: Uploads;
  readonly settings: Pick<Settings, 'leaseSeconds' | 'reuseDays' | 'reuseEntries'>;
  readonly log: Log;
}): { stop(): void } {
  const { services, store, uploads, settings, log } = options;
  const { db } = services;

  const removeUnnamed = async (contents: readonly string[], olderThanMs = FRESH_MS): Promise<void> => {
    if (contents.length === 0) return;
    for (const sha256 of await unnamedContents(db, contents)) await store.removeOlderThan(sha256, olderThanMs);
  };
  const purge = async (): Promise<void> => {
    const { count, contents } = await purgeSubmissions(db, BATCH);
    await removeUnnamed(contents);
    await removeUnnamed(await purgeUploads(db, BATCH));
    if (count > 0) log('info', `deleted ${count} submissions for good`);
  };
  const sweep = async (): Promise<void> => {
    await forgetWorkers(db, FORGET_WORKERS_AFTER_SECONDS);
    await sweepReuse(db, { days: settings.reuseDays, entries: settings.reuseEntries });
    await forgetFirers(db, FORGET_FIRERS_AFTER_SECONDS);
    await forgetFirings(db, FIRINGS_KEPT, FORGET_FIRINGS);
    await store.sweepIncoming(UNTOUCHED_MS);
    await uploads.sweepUnfinished(UNTOUCHED_MS);
    // Data of refused submissions has no row; it goes when it is certain that nothing will name it.
    let page: string[] = [];
    for await (const sha256 of store.contentsOlderThan(YOUNG_MS)) {
      page.push(sha256);
      if (page.length < BATCH) continue;
      await removeUnnamed(page, YOUNG_MS);
      page = [];
    }
    await removeUnnamed(page, YOUNG_MS);
  };

  const timers = [
    every(
      RECONCILE_MS,
      createReconciler(services, settings.leaseSeconds),
      (error) => log('warn', `reconciling: ${messageOf(error)}`),
      { atOnce: true },
    ),
    every(
      FIRING_MS,
      () => firingPass(services, (message) => log('warn', message)),
      (error) => log('warn', `schedules and triggers: ${messageOf(error)}`),
    ),
    every(PURGE_MS, purge, (error) => log('warn', `deleting: ${messageOf(error)}`)),
    every(SWEEP_MS, sweep, (error) => log('warn', `clearing away: ${messageOf(error)}`)),
  ];
  return { stop: () => timers.forEach((timer) => clearInterval(timer)) };
}

/** Runs `work` at the pace, never twice at a time. */
function every(
  milliseconds: number,
  work: () => Promise<unknown>,
  onError: (error: unknown) => void,
  options: { readonly atOnce: boolean } = { atOnce: false },
): NodeJS.Timeout {
  let running = false;
  const run = (): void => {
    if (running) return;
    running = true;
    work()
      .catch(onError)
      .finally(() => {
        running = false;
      });
  };
  const timer = setInterval(run, milliseconds);
  timer.unref();
  if (options.atOnce) run();
  return timer;
}
