/** Attempts end: their StepRuns change, successors become ready, Submissions end. Many at once, in one transaction. */
import { stepStateEvent } from '../domain/events';
import { mayRetry, retryDelaySeconds } from '../domain/retry';
import type { FailureKind } from '../domain/failure';
import type { AttemptState } from '../domain/states';
import { storableText } from '../domain/text';
import { filesIn, type Values } from '../domain/values';
import type { Database, Sql } from '../store/database';
import { lockSubmissions, stepRunsById, type StepRunView } from '../store/statements/locks';
import { advance, groupBy, type EndedRow } from './advance';
import type { Announcer } from './announcer';
import { outOfTime } from './deadlines';
import type { Plans } from './plans';
import {
  beginTransition,
  change,
  endRun,
  endUnrun,
  failSubmission,
  finishAll,
  queue,
  settle,
  windDown,
  type Transition,
} from './transition';
import { nodeOf } from './values';

/** What a worker says about an Attempt that ended. */
export interface AttemptReport {
  readonly stepRunId: string;
  readonly submissionId: string;
  readonly attempt: number;
  readonly workerId: string;
  /** CANCELLED without a request to cancel hands the work back, unharmed: it runs again. */
  readonly state: Exclude<AttemptState, 'RUNNING' | 'LOST'>;
  /** For FAILED: what kind of failure. */
  readonly failure: FailureKind | null;
  readonly retryable: boolean;
  readonly terminate: boolean;
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly message: string;
  readonly outputs: Values;
  readonly cpuMs: number | null;
  readonly peakMemoryBytes: number | null;
  /** It did not run: it took a result, or leaves the work to another that does it. */
  readonly reuse?: ReportedReuse;
}

export type ReportedReuse =
  /** For SUCCEEDED. */
  | { readonly kind: 'taken'; readonly fromStepRunId: string }
  /** For CANCELLED: it waits until the work of this fingerprint has ended, and is ready again then. */
  | { readonly kind: 'waits'; readonly fingerprint: string };

export interface EngineDependencies {
  readonly db: Database;
  readonly plans: Plans;
  readonly announcer: Announcer;
}

/**
 * Records the reports. A report whose Attempt no longer owns its StepRun (the worker was thought dead, and another took
 * over) changes nothing. Returns how many counted. Safe to call again with the same reports.
 */
export async function completeAttempts(
  { db, plans, announcer }: EngineDependencies,
  reports: readonly AttemptReport[],
): Promise<number> {
  const outcome = await db.transaction(async (sql) => {
    const submissions = await lockSubmissions(sql, [...new Set(reports.map((report) => report.submissionId))]);
    const views = new Map(
      (
        await stepRunsById(
          sql,
          reports.map((report) => report.stepRunId),
        )
      ).map((view) => [view.id, view]),
    );
    const transitions: Transition[] = [];
    const cancelled: string[] = [];
    const bySubmission = groupBy(reports, (report) => report.submissionId);
    let counted = 0;
    for (const submission of submissions.values()) {
      const { plan } = await plans.byId(submission.jobVersionId, sql);
      const transition = beginTransition(submission, plan);
      const owned = (bySubmission.get(submission.id) ?? []).flatMap((report) => {
        const view = views.get(report.stepRunId);
        if (!view || !owns(report, view)) return [];
        // The same report may stand in the batch once more.
        views.delete(report.stepRunId);
        return [{ report: inTime(transition, { ...report, message: storableText(report.message) }, view), view }];
      });
      if (owned.length === 0) continue;
      counted += owned.length;
      await record(sql, transition, owned);
      await settle(sql, transition);
      cancelled.push(...transition.cancel);
      transitions.push(transition);
    }
    return {
      counted,
      cancelled,
      committed: transitions.length > 0 ? await finishAll(sql, transitions) : null,
    };
  });
  if (outcome.committed) announcer.committed(outcome.committed);
  if (outcome.cancelled.length > 0) announcer.cancelRequested(outcome.cancelled);
  return outcome.counted;
}

function owns(report: AttemptReport, view: StepRunView): boolean {
  return view.state === 'RUNNING' && view.attempt === report.attempt && view.workerId === report.workerId;
}

