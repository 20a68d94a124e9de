/** Ends what is out of time. Any number of processes may call it; each pass is bounded and harmless to repeat. */
import { planIn } from '../domain/compileJob';
import { isFinalSubmission } from '../domain/states';
import { timeoutMessages } from '../domain/timeouts';
import type { TaskSpec } from '../domain/definitions';
import type { Sql } from '../store/database';
import { passedDeadlines, takeDeadline, takeStepDeadlines, type PassedDeadline } from '../store/statements/deadlines';
import { stepRunsById, type StepRunView } from '../store/statements/locks';
import { changeSubmission, failStep } from './changeSubmission';
import type { EngineDependencies } from './complete';
import { windDown, type Transition } from './transition';
import { nodeOf } from './values';

/** Of each kind so many in one pass; the rest waits for the next. */
const BATCH = 500;

/** Ends Submissions and StepRuns whose deadline has passed; returns how many. */
export async function enforceDeadlines(engine: EngineDependencies): Promise<number> {
  const passed = await passedDeadlines(engine.db, BATCH);
  let count = 0;
  for (const submissionId of new Set(passed.map((one) => one.submissionId))) {
    const own = passed.filter((one) => one.submissionId === submissionId);
    count += await changeSubmission(engine, submissionId, (transition, sql) => endAll(sql, transition, own));
  }
  return count;
}

async function endAll(sql: Sql, transition: Transition, passed: readonly PassedDeadline[]): Promise<number> {
  const { submission } = transition;
  if (isFinalSubmission(submission.state)) return 0;
  if (passed.some((one) => one.kind === 'SUBMISSION') && (await takeDeadline(sql, submission.id))) {
    transition.message ??= timeoutMessages.submission;
    const reason = `Not run: ${timeoutMessages.submission}`;
    await windDown(sql, transition, 'FAILED', { state: 'CANCELLED', reason, stopRunning: true });
    return 1;
  }
  const taken = await takeStepDeadlines(
    sql,
    passed.flatMap(({ stepRunId }) => stepRunId ?? []),
  );
  let count = 0;
  for (const view of await stepRunsById(sql, [...taken.keys()])) {
    if (view.state === 'RUNNING' && view.kind === 'TASK') {
      // Its worker ends it; the report is then read as that of a step that is out of time.
      transition.cancel.push(view.id);
      count += 1;
      continue;
    }
    // The first one that fails has ended the others that wait.
    if (transition.ending !== null) continue;
    const inQueue = taken.get(view.id) === 'QUEUE';
    await failStep(sql, transition, view, {
      reason: inQueue ? timeoutMessages.queue(taskOf(transition, view)) : tooLong(transition, view),
      failure: inQueue ? 'QUEUE_TIMEOUT' : 'STEP_TIMEOUT',
      stopRunning: view.kind !== 'TASK',
    });
    count += 1;
  }
  return count;
}

function taskOf(transition: Transition, view: StepRunView): Partial<TaskSpec> {
  const { run } = nodeOf(transition.plan, view);
  return run.kind === 'task' ? run.task : {};
}

function tooLong(transition: Transition, view: StepRunView): string {
  const { run } = nodeOf(transition.plan, view);
  if (run.kind === 'task') return timeoutMessages.step(run.task);
  return timeoutMessages.job(planIn(transition.plan, run.job).job);
}

/** Why a StepRun that was stopped, or lost, failed: its time was up. Null when it was stopped for another reason. */
export function outOfTime(transition: Transition, view: StepRunView): string | null {
  return view.failure === 'STEP_TIMEOUT' ? tooLong(transition, view) : null;
}
