/**
 * Finds what the database says should be going on and is not: work of dead workers, retries that are due, what is out of
 * time, messages that were never sent. Any number of processes may call it; each pass is bounded and harmless to repeat.
 */
import { attemptLostEvent } from '../domain/events';
import { failureAfterLoss } from '../domain/retry';
import { moveToLanes } from '../store/statements/lanes';
import { limitsAreYoung } from '../store/statements/limits';
import { unsent } from '../store/statements/outbox';
import { dueRetries, expireWorkers, orphanedStepRuns } from '../store/statements/workers';
import type { EngineDependencies } from './complete';
import { failStep } from './changeSubmission';
import { changeStepRuns, type Apply } from './changeStepRuns';
import { enforceDeadlines, outOfTime } from './deadlines';
import { wakeWaiters } from './reuse';
import { endUnrun, queue } from './transition';
import { nodeOf } from './values';

const BATCH = 500;
const UNSENT_AFTER_SECONDS = 2;
/** So long after a limit came to be, what was being stored beside it is looked at again. */
const YOUNG_LIMIT_SECONDS = 30;

export interface Reconciled {
  readonly lostWorkers: number;
  readonly requeued: number;
  readonly retried: number;
  /** StepRuns that had waited for equal work which has ended. */
  readonly woken: number;
  /** Submissions and steps whose time was up. */
  readonly outOfTime: number;
  readonly resent: number;
}

export async function reconcile(
  engine: EngineDependencies,
  leaseSeconds: number,
  options: { readonly judge: boolean } = { judge: true },
): Promise<Reconciled> {
  const { db, announcer } = engine;
  const lost = options.judge ? await expireWorkers(db, leaseSeconds) : [];
  const orphans = await orphanedStepRuns(db, BATCH);
  const requeued = await changeStepRuns(engine, orphans, recoverOrphan);
  const due = await dueRetries(db, BATCH);
  const retried = await changeStepRuns(engine, due, async (transition, view) => {
    if (view.state !== 'RETRYING') return false;
    if (transition.ending === null) queue(transition, view);
    else endUnrun(transition, view, 'CANCELLED', 'Not tried again: the submission is ending.');
    return true;
  });
  const woken = await wakeWaiters(engine, null);
  const ended = await enforceDeadlines(engine);
  if (await limitsAreYoung(db, YOUNG_LIMIT_SECONDS)) await moveToLanes(db);
  const messages = await unsent(db, UNSENT_AFTER_SECONDS, BATCH);
  if (messages.length > 0) announcer.committed({ events: [], outbox: messages });
  return { lostWorkers: lost.length, requeued, retried, woken, outOfTime: ended, resent: messages.length };
}

/** A longer pause between two passes than this, in seconds, means that this process saw nothing for a while. */
const LEAST_PAUSE_SECONDS = 3;

/**
 * One process' passes, to be called every few seconds. Whoever was cut off or asleep must not judge others by their
 * silence: Postgres was away, or the whole machine asleep, and all were silent. After such a pause the workers get the
 * whole lease to be heard again. A process that has just started has no pause to speak of, and judges at once.
 */
export function createReconciler(engine: EngineDependencies, leaseSeconds: number): () => Promise<Reconciled> {
  let last: number | null = null;
  let since = -Infinity;
  return async () => {
    const now = Date.now();
    const pauseSeconds = Math.max(leaseSeconds / 2, LEAST_PAUSE_SECONDS);
    if (last !== null && now - last > pauseSeconds * 1_000) since = now;
    last = now;
    try {
      await engine.db.query({ name: 'reachable', text: 'select 1' });
    } catch (error) {
      since = Date.now();
      throw error;
    }
    return reconcile(engine, leaseSeconds, { judge: now - since >= leaseSeconds * 1_000 });
  };
}

const recoverOrphan: Apply = async (transition, view, sql) => {
  if (view.state !== 'RUNNING' || view.workerId === null) return false;
  const stillOrphaned = await sql.query(
    { name: 'worker-gone', text: `select from worker where id = $1 and state in ('LOST', 'STOPPED')` },
    [view.workerId],
  );
  if (stillOrphaned.length === 0) return false;
  const lost = view.lost + 1;
  const message = `The worker that ran attempt ${view.attempt} died or fell silent.`;
  transition.attempts.push({
    stepRunId: view.id,
    number: view.attempt,
    state: 'LOST',
    exitCode: null,
    signal: null,
    message,
    cpuMs: null,
    peakMemoryBytes: null,
    failure: 'LOST',
  });
  transition.events.push(attemptLostEvent(view, message));
  const late = outOfTime(transition, view);
  if (late === null && (transition.ending !== null || view.cancelRequested)) {
    endUnrun(transition, view, 'CANCELLED', message);
    return true;
  }
  const { run } = nodeOf(transition.plan, view);
  const reason = late ?? failureAfterLoss(run.kind === 'task' ? run.task.retry : undefined, lost);
  if (reason === null) {
    queue(transition, view, { message, lost });
    return true;
  }
  await failStep(sql, transition, view, { reason, lost, ...(late === null ? {} : { failure: 'STEP_TIMEOUT' }) });
  return true;
};
