/** A node as a card: its name, and how it stands in words and with a mark. */
import type { NodeRuns } from '../domain/graphRuns';
import type { GraphNode } from '../domain/graphView';
import { isFinalStepRun, STEP_RUN_STATES } from '../domain/states';
import { stateClass } from './colours';
import type { Box } from './geometry';
import type { PlacedNode } from './layout';
import { DETAIL_SIZE, NAME_SIZE, TEXT_LEFT, TEXT_RIGHT } from './sizes';
import { STATE_WORDS, stateMark } from './stateMark';
import { coordinate, durationText, escaped, fitted } from './text';

const RADIUS = 8;
const PADDING = 14;
const BAR_HEIGHT = 4;

/** `runs` is null for a graph that is not of a run. */
export function nodeCard({ node, box }: PlacedNode, runs: NodeRuns | null): string {
  const left = runs ? TEXT_LEFT : PADDING;
  const width = box.width - left - TEXT_RIGHT;
  const many = runs !== null && runs.total > 1;
  const middle = box.y + box.height / 2 - (many ? 4 : 0);
  const detail = detailOf(node, runs);
  const line = (kind: string, text: string, y: number, size: number, more = ''): string =>
    `<text class="${kind}" x="${coordinate(box.x + left)}" y="${coordinate(y)}" font-size="${size}"${more}>${escaped(fitted(text, width, size, more !== ''))}</text>`;
  return [
    `<g><title>${escaped(nodeSentence(node, runs))}</title>`,
    border(node, box, runs),
    runs ? stateMark(runs.state, { x: box.x + TEXT_LEFT / 2, y: middle }) : '',
    line('name', node.label, middle - (detail === '' ? -4.5 : 3), NAME_SIZE, ' font-weight="600"'),
    detail === '' ? '' : line(runs ? `word ${stateClass(runs.state)}` : 'detail', detail, middle + 13, DETAIL_SIZE),
    many ? bar(runs, { x: box.x + left, y: box.y + box.height - 10, width, height: BAR_HEIGHT }) : '',
    runs && runs.percent !== null
      ? share(runs.percent, { x: box.x + left, y: box.y + box.height - 8, width, height: 3 })
      : '',
    '</g>',
  ].join('');
}

/** One sentence for those who do not see the drawing. */
export function nodeSentence(node: GraphNode, runs: NodeRuns | null): string {
  const runsTask = node.runs === '' || node.runs === node.label ? '' : ` (${node.runs})`;
  return runs ? `${node.label}${runsTask}: ${stateText(runs)}` : `${node.label}${runsTask}`;
}

function detailOf(node: GraphNode, runs: NodeRuns | null): string {
  if (runs) return stateText(runs);
  return node.runs === node.label ? '' : node.runs;
}

/** `running · 42 %`, `succeeded · 12 s`, `12 of 300 ended · 2 failed`. */
function stateText(runs: NodeRuns): string {
  const took =
    runs.startedAt !== null && runs.finishedAt !== null ? [durationText(runs.finishedAt - runs.startedAt)] : [];
  if (runs.total <= 1) {
    const percent = runs.percent === null ? [] : [`${runs.percent} %`];
    return [STATE_WORDS[runs.state], ...percent, ...took].join(' · ');
  }
  const ended = STEP_RUN_STATES.filter(isFinalStepRun).reduce((sum, state) => sum + runs.counts[state], 0);
  const failed = runs.counts.FAILED > 0 ? [`${runs.counts.FAILED} failed`] : [];
  if (runs.counts[runs.state] === runs.total)
    return [`all ${runs.total} ${STATE_WORDS[runs.state]}`, ...took].join(' · ');
  return [`${ended} of ${runs.total} ended`, ...failed].join(' · ');
}

function border({ kind }: GraphNode, box: Box, runs: NodeRuns | null): string {
  const told = runs && ['RUNNING', 'FAILED', 'RETRYING'].includes(runs.state);
  const ring = told ? ` ring ${stateClass(runs.state)}` : '';
  const dash = kind === 'REST' ? ' stroke-dasharray="4 4"' : '';
  return `<rect class="card${ring}" ${placed(box)} rx="${RADIUS}" stroke-width="${told ? 1.8 : 1}"${dash}/>`;
}

/** A bar of all of them, those that ended first, each state as wide as its share. */
function bar(runs: NodeRuns, box: Box): string {
  const order = ['SUCCEEDED', 'SKIPPED', 'CANCELLED', 'FAILED', 'RETRYING', 'RUNNING'] as const;
  let x = box.x;
  const parts = order.map((state) => {
    const width = (box.width * runs.counts[state]) / runs.total;
    const part = width === 0 ? '' : `<rect class="fill ${stateClass(state)}" ${placed({ ...box, x, width })}/>`;
    x += width;
    return part;
  });
  return `<rect class="track" ${placed(box)}/>${parts.join('')}`;
}

function share(percent: number, box: Box): string {
  const done = { ...box, width: (box.width * Math.min(100, Math.max(0, percent))) / 100 };
  return `<rect class="track" ${placed(box)}/><rect class="fill ${stateClass('RUNNING')}" ${placed(done)}/>`;
}

function placed({ x, y, width, height }: Box): string {
  return `x="${coordinate(x)}" y="${coordinate(y)}" width="${coordinate(width)}" height="${coordinate(height)}"`;
}
