/** Nodes as cards and groups as frames: a name, and how it stands in words and with a mark. */
import type { PartRuns } from '../domain/graphRuns';
import type { GraphGroup, GraphNode } from '../domain/graphView';
import type { StepRunState } from '../domain/states';
import { stateClass } from './colours';
import type { Box } from './geometry';
import type { Placed } from './layout';
import { DETAIL_SIZE, GROUP, NAME_SIZE, STACK, TEXT_LEFT, TEXT_RIGHT } from './sizes';
import { stateMark } from './stateMark';
import { coordinate, escaped, fitted } from './text';
import { definitionText, isMany, sentence, stateText } from './words';

const RADIUS = 8;
const PADDING = 14;
const BAR_HEIGHT = 4;

/** `runs` is null for a graph that is not of a run. */
export function nodeCard({ part, box }: Placed<GraphNode>, runs: PartRuns | null): string {
  const stacked = part.kind === 'SCATTER' || part.kind === 'JOB';
  const card = stacked ? { ...box, width: box.width - STACK, height: box.height - STACK } : box;
  const behind = stacked
    ? rectangle('card', { ...card, x: card.x + STACK, y: card.y + STACK }, 'stroke-width="1"')
    : '';
  const dash = part.kind === 'REST' ? ' stroke-dasharray="4 4"' : '';
  return titled(part, runs, [behind, border('card', card, runs, dash), content(part, card, runs)]);
}

/** What is inside is drawn apart. */
export function groupFrame({ part, box }: Placed<GraphGroup>, runs: PartRuns | null): string {
  const heading = { ...box, height: GROUP.top - 2 };
  return titled(part, runs, [border('frame', box, runs, ''), content(part, heading, runs)]);
}

function titled(part: GraphNode | GraphGroup, runs: PartRuns | null, parts: readonly string[]): string {
  return `<g><title>${escaped(sentence(part, runs))}</title>${parts.join('')}</g>`;
}

function content(part: GraphNode | GraphGroup, box: Box, runs: PartRuns | null): string {
  const many = runs !== null && isMany(part, runs);
  const left = runs ? TEXT_LEFT : PADDING;
  const width = box.width - left - TEXT_RIGHT;
  const middle = box.y + box.height / 2 - (many ? 5 : 0);
  const detail = runs ? stateText(part, runs) : definitionText(part);
  const text = (kind: string, words: string, y: number, size: number, bold: boolean): string =>
    `<text class="${kind}" x="${coordinate(box.x + left)}" y="${coordinate(y)}" font-size="${size}"${bold ? ' font-weight="600"' : ''}>${escaped(fitted(words, width, size, bold))}</text>`;
  const name = text('name', part.label, middle - (detail === '' ? -4.5 : 3), NAME_SIZE, true);
  if (!runs) return name + (detail === '' ? '' : text('detail', detail, middle + 13, DETAIL_SIZE, false));
  const bar = { x: box.x + left, y: box.y + box.height - 9, width, height: BAR_HEIGHT };
  return [
    stateMark(runs.state, { x: box.x + TEXT_LEFT / 2, y: middle }),
    name,
    text(`word ${stateClass(runs.state)}`, detail, middle + 13, DETAIL_SIZE, false),
    many ? countsBar(runs, bar) : '',
    !many && runs.percent !== null ? progressBar(runs.percent, bar) : '',
  ].join('');
}

/** What needs eyes has a border in the colour of its state. */
const TOLD: ReadonlySet<StepRunState> = new Set(['RUNNING', 'FAILED', 'RETRYING']);

function border(kind: string, box: Box, runs: PartRuns | null, dash: string): string {
  const told = runs !== null && TOLD.has(runs.state);
  const ring = told ? ` ring ${stateClass(runs.state)}` : '';
  return rectangle(`${kind}${ring}`, box, `stroke-width="${told ? 1.8 : 1}"${dash}`);
}

function rectangle(kind: string, box: Box, more: string): string {
  return `<rect class="${kind}" ${placed(box)} rx="${RADIUS}" ${more}/>`;
}

/** All of them side by side, each state as wide as its share. */
function countsBar({ counts, total }: PartRuns, box: Box): string {
  const order = ['SUCCEEDED', 'SKIPPED', 'CANCELLED', 'FAILED', 'RETRYING', 'RUNNING'] as const;
  let x = box.x;
  const parts = order.map((state) => {
    const width = (box.width * counts[state]) / total;
    const part = width === 0 ? '' : `<rect class="fill ${stateClass(state)}" ${placed({ ...box, x, width })}/>`;
    x += width;
    return part;
  });
  return `<rect class="track" ${placed(box)}/>${parts.join('')}`;
}

function progressBar(percent: number, box: Box): string {
  const done = { ...box, width: (box.width * Math.min(100, Math.max(0, percent))) / 100 };
  return `<rect class="track" ${placed(box)}/><rect class="fill ${stateClass('RUNNING')}" ${placed(done)}/>`;
}

function placed({ x, y, width, height }: Box): string {
  return `x="${coordinate(x)}" y="${coordinate(y)}" width="${coordinate(width)}" height="${coordinate(height)}"`;
}
