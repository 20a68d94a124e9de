/** Carries decisions of the planner out, under the lock of their Submission. */
import { planIn } from '../../domain/compileJob';
import { stepStateEvent, submissionStateEvent } from '../../domain/events';
import type { WaitLimits } from '../../domain/timeouts';
import type { Sql } from '../../store/database';
import { insertChildren, type NewChild } from '../../store/statements/children';
import type { StepRunView } from '../../store/statements/locks';
import { advance, endParent, LOW_WATER, type EndedRow } from '../advance';
import { elementKind, limitsOf, rowKind, runName, usesOf } from '../rows';
import { change, endRun, endUnrun, failSubmission, flush, pending, queue, type Transition } from '../transition';
import { nodeOf } from '../values';
import type { Decision, Element } from './decision';

/** Decisions about rows that are no longer as they were when it was decided are dropped. */
export async function applyDecisions(
  sql: Sql,
  transition: Transition,
  views: ReadonlyMap<string, StepRunView>,
  decisions: readonly Decision[],
): Promise<void> {
  const children: NewChild[] = [];
  const ended: EndedRow[] = [];
  /** Scatters without any element that runs. */
  const empty: StepRunView[] = [];
  for (const decision of decisions) {
    const view = views.get(decision.id);
    if (!view || !stillFits(decision, pending(transition, view))) continue;
    switch (decision.kind) {
      case 'fail':
        endRun(transition, view, 'FAILED', { message: decision.reason, due: false });
        await failSubmission(sql, transition, view, decision.reason);
        return;
      case 'skip':
        endUnrun(transition, view, 'SKIPPED', decision.reason);
        ended.push({ view, state: 'SKIPPED', exitCode: null });
        break;
      case 'queue':
        queue(transition, view, { inputs: decision.inputs, due: false });
        break;
      case 'start-job': {
        const inner = startJob(transition, view);
        start(transition, view);
        change(transition, {
          id: view.id,
          state: 'RUNNING',
          due: false,
          inputs: decision.inputs,
          left: inner.length,
          ...jobLimits(transition, view),
        });
        children.push(...inner);
        break;
      }
      case 'start-scatter':
        start(transition, view, decision.width === 1 ? '1 element' : `${decision.width} elements`);
        change(transition, {
          id: view.id,
          state: 'RUNNING',
          inputs: decision.shared,
          scatter: decision.lists,
          width: decision.width,
        });
        if (grow(transition, { ...view, width: decision.width }, 0, decision.elements, children)) empty.push(view);
        break;
      case 'expand':
        if (grow(transition, view, decision.from, decision.elements, children)) empty.push(view);
        break;
    }
  }
  if (children.length > 0) {
    // The rows above them first: their Events come before those of what is below.
    await flush(sql, transition);
    const inserted = await insertChildren(sql, children);
    transition.unfinished += inserted.unfinished;
    transition.committed.push(inserted);
  }
  for (const view of empty) ended.push(...(await endParent(sql, transition, view)));
  await advance(sql, transition, ended);
}

function stillFits(decision: Decision, view: StepRunView): boolean {
  if (decision.kind === 'expand') return view.state === 'RUNNING' && view.expanded === decision.from;
  if (decision.kind === 'fail') return view.state === 'PENDING' || view.state === 'RUNNING';
  return view.state === 'PENDING' && view.waiting === 0;
}

function start(transition: Transition, view: StepRunView, message = ''): void {
  if (transition.submission.state === 'QUEUED' && transition.state === null) {
    transition.state = 'RUNNING';
    transition.events.push(submissionStateEvent(transition.submission.id, 'RUNNING'));
  }
  transition.events.push(stepStateEvent(view, 'RUNNING', message));
}

/** A nested Job has its own timeout; that of the Submission holds as well. */
function jobLimits(transition: Transition, view: StepRunView): WaitLimits {
  const { run } = nodeOf(transition.plan, view);
  const seconds = run.kind === 'job' ? planIn(transition.plan, run.job).job.timeoutSeconds : undefined;
  return seconds === undefined ? {} : { stepSeconds: seconds };
}

function startJob(transition: Transition, view: StepRunView): NewChild[] {
  const { run } = nodeOf(transition.plan, view);
  if (run.kind !== 'job') return [];
  return planIn(transition.plan, run.job).nodes.map((node) => {
    const isReady = node.predecessors.length === 0;
    return {
      submissionId: view.submissionId,
      parentId: view.id,
      scopeId: view.id,
      job: run.job,
      node: node.index,
      scatterIndex: -1,
      kind: rowKind(node),
      name: `${view.name}/${node.name}`,
      taskName: runName(node),
      queue: node.scatter ? '' : node.queue,
      state: isReady && !node.planned ? 'QUEUED' : 'PENDING',
      waiting: node.predecessors.length,
      inputs: null,
      due: isReady && node.planned,
      message: '',
      uses: usesOf(node),
      ...limitsOf(node),
    };
  });
}

/** Adds elements to a scatter. True when it has all its elements and none of them runs. */
function grow(
  transition: Transition,
  view: StepRunView,
  from: number,
  elements: readonly Element[],
  children: NewChild[],
): boolean {
  const node = nodeOf(transition.plan, view);
  const kind = elementKind(node);
  for (const [index, element] of elements.entries()) {
    children.push({
      submissionId: view.submissionId,
      parentId: view.id,
      scopeId: view.scopeId,
      job: view.job,
      node: view.node,
      scatterIndex: from + index,
      kind,
      name: `${view.name}[${from + index}]`,
      taskName: runName(node),
      queue: node.queue,
      state: element.skipped !== null ? 'SKIPPED' : kind === 'JOB' ? 'PENDING' : 'QUEUED',
      waiting: 0,
      inputs: element.inputs,
      due: element.skipped === null && kind === 'JOB',
      message: element.skipped ?? '',
      uses: usesOf(node),
      ...limitsOf(node),
    });
  }
  const left = pending(transition, view).left + elements.filter(({ skipped }) => skipped === null).length;
  const expanded = from + elements.length;
  const isWhole = expanded === view.width;
  change(transition, { id: view.id, state: 'RUNNING', left, expanded, due: !isWhole && left <= LOW_WATER });
  return isWhole && left === 0;
}
