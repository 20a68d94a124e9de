/** What follows from StepRuns that ended well: successors become ready, and what waits for all its parts may end. */
import { consequences, successorsOf } from '../domain/advance';
import { planIn } from '../domain/compileJob';
import type { Sql } from '../store/database';
import { stepRunsById, stepRunsByNode, type StepRunView } from '../store/statements/locks';
import { gatherJob } from './gather';
import { change, endRun, endUnrun, failSubmission, flush, pending, queue, type Transition } from './transition';
import { nodeOf } from './values';

/** A StepRun that just became final, without failing its Submission. */
export interface EndedRow {
  readonly view: StepRunView;
  readonly state: 'SUCCEEDED' | 'SKIPPED';
  readonly exitCode: number | null;
}

/** A scatter with no more elements than this under way gets further ones. */
export const LOW_WATER = 2_000;

/**
 * Goes on from StepRuns that ended: to the successors in their scopes, and to the scatters and nested Jobs that waited for
 * them, as far as it leads. The cost depends on what follows, never on the size of the graph.
 */
export async function advance(sql: Sql, transition: Transition, ended: readonly EndedRow[]): Promise<void> {
  let frontier = ended;
  while (frontier.length > 0 && transition.ending === null) {
    const skipped = await advanceSuccessors(
      sql,
      transition,
      frontier.filter((one) => one.view.scatterIndex < 0),
    );
    const parents = await advanceParents(sql, transition, frontier);
    frontier = [...skipped, ...parents];
  }
}

async function advanceSuccessors(
  sql: Sql,
  transition: Transition,
  ended: readonly EndedRow[],
): Promise<readonly EndedRow[]> {
  const scopes = groupBy(ended, (one) => one.view.scopeId);
  const wanted = [...scopes].flatMap(([scopeId, own]) =>
    successorsOf(
      planIn(transition.plan, own[0]?.view.job ?? ''),
      own.map((one) => one.view.node),
    ).map((node) => ({ scopeId, node })),
  );
  if (wanted.length === 0) return [];
  const rows = await stepRunsByNode(
    sql,
    transition.submission.id,
    wanted.map((one) => one.scopeId),
    wanted.map((one) => one.node),
  );
  const rowsByScope = groupBy(
    rows.map((row) => pending(transition, row)),
    (row) => row.scopeId,
  );
  const skipped: EndedRow[] = [];
  for (const [scopeId, own] of scopes) {
    const plan = planIn(transition.plan, own[0]?.view.job ?? '');
    const successors = rowsByScope.get(scopeId) ?? [];
    const byNode = new Map(successors.map((row) => [row.node, row]));
    const causes = own.map(({ view, state, exitCode }) => ({ node: view.node, state, exitCode }));
    for (const consequence of consequences(plan, causes, successors)) {
      const view = byNode.get(consequence.node);
      if (!view) continue;
      switch (consequence.kind) {
        case 'waits':
          change(transition, { id: view.id, state: 'PENDING', waiting: consequence.waiting });
          break;
        case 'ready':
          if (plan.nodes[view.node]?.planned === true)
            change(transition, { id: view.id, state: 'PENDING', waiting: 0, due: true });
          else queue(transition, view);
          break;
        case 'skipped':
          endUnrun(transition, view, 'SKIPPED', `Skipped: ${consequence.reason}.`);
          skipped.push({ view, state: 'SKIPPED', exitCode: null });
          break;
      }
    }
  }
  return skipped;
}

async function advanceParents(
  sql: Sql,
  transition: Transition,
  ended: readonly EndedRow[],
): Promise<readonly EndedRow[]> {
  const counts = new Map<string, number>();
  for (const { view } of ended)
    if (view.parentId !== null) counts.set(view.parentId, (counts.get(view.parentId) ?? 0) + 1);
  if (counts.size === 0) return [];
  const over: EndedRow[] = [];
  // All as they are now: the end of one may write the changes of the others, and then they are no longer pending.
  const parents = (await stepRunsById(sql, [...counts.keys()])).map((row) => pending(transition, row));
  for (const parent of parents) {
    const left = parent.left - (counts.get(parent.id) ?? 0);
    const isWhole = parent.kind === 'JOB' || parent.expanded === parent.width;
    if (left === 0 && isWhole) over.push(...(await endParent(sql, transition, parent)));
    else {
      const wantsMore = !isWhole && left <= LOW_WATER && (parent.left > LOW_WATER || left === 0);
      change(transition, { id: parent.id, state: 'RUNNING', left, ...(wantsMore ? { due: true } : {}) });
    }
  }
  return over;
}

/** Ends a scatter or a nested Job whose parts have all ended well. */
export async function endParent(sql: Sql, transition: Transition, parent: StepRunView): Promise<readonly EndedRow[]> {
  const { id, submissionId, scopeId } = parent;
  if (parent.kind === 'SCATTER') {
    const node = nodeOf(transition.plan, parent);
    const nested = node.scatter?.method === 'nested' && node.scatter.ports.length > 1 ? node.scatter.ports : null;
    transition.gathers.push({
      kind: 'elements',
      stepRunId: id,
      submissionId,
      scopeId,
      node: parent.node,
      outputs: node.outputs,
      nested,
    });
  } else {
    const { run } = nodeOf(transition.plan, parent);
    const job = run.kind === 'job' ? run.job : '';
    const gathered = await gatherJob(sql, transition.plan, { submissionId, scopeId: id, job }, () =>
      flush(sql, transition),
    );
    if (gathered.kind === 'later') transition.gathers.push(gathered.gather);
    else if (gathered.problems.length > 0) {
      const message = gathered.problems.join(' ');
      endRun(transition, parent, 'FAILED', { left: 0, message });
      await failSubmission(sql, transition, parent, message);
      return [];
    }
  }
  endRun(transition, parent, 'SUCCEEDED', { left: 0 });
  return [{ view: parent, state: 'SUCCEEDED', exitCode: null }];
}

export function groupBy<Item>(items: readonly Item[], keyOf: (item: Item) => string): Map<string, Item[]> {
  const groups = new Map<string, Item[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group) group.push(item);
    else groups.set(key, [item]);
  }
  return groups;
}
