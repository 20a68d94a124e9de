/** Resume: a Submission that failed or was cancelled goes on from what succeeded, as its next generation. */
import { NO_ADMISSION_LIMITS, type AdmissionLimits } from '../domain/admission';
import { skipReason } from '../domain/advance';
import { planIn, ROOT_JOB, type JobPlan, type PlanNode } from '../domain/compileJob';
import { StepcastError } from '../domain/errors';
import { submissionSeconds } from '../domain/timeouts';
import type { Sql } from '../store/database';
import { lockSubmissions, stepRunsById, type LockedSubmission } from '../store/statements/locks';
import { queuedCount } from '../store/statements/outbox';
import {
  reopenRows,
  submissionTimeout,
  submitterOf,
  type Decided,
  type ResumedEdge,
  type ResumedNode,
} from '../store/statements/resume';
import { advance, endParent, groupBy, LOW_WATER, type EndedRow } from './advance';
import { admitSubmissions } from './admission';
import type { EngineDependencies } from './complete';
import { limitsOf } from './rows';
import { beginTransition, change, endUnrun, finishAll, queue, settle, type Transition } from './transition';
import { nodeOf } from './values';

export interface ResumeDependencies extends EngineDependencies {
  /** Steps that may wait at once, over all submissions: past it, nothing is resumed. */
  readonly maxQueued: number;
  /** How many submissions of one submitter may be open. None if not given. */
  readonly admission?: AdmissionLimits;
}

/**
 * Opens what failed or was cancelled, and what waited for it, again; what succeeded stays and does not run again. Returns
 * how many StepRuns are open. CONFLICT when the Submission has not failed and was not cancelled, is still ending, is
 * being deleted, or when nothing in it could go another way; LIMIT_EXCEEDED when too much waits already, or too many of the
 * submitter's are open; NOT_FOUND when there is none.
 */
export async function resumeSubmission(
  { db, plans, announcer, maxQueued, admission = NO_ADMISSION_LIMITS }: ResumeDependencies,
  submissionId: string,
): Promise<number> {
  const { count, committed } = await db.transaction(async (sql) => {
    const submission = (await lockSubmissions(sql, [submissionId])).get(submissionId);
    if (!submission) throw new StepcastError('NOT_FOUND', 'There is no such submission.');
    const refusal = whyNot(submission);
    if (refusal !== null) throw new StepcastError('CONFLICT', refusal);
    if ((await queuedCount(sql, maxQueued)) >= maxQueued) {
      const message = `${maxQueued} steps wait already, which is this server's limit. Try again when some are done.`;
      throw new StepcastError('LIMIT_EXCEEDED', message);
    }
    // It is open again, as a new one would be. Its priority is what it was given.
    await admitSubmissions(sql, admission, await submitterOf(sql, submissionId), ['NORMAL']);
    const { plan } = await plans.byId(submission.jobVersionId, sql);
    const asked = await submissionTimeout(sql, submissionId);
    const reopened = await reopenRows(sql, submissionId, graphOf(plan), {
      message: 'Resumed: what succeeded stays, what failed or was cancelled runs again.',
      lowWater: LOW_WATER,
      timeoutSeconds: submissionSeconds(plan.job, asked),
    });
    const open = { ...submission, state: 'QUEUED', ending: null, message: '', unfinished: reopened.count } as const;
    const transition = beginTransition(open, plan);
    transition.committed.push(reopened);
    await goOn(sql, transition, reopened);
    await settle(sql, transition);
    if (reopened.count === 0 && transition.ending === 'FAILED') {
      // Every step ended well, and what they gave did not fit together: that has come out the same again.
      const message = `None of its steps failed or was cancelled, so there is nothing to resume. It failed by this: ${submission.message} Run it again with other inputs, or mend the job.`;
      throw new StepcastError('CONFLICT', message);
    }
    return { count: reopened.count, committed: await finishAll(sql, [transition]) };
  });
  announcer.committed(committed);
  return count;
}

function whyNot({ state, deleteRequested, ending }: LockedSubmission): string | null {
  if (deleteRequested) return 'It is being deleted.';
  switch (state) {
    case 'FAILED':
    case 'CANCELLED':
      return null;
    case 'SUCCEEDED':
      return 'It succeeded: there is nothing to resume. Use rerunSubmission to run it, or a part of it, again.';
    case 'CANCELLING':
      return 'It is still being cancelled. Resume it when it is CANCELLED.';
    case 'QUEUED':
    case 'RUNNING':
      return ending === null
        ? `It has not ended: it is ${state}.`
        : `It is still ending: some of its steps run. Resume it when it is ${ending}.`;
  }
}

/** The graphs of the Submission's Job and of those nested in it, as far as the statement needs them. */
function graphOf(root: JobPlan): { nodes: ResumedNode[]; edges: ResumedEdge[] } {
  const jobs = [ROOT_JOB, ...root.nested.keys()].map((job) => ({ job, plan: planIn(root, job) }));
  return {
    nodes: jobs.flatMap(({ job, plan }) =>
      plan.nodes.map((node) => ({
        job,
        node: node.index,
        planned: node.planned,
        ...limitsOf(node),
        ...(node.run.kind === 'job' ? { innerSeconds: planIn(root, node.run.job).job.timeoutSeconds } : {}),
      })),
    ),
    edges: jobs.flatMap(({ job, plan }) =>
      plan.nodes.flatMap((node) =>
        node.predecessors.map((before) => ({ job, node: node.index, before, decides: decides(node, before) })),
      ),
    ),
  };
}

/** Whether the way in which `before` ends may mean that the node does not run. */
const decides = (node: PlanNode, before: number): boolean =>
  node.requires.includes(before) || (node.when?.kind === 'exit' && node.when.node === before);

/** What the ends of steps would have brought about, had the Submission not been ending when they came. */
async function goOn(
  sql: Sql,
  transition: Transition,
  { decided, whole }: { readonly decided: readonly Decided[]; readonly whole: readonly string[] },
): Promise<void> {
  const causes = groupBy(decided, (one) => one.id);
  const ended: EndedRow[] = [];
  for (const view of await stepRunsById(sql, [...causes.keys()])) {
    const node = nodeOf(transition.plan, view);
    const plan = planIn(transition.plan, view.job);
    const [reason] = (causes.get(view.id) ?? []).flatMap(({ cause }) => skipReason(plan, node, cause) ?? []);
    if (reason !== undefined) {
      endUnrun(transition, view, 'SKIPPED', `Skipped: ${reason}.`);
      ended.push({ view, state: 'SKIPPED', exitCode: null });
    } else if (view.waiting === 0) {
      if (node.planned) change(transition, { id: view.id, state: 'PENDING', due: true });
      else queue(transition, view);
    }
  }
  for (const view of await stepRunsById(sql, whole)) {
    if (transition.ending === null) ended.push(...(await endParent(sql, transition, view)));
  }
  await advance(sql, transition, ended);
}
