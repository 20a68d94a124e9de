/**
 * The planner: what cannot be done in the transaction that makes a step ready, because something is computed for it, or
 * because it becomes many rows. Any number of processes may run it; each row is planned once.
 */
import { isFinalStepRun } from '../../domain/states';
import type { Database } from '../../store/database';
import type { Committed } from '../../store/statements/changes';
import { takeDue, type DueRow } from '../../store/statements/due';
import { lockSubmissions, stepRunsById, type StepRunView } from '../../store/statements/locks';
import { groupBy } from '../advance';
import type { Announcer } from '../announcer';
import type { Plans } from '../plans';
import { beginTransition, change, finishAll, settle, type Transition } from '../transition';
import { applyDecisions } from './apply';
import type { Evaluate } from './compute';
import type { Decision } from './decision';
import { prepare } from './prepare';

export interface PlannerDependencies {
  readonly db: Database;
  readonly plans: Plans;
  readonly announcer: Announcer;
  readonly evaluate: Evaluate;
  readonly maxScatter: number;
}

/** Rows that are planned at a time. */
const BATCH = 200;

/** Plans up to so many rows that are due; returns how many there were. */
export async function planDue(planner: PlannerDependencies): Promise<number> {
  const rows = await takeDue(planner.db, BATCH);
  for (const own of groupBy(rows, (row) => row.submissionId).values()) await planSubmission(planner, own);
  return rows.length;
}

async function planSubmission(planner: PlannerDependencies, rows: readonly DueRow[]): Promise<void> {
  const { db, plans, announcer } = planner;
  const [first] = rows;
  if (!first) return;
  const decisions = await prepare(planner, rows);
  const committed = await db.transaction(async (sql): Promise<Committed | null> => {
    const submission = (await lockSubmissions(sql, [first.submissionId])).get(first.submissionId);
    // It was paused meanwhile: what is due stays due until it goes on.
    if (!submission || submission.paused) return null;
    const transition = beginTransition(submission, (await plans.byId(submission.jobVersionId, sql)).plan);
    const views = new Map(
      (
        await stepRunsById(
          sql,
          rows.map((row) => row.id),
        )
      ).map((view) => [view.id, view]),
    );
    // A Submission that is ending has nothing that is due: it was ended with the rest.
    if (transition.ending !== null) return null;
    await applyDecisions(
      sql,
      transition,
      views,
      decisions.filter((decision): decision is Decision => decision !== null),
    );
    await settle(sql, transition);
    if (transition.ending === null) forget(transition, rows, decisions, views);
    return finishAll(sql, [transition]);
  });
  if (committed) announcer.committed(committed);
}

/** What was found to need nothing is not looked at again. */
function forget(
  transition: Transition,
  rows: readonly DueRow[],
  decisions: readonly (Decision | null)[],
  views: ReadonlyMap<string, StepRunView>,
): void {
  for (const [index, row] of rows.entries()) {
    const view = views.get(row.id);
    if (decisions[index] !== null || !view || isFinalStepRun(view.state)) continue;
    change(transition, { id: row.id, state: view.state, due: false });
  }
}
