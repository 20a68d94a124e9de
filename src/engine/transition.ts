/** Gathers the changes of one transaction and the cascade of what follows from them. */
import { consequences, successorsOf, type Ended } from '../domain/advance';
import type { JobPlan } from '../domain/compileJob';
import { stepStateEvent, submissionStateEvent, type EventDraft } from '../domain/events';
import { jobOutputs } from '../domain/resolveInputs';
import { isFinalStepRun, type Ending, type SubmissionState } from '../domain/states';
import { waitLimits } from '../domain/timeouts';
import type { Values } from '../domain/values';
import type { Sql } from '../store/database';
import type { ArtifactDraft, AttemptChange, Changes, OutboxMessage, StepRunChange } from '../store/statements/changes';
import {
  openStepRuns,
  outputsByNode,
  requestCancel,
  stepRunsByNode,
  type LockedSubmission,
  type StepRunView,
} from '../store/statements/locks';

/** One Submission under its lock, and what is about to change in it. */
export interface Transition {
  readonly submission: LockedSubmission;
  readonly plan: JobPlan;
  readonly stepRuns: StepRunChange[];
  readonly attempts: AttemptChange[];
  readonly events: EventDraft[];
  readonly outbox: OutboxMessage[];
  readonly artifacts: ArtifactDraft[];
  /** StepRuns that run and shall be stopped. */
  readonly cancel: string[];
  finished: number;
  ending: Ending | null;
  message: string | null;
  outputs: Values | null;
  /** Set when it differs from the stored one. */
  state: SubmissionState | null;
}

export function beginTransition(submission: LockedSubmission, plan: JobPlan): Transition {
  return {
    submission,
    plan,
    stepRuns: [],
    attempts: [],
    events: [],
    outbox: [],
    artifacts: [],
    cancel: [],
    finished: 0,
    ending: submission.ending,
    // The first cause stays the one that is told, also by the last Event.
    message: submission.ending === null ? null : submission.message,
    outputs: null,
    state: null,
  };
}

const eventStep = (view: StepRunView): { submissionId: string; id: string; name: string; attempt: number } => ({
  submissionId: view.submissionId,
  id: view.id,
  name: view.name,
  attempt: view.attempt,
});

/** Makes a StepRun ready: it may be taken by any worker from now on. */
export function queue(transition: Transition, view: StepRunView, message = ''): void {
  const limits = waitLimits(transition.plan.nodes[view.node]?.task ?? {});
  transition.stepRuns.push({ ...limits, id: view.id, state: 'QUEUED', waiting: 0, message });
  transition.events.push(stepStateEvent(eventStep(view), 'QUEUED', message));
  transition.outbox.push({ queue: view.queue, priority: view.priority, stepRunId: view.id, attempt: view.attempt + 1 });
}

/** Ends a StepRun that does not run. */
export function endUnrun(
  transition: Transition,
  view: StepRunView,
  state: 'SKIPPED' | 'CANCELLED',
  reason: string,
): void {
  transition.stepRuns.push({ id: view.id, state, message: reason });
  transition.events.push(stepStateEvent(eventStep(view), state, reason));
  transition.finished += 1;
}

/** Advances to the successors of StepRuns that ended well, and on through those that are skipped. */
export async function advance(sql: Sql, transition: Transition, ended: readonly Ended[]): Promise<void> {
  const { plan, submission } = transition;
  let frontier = ended;
  while (frontier.length > 0) {
    const nodes = successorsOf(
      plan,
      frontier.map((one) => one.node),
    );
    if (nodes.length === 0) return;
    const rows = await stepRunsByNode(
      sql,
      nodes.map(() => submission.id),
      nodes,
    );
    const byNode = new Map(rows.map((row) => [row.node, withPending(transition, row)]));
    const skipped: Ended[] = [];
    for (const consequence of consequences(plan, frontier, [...byNode.values()])) {
      const view = byNode.get(consequence.node);
      if (!view) continue;
      switch (consequence.kind) {
        case 'waits':
          replaceChange(transition, { id: view.id, state: 'PENDING', waiting: consequence.waiting });
          break;
        case 'ready':
          dropChange(transition, view.id);
          queue(transition, view);
          break;
        case 'skipped':
          dropChange(transition, view.id);
          endUnrun(transition, view, 'SKIPPED', `Skipped: ${consequence.reason}.`);
          skipped.push({ node: consequence.node, state: 'SKIPPED', exitCode: null });
          break;
      }
    }
    frontier = skipped;
  }
}

