/** Gathers the changes of one transaction to one Submission, and writes them. */
import type { JobPlan } from '../domain/compileJob';
import { stepStateEvent, submissionStateEvent, type EventDraft } from '../domain/events';
import type { Ending, SubmissionState } from '../domain/states';
import type { Sql } from '../store/database';
import {
  applyChanges,
  type ArtifactDraft,
  type AttemptChange,
  type Changes,
  type Committed,
  type OutboxMessage,
  type StepRunChange,
} from '../store/statements/changes';
import type { LockedSubmission, StepRunView } from '../store/statements/locks';
import { windDownRows } from '../store/statements/windDown';
import { gather, gatherSubmission, type Gather } from './gather';
import { limitsOf } from './rows';
import { nodeOf } from './values';

/** One Submission under its lock, and what is about to change in it. */
export interface Transition {
  readonly submission: LockedSubmission;
  readonly plan: JobPlan;
  /** By StepRun; one batch may touch a StepRun more than once, and the changes are joined. */
  readonly changes: Map<string, StepRunChange>;
  attempts: AttemptChange[];
  events: EventDraft[];
  outbox: OutboxMessage[];
  artifacts: ArtifactDraft[];
  /** Outputs to put together once the changes are written, inner ones first. */
  gathers: Gather[];
  /** StepRuns that run and shall be stopped. */
  readonly cancel: string[];
  /** Written already, in the same transaction, by an earlier `flush`. */
  readonly committed: Committed[];
  /** StepRuns that have not ended, as far as that is written. */
  unfinished: number;
  /** StepRuns that ended and are not written yet. */
  finished: number;
  ending: Ending | null;
  message: string | null;
  /** Set when it differs from the stored one. */
  state: SubmissionState | null;
}

export function beginTransition(submission: LockedSubmission, plan: JobPlan): Transition {
  return {
    submission,
    plan,
    changes: new Map(),
    attempts: [],
    events: [],
    outbox: [],
    artifacts: [],
    gathers: [],
    cancel: [],
    committed: [],
    unfinished: submission.unfinished,
    finished: 0,
    ending: submission.ending,
    // The first cause stays the one that is told, also by the last Event.
    message: submission.ending === null ? null : submission.message,
    state: null,
  };
}

/** Adds to what changes in a StepRun. */
export function change(transition: Transition, next: StepRunChange): void {
  transition.changes.set(next.id, { ...transition.changes.get(next.id), ...next });
}

/** The row as this transaction will leave it. */
export function pending(transition: Transition, row: StepRunView): StepRunView {
  const next = transition.changes.get(row.id);
  if (!next) return row;
  return { ...row, state: next.state, waiting: next.waiting ?? row.waiting, left: next.left ?? row.left };
}

/** Makes a StepRun ready: it may be taken by any worker from now on. */
export function queue(transition: Transition, view: StepRunView, more: Partial<StepRunChange> = {}): void {
  const message = more.message ?? '';
  const limits = limitsOf(nodeOf(transition.plan, view));
  change(transition, { ...limits, ...more, id: view.id, state: 'QUEUED', waiting: 0, message });
  transition.events.push(stepStateEvent(view, 'QUEUED', message));
  transition.outbox.push({ queue: view.queue, priority: view.priority, stepRunId: view.id, attempt: view.attempt + 1 });
}

/** Ends a StepRun that does not run. */
export function endUnrun(
  transition: Transition,
  view: StepRunView,
  state: 'SKIPPED' | 'CANCELLED',
  reason: string,
): void {
  change(transition, { id: view.id, state, message: reason, due: false });
  transition.events.push(stepStateEvent(view, state, reason));
  transition.finished += 1;
}

/** Ends a StepRun for good. Whether the Submission goes on is for the caller to say. */
export function endRun(
  transition: Transition,
  view: StepRunView,
  state: 'SUCCEEDED' | 'FAILED' | 'CANCELLED',
  more: Partial<StepRunChange> = {},
): void {
  change(transition, { ...more, id: view.id, state });
  transition.events.push(stepStateEvent(view, state, more.message ?? ''));
  transition.finished += 1;
}

/**
 * Stops everything that has not ended: what waits ends unrun, what runs is asked to stop when `stopRunning`. The first
 * cause decides how the Submission ends. What changed so far is written before, so that Events keep their order.
 */
