/** A graph as an SVG document: no script, nothing from elsewhere, and the same bytes for the same graph and states. */
import type { PartRuns } from '../domain/graphRuns';
import type { GraphView } from '../domain/graphView';
import type { SubmissionState } from '../domain/states';
import { groupFrame, nodeCard } from './cards';
import { styleSheet } from './colours';
import { edgeLabelText, edgeLine } from './edgePath';
import { layoutOf, shifted, type Layout } from './layout';
import { sentence } from './words';
import { DETAIL_SIZE, TITLE_SIZE } from './sizes';
import { coordinate, escaped, fitted, textWidth } from './text';

/** Grows with every change of how a drawing looks. */
export const DRAWING_VERSION = 2;

const CLASS = 'stepcast-graph';
const MARGIN = 20;
const HEADING = 46;
const NOTE = 22;
/** A heading makes the drawing of a small graph as wide as this, and is cut beyond it. */
const HEADING_WIDTH = 420;
/** For the state beside it, which changes. */
const STATE_WIDTH = 96;
/** Nodes that the description for readers of the text tells one by one. */
const MAX_TOLD_NODES = 50;

/** How one Submission of the graph's Job stands. */
export interface DrawnRun {
  readonly state: SubmissionState;
  /** The submitter's own words; may be empty. */
  readonly label: string;
  /** By id of node or group. */
  readonly parts: ReadonlyMap<string, PartRuns>;
}

/** A graph with its layout, which all runs of it share. */
export interface Drawing {
  readonly view: GraphView;
  readonly layout: Layout;
}

/** The costly part: milliseconds for tens of nodes, tenths of a second at the bound. */
export function prepareDrawing(view: GraphView): Drawing {
  return { view, layout: shifted(layoutOf(view), { x: MARGIN, y: HEADING }) };
}

/** `run` is null for the graph of a definition. */
export function drawGraph({ view, layout }: Drawing, run: DrawnRun | null): string {
  const notes = notesOf(view, layout);
  const bottom = HEADING + layout.height + MARGIN;
  const height = bottom + notes.length * NOTE;
  const heading = [view.title, ...(run && run.label !== '' ? [run.label] : [])].join(' · ');
  const headingWidth = textWidth(heading, TITLE_SIZE, true) + (run ? STATE_WIDTH : 0);
  const content = Math.max(layout.width, longest(notes), Math.min(HEADING_WIDTH, headingWidth));
  const width = content + 2 * MARGIN;
  const state = run ? run.state.toLowerCase() : '';
  const size = `width="${coordinate(width)}" height="${coordinate(height)}"`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" class="${CLASS}" role="img" ${size} viewBox="0 0 ${coordinate(width)} ${coordinate(height)}">`,
    `<title>${escaped(state === '' ? heading : `${heading}: ${state}`)}</title>`,
    `<desc>${escaped(described(view, run))}</desc>`,
    `<style>${styleSheet(CLASS)}</style>`,
    `<rect class="page" ${size} rx="10"/>`,
    headingText(heading, state, width),
    ...layout.groups.map((placed) => groupFrame(placed, run?.parts.get(placed.part.id) ?? null)),
    ...layout.edges.map(edgeLine),
    ...layout.nodes.map((placed) => nodeCard(placed, run?.parts.get(placed.part.id) ?? null)),
    ...layout.edges.map(edgeLabelText),
    ...notes.map(
      (note, index) =>
        `<text class="detail" x="${MARGIN}" y="${coordinate(bottom + index * NOTE + 4)}" font-size="${DETAIL_SIZE}">${escaped(note)}</text>`,
    ),
    '</svg>',
    '',
  ].join('\n');
}

function headingText(heading: string, state: string, width: number): string {
  const room = width - 2 * MARGIN - (state === '' ? 0 : STATE_WIDTH);
  const name = `<text class="name" x="${MARGIN}" y="28" font-size="${TITLE_SIZE}" font-weight="600">${escaped(fitted(heading, room, TITLE_SIZE, true))}</text>`;
  if (state === '') return name;
  const place = `x="${coordinate(width - MARGIN)}" y="28" text-anchor="end"`;
  return `${name}<text class="detail" ${place} font-size="${DETAIL_SIZE + 1}">${escaped(state)}</text>`;
}

function described({ nodes }: GraphView, run: DrawnRun | null): string {
  const told = nodes
    .slice(0, MAX_TOLD_NODES)
    .map((node) => sentence(node, run?.parts.get(node.id) ?? null))
    .join('; ');
  const more = nodes.length > MAX_TOLD_NODES ? `; and ${nodes.length - MAX_TOLD_NODES} more` : '';
  return `${nodes.length === 1 ? '1 step' : `${nodes.length} steps`}: ${told}${more}.`;
}

function notesOf(view: GraphView, layout: Layout): string[] {
  const undrawn = view.foldedEdges + layout.undrawnEdges;
  const note = (count: number, one: string, many: string): string[] =>
    count === 0 ? [] : [count === 1 ? `1 ${one}` : `${count} ${many}`];
  return [
    ...note(view.foldedSteps, 'step is folded into one box.', 'steps are folded into one box.'),
    ...note(undrawn, 'link is not drawn.', 'links are not drawn.'),
    ...note(layout.impliedEdges, 'link that others imply is not drawn.', 'links that others imply are not drawn.'),
  ];
}

function longest(lines: readonly string[]): number {
  return Math.max(0, ...lines.map((line) => textWidth(line, DETAIL_SIZE)));
}
