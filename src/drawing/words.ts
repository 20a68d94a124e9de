/** What a drawing says about a node or a group. */
import type { PartRuns } from '../domain/graphRuns';
import type { GraphEdge, GraphPart } from '../domain/graphView';
import { isFinalStepRun, STEP_RUN_STATES, type StepRunState } from '../domain/states';
import { durationText } from './text';

const STATE_WORDS: Readonly<Record<StepRunState, string>> = {
  PENDING: 'pending',
  QUEUED: 'queued',
  RUNNING: 'running',
  RETRYING: 'retrying',
  SUCCEEDED: 'succeeded',
  FAILED: 'failed',
  SKIPPED: 'skipped',
  CANCELLED: 'cancelled',
};

/** What it runs, and when: `align-reads · for each reads · if`. What its name says is not said again. */
export function definitionText({ label, runs, over, conditional }: GraphPart): string {
  return [
    ...(runs === '' || runs === label ? [] : [runs]),
    ...(over.length === 0 ? [] : [`for each ${over.join(', ')}`]),
    ...(conditional ? ['on a condition'] : []),
  ].join(' · ');
}

/** Whether it is told by numbers, with a bar. */
export function isMany(part: GraphPart, runs: PartRuns): boolean {
  return runs.total > (part.over.length > 0 ? 0 : 1);
}

/** `running · 42 %`, `succeeded · 12 s`, `12 of 300 ended · 2 failed`, `all 300 succeeded · 3 min`. */
export function stateText(part: GraphPart, runs: PartRuns): string {
  const { state, counts, total, percent, startedAt, finishedAt } = runs;
  const took = startedAt !== null && finishedAt !== null ? [durationText(finishedAt - startedAt)] : [];
  if (!isMany(part, runs)) {
    return [STATE_WORDS[state], ...(percent === null ? [] : [`${percent} %`]), ...took].join(' · ');
  }
  const failed = counts.FAILED > 0 ? [`${counts.FAILED} failed`] : [];
  if (counts[state] === total && isFinalStepRun(state))
    return [`all ${total} ${STATE_WORDS[state]}`, ...took].join(' · ');
  const ended = STEP_RUN_STATES.filter(isFinalStepRun).reduce((sum, one) => sum + counts[one], 0);
  return [`${ended} of ${total} ended`, ...failed].join(' · ');
}

/** One sentence for those who do not see the drawing. */
export function sentence(part: GraphPart, runs: PartRuns | null): string {
  const definition = definitionText(part);
  const name = definition === '' ? part.label : `${part.label} (${definition})`;
  return runs ? `${name}: ${stateText(part, runs)}` : name;
}

/** What stands on an edge: the ports it joins, or the condition; empty for none. */
export function edgeText(edge: GraphEdge): string {
  if (edge.exitCodes) return `if exit ${edge.exitCodes.join(', ')}`;
  const [first] = edge.ports;
  if (!first || edge.kind !== 'DATA') return '';
  const name = first.from === first.to ? first.from : `${first.from} → ${first.to}`;
  return edge.ports.length === 1 ? name : `${name}, +${edge.ports.length - 1}`;
}