/** The row as this transaction will leave it: one batch may touch a StepRun more than once. */
function withPending(transition: Transition, row: StepRunView): StepRunView {
  const change = transition.stepRuns.find((one) => one.id === row.id);
  return change ? { ...row, state: change.state, waiting: change.waiting ?? row.waiting } : row;
}

function dropChange(transition: Transition, id: string): void {
  const index = transition.stepRuns.findIndex((change) => change.id === id);
  if (index >= 0) transition.stepRuns.splice(index, 1);
}

function replaceChange(transition: Transition, change: StepRunChange): void {
  dropChange(transition, change.id);
  transition.stepRuns.push(change);
}

/**
 * Stops everything that has not ended: what waits ends unrun, what runs is asked to stop when `stopRunning`.
 * The first cause decides how the Submission ends.
 */
export async function windDown(
  sql: Sql,
  transition: Transition,
  ending: Ending,
  rest: { state: 'SKIPPED' | 'CANCELLED'; reason: string; stopRunning: boolean },
): Promise<void> {
  if (transition.ending === null) transition.ending = ending;
  for (const row of await openStepRuns(sql, transition.submission.id)) {
    const view = withPending(transition, row);
    if (isFinalStepRun(view.state)) continue;
    if (view.state === 'RUNNING') {
      if (rest.stopRunning && !view.cancelRequested) transition.cancel.push(view.id);
      continue;
    }
    // It may have been made ready a moment ago, in this same transaction: that is taken back.
    takeBackQueueing(transition, view.id);
    endUnrun(transition, view, rest.state, rest.reason);
  }
}

function takeBackQueueing(transition: Transition, id: string): void {
  dropChange(transition, id);
  const event = transition.events.findIndex((draft) => draft.stepRunId === id && draft.state === 'QUEUED');
  if (event >= 0) transition.events.splice(event, 1);
  const message = transition.outbox.findIndex((one) => one.stepRunId === id);
  if (message >= 0) transition.outbox.splice(message, 1);
}

/** Ends the Submission when nothing of it is left to end. Call last, before `changesOf`. */
export async function settle(sql: Sql, transition: Transition): Promise<void> {
  if (transition.cancel.length > 0) await requestCancel(sql, transition.cancel);
  const left = transition.submission.unfinished - transition.finished;
  if (left > 0) {
    const state = transition.ending === 'CANCELLED' ? 'CANCELLING' : null;
    if (state !== null && transition.submission.state !== state) {
      transition.state = state;
      transition.events.push(submissionStateEvent(transition.submission.id, state, transition.message ?? ''));
    }
    return;
  }
  const state = transition.ending ?? 'SUCCEEDED';
  transition.state = state;
  transition.outputs = await collectOutputs(sql, transition);
  transition.events.push(submissionStateEvent(transition.submission.id, state, transition.message ?? ''));
}

async function collectOutputs(sql: Sql, transition: Transition): Promise<Values> {
  const { plan, submission } = transition;
  const nodes = plan.outputNodes;
  if (nodes.length === 0) return {};
  const stored = new Map(await outputsByNode(sql, submission.id, nodes));
  const fresh = transition.stepRuns.filter((change) => change.outputs !== undefined);
  if (fresh.length > 0) {
    const rows = await stepRunsByNode(
      sql,
      nodes.map(() => submission.id),
      nodes,
    );
    for (const row of rows) {
      const change = fresh.find((one) => one.id === row.id);
      if (change?.outputs) stored.set(row.node, change.outputs);
    }
  }
  return jobOutputs(plan, (node) => stored.get(node) ?? null);
}

/** All transitions of a transaction as one set of changes. */
export function changesOf(transitions: readonly Transition[]): Changes {
  return {
    stepRuns: transitions.flatMap((one) => one.stepRuns),
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
      outputs: one.outputs ?? undefined,
    })),
  };
}