/** The report as it counts: a step that was stopped because its time was up has failed, whatever its worker says of that. */
function inTime(transition: Transition, report: AttemptReport, view: StepRunView): AttemptReport {
  const reason = report.state === 'SUCCEEDED' ? null : outOfTime(transition, view);
  if (reason === null) return { ...report, failure: report.state === 'FAILED' ? report.failure : null };
  return { ...report, state: 'FAILED', failure: 'STEP_TIMEOUT', retryable: false, message: reason };
}

interface Owned {
  readonly report: AttemptReport;
  readonly view: StepRunView;
}

async function record(sql: Sql, transition: Transition, owned: readonly Owned[]): Promise<void> {
  const ended: EndedRow[] = [];
  const failed: Owned[] = [];
  for (const one of owned) {
    transition.attempts.push({ ...one.report, number: one.report.attempt });
    switch (one.report.state) {
      case 'SUCCEEDED':
        finish(transition, one, 'SUCCEEDED');
        ended.push({ view: one.view, state: 'SUCCEEDED', exitCode: one.report.exitCode });
        break;
      case 'CANCELLED':
        recordCancelled(transition, one);
        break;
      case 'FAILED':
        if (!retried(transition, one)) {
          finish(transition, one, 'FAILED');
          failed.push(one);
        }
        break;
    }
  }
  for (const { view, report } of failed) await failSubmission(sql, transition, view, report.message);
  const terminating = owned.find((one) => one.report.state === 'SUCCEEDED' && one.report.terminate);
  if (terminating && transition.ending === null) {
    transition.message ??= `Step "${terminating.view.name}" ended the job early: ${terminating.report.message}`;
    const reason = `Not run: step "${terminating.view.name}" ended the job early.`;
    await windDown(sql, transition, 'SUCCEEDED', { state: 'SKIPPED', reason, stopRunning: true });
  }
  // A Submission that is being wound down starts nothing new.
  if (transition.ending === null) await advance(sql, transition, ended);
}

/** Whether the failed StepRun is tried again. */
function retried(transition: Transition, one: Owned): boolean {
  const { report, view } = one;
  if (!report.retryable || transition.ending !== null) return false;
  const { run } = nodeOf(transition.plan, view);
  const failures = view.failures + 1;
  if (run.kind !== 'task' || !mayRetry(run.task.retry, failures)) return false;
  const { retry } = run.task;
  const delaySeconds = retryDelaySeconds(retry, failures, Math.random());
  const message = `${report.message} Try ${failures} of ${retry.maxAttempts}; next in ${delaySeconds.toFixed(1)} s.`;
  change(transition, { id: view.id, state: 'RETRYING', failures, message, exitCode: report.exitCode, delaySeconds });
  transition.events.push(stepStateEvent(view, 'RETRYING', message));
  keepFiles(transition, one);
  return true;
}

function recordCancelled(transition: Transition, one: Owned): void {
  const { report, view } = one;
  if (view.cancelRequested) finish(transition, one, 'CANCELLED');
  else if (report.reuse?.kind === 'waits' && transition.ending === null) {
    const { message } = report;
    change(transition, { id: view.id, state: 'RETRYING', message, waitsFor: report.reuse.fingerprint });
    transition.events.push(stepStateEvent(view, 'RETRYING', message));
  } else if (transition.ending === null)
    queue(transition, view, { message: `Handed back by its worker. ${report.message}`.trim() });
  else endUnrun(transition, view, 'CANCELLED', 'Not run again: the submission is ending.');
}

function finish(transition: Transition, one: Owned, state: 'SUCCEEDED' | 'FAILED' | 'CANCELLED'): void {
  const { message, exitCode, outputs, reuse } = one.report;
  const reusedFrom = reuse?.kind === 'taken' ? reuse.fromStepRunId : undefined;
  endRun(transition, one.view, state, { message, exitCode, outputs, reusedFrom });
  keepFiles(transition, one);
}

function keepFiles(transition: Transition, { report, view }: Owned): void {
  for (const [port, value] of Object.entries(report.outputs)) {
    filesIn(value).forEach((file, position) => {
      transition.artifacts.push({ submissionId: view.submissionId, stepRunId: view.id, port, position, file });
    });
  }
}
