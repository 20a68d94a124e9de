/** Cancelling a part of a Submission: for all that depends on it, it has failed. */
import { StepcastError } from '../domain/errors';
import { isFinalStepRun } from '../domain/states';
import { storableText } from '../domain/text';
import { stepRunsById } from '../store/statements/locks';
import { stopBelow } from '../store/statements/windDown';
import { changeSubmission } from './changeSubmission';
import type { EngineDependencies } from './complete';
import { endUnrun, failSubmission } from './transition';

/**
 * Cancels one StepRun: a run of a Task, an element of a scatter, a scatter or a nested Job with all of its parts. What it
 * had not started never starts, what runs in it is stopped. The Submission fails by it, as by a failure of the Step: what
 * runs elsewhere goes on to its end, nothing new starts, and it can be resumed. NOT_FOUND when there is none, CONFLICT
 * when it has ended or its Submission is being cancelled.
 */
export async function cancelStepRun(engine: EngineDependencies, stepRunId: string, why: string): Promise<void> {
  const reason = storableText(why);
  const [found] = await stepRunsById(engine.db, [stepRunId]);
  if (!found) throw notFound();
  const changed = await changeSubmission(engine, found.submissionId, async (transition, sql) => {
    const [view] = await stepRunsById(sql, [stepRunId]);
    if (!view) throw notFound();
    if (isFinalStepRun(view.state)) throw new StepcastError('CONFLICT', `It has ended already, as ${view.state}.`);
    if (transition.ending === 'CANCELLED')
      throw new StepcastError('CONFLICT', 'Its submission is being cancelled, and it with it.');
    transition.cancel.push(...(await stopBelow(sql, view.submissionId, view.id)));
    // What runs ends when its worker says so; a scatter or a nested Job is over at once.
    const runs = view.state === 'RUNNING' && view.kind === 'TASK';
    if (!runs) endUnrun(transition, view, 'CANCELLED', reason);
    await failSubmission(sql, transition, view, `It was cancelled. ${reason}`.trim());
    return 1;
  });
  if (changed === 0) throw notFound();
}

const notFound = (): StepcastError => new StepcastError('NOT_FOUND', 'There is no such step run.');