export async function windDown(
  sql: Sql,
  transition: Transition,
  ending: Ending,
  rest: {
    readonly state: 'SKIPPED' | 'CANCELLED';
    readonly reason: string;
    readonly stopRunning: boolean;
    /** The StepRun whose failure is the cause. */
    readonly failedId?: string;
  },
): Promise<void> {
  if (transition.ending === null) transition.ending = ending;
  await flush(sql, transition);
  const done = await windDownRows(sql, transition.submission.id, { failedId: null, ...rest });
  transition.unfinished -= done.ended;
  transition.cancel.push(...done.cancel);
  transition.committed.push(done);
}

/** A StepRun failed for good: the Submission fails, and what has not started never will. */
export async function failSubmission(
  sql: Sql,
  transition: Transition,
  failed: StepRunView,
  reason: string,
  { stopRunning }: { readonly stopRunning: boolean } = { stopRunning: false },
): Promise<void> {
  transition.message ??= `Step "${failed.name}" failed: ${reason}`;
  // What failed after that changes nothing: everything that could be stopped is.
  if (transition.ending !== null) return;
  await windDown(sql, transition, 'FAILED', {
    state: 'CANCELLED',
    reason: `Not run: step "${failed.name}" failed.`,
    stopRunning,
    failedId: failed.id,
  });
}

/** Ends the Submission when nothing of it is left to end. Call last, before `finishAll`. */
export async function settle(sql: Sql, transition: Transition): Promise<void> {
  const left = transition.unfinished - transition.finished;
  if (left > 0) {
    const state = transition.ending === 'CANCELLED' ? 'CANCELLING' : null;
    if (state !== null && transition.submission.state !== state) {
      transition.state = state;
      transition.events.push(submissionStateEvent(transition.submission.id, state, transition.message ?? ''));
    }
    return;
  }
  const outputs = await gatherSubmission(sql, transition.plan, transition.submission.id, () => flush(sql, transition));
  if (outputs.kind === 'later') transition.gathers.push(outputs.gather);
  else if (outputs.problems.length > 0 && transition.ending === null) {
    transition.ending = 'FAILED';
    transition.message = outputs.problems.join(' ');
  }
  const state = transition.ending ?? 'SUCCEEDED';
  transition.state = state;
  transition.events.push(submissionStateEvent(transition.submission.id, state, transition.message ?? ''));
}

/** Writes what has changed so far, in the transaction that goes on. */
export async function flush(sql: Sql, transition: Transition): Promise<void> {
  transition.committed.push(await applyChanges(sql, changesOf([transition])));
  const { gathers } = transition;
  transition.unfinished -= transition.finished;
  transition.finished = 0;
  transition.changes.clear();
  transition.attempts = [];
  transition.events = [];
  transition.outbox = [];
  transition.artifacts = [];
  transition.gathers = [];
  for (const one of gathers) await gather(sql, one);
}

/** Writes all transitions of a transaction; the answer is what must be announced after the commit. */
export async function finishAll(sql: Sql, transitions: readonly Transition[]): Promise<Committed> {
  const last = await applyChanges(sql, changesOf(transitions));
  for (const one of transitions.flatMap(({ gathers }) => gathers)) await gather(sql, one);
  return joined([...transitions.flatMap(({ committed }) => committed), last]);
}

function joined(parts: readonly Committed[]): Committed {
  const [only] = parts;
  if (only && parts.length === 1) return only;
  return {
    events: parts.flatMap(({ events }) => events),
    outbox: parts.flatMap(({ outbox }) => outbox),
    due: parts.some(({ due }) => due === true),
  };
}

/** All transitions of a transaction as one set of changes. */
function changesOf(transitions: readonly Transition[]): Changes {
  return {
    stepRuns: transitions.flatMap((one) => [...one.changes.values()]),
    attempts: transitions.flatMap((one) => one.attempts),
    events: transitions.flatMap((one) => one.events),
    outbox: transitions.flatMap((one) => one.outbox),
    artifacts: transitions.flatMap((one) => one.artifacts),
    submissions: transitions.map((one) => ({
      id: one.submission.id,
      finished: one.finished,
      state: one.state ?? undefined,
      ending: one.ending ?? undefined,
      message: one.message ?? undefined,
    })),
  };
}
