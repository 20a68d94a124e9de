/** An edge as a calm line with a tip. */
import type { GraphEdgeKind } from '../domain/graphView';
import type { Point } from './geometry';
import type { PlacedEdge } from './level';
import { LABEL_SIZE, labelSize } from './sizes';
import { coordinate, escaped, fitted } from './text';

const TIP = { length: 8, half: 3.6 } as const;
const DASHES: Readonly<Record<GraphEdgeKind, string>> = { DATA: '', FILES: '', CONDITION: '6 4', ORDER: '2 4' };

export function edgeLine({ edge, points }: PlacedEdge): string {
  const end = points.at(-1);
  const before = points.at(-2);
  if (!end || !before) return '';
  const towards = direction(before, end);
  const tipStart = { x: end.x - towards.x * TIP.length, y: end.y - towards.y * TIP.length };
  const dash = DASHES[edge.kind] === '' ? '' : ` stroke-dasharray="${DASHES[edge.kind]}"`;
  const line = `<path class="line" stroke-width="1.4"${dash} d="${curve([...points.slice(0, -1), tipStart])}"/>`;
  return line + tip(end, towards);
}

export function edgeLabelText({ label }: PlacedEdge): string {
  if (!label) return '';
  const { at, text } = label;
  const shown = escaped(fitted(text, labelSize(text).width, LABEL_SIZE));
  return `<text class="label" x="${coordinate(at.x)}" y="${coordinate(at.y + 3.5)}" font-size="${LABEL_SIZE}" text-anchor="middle">${shown}</text>`;
}

/** Through the middles between the points, bent at each of them. */
function curve(points: readonly Point[]): string {
  const [start, ...others] = points;
  const end = others.at(-1);
  if (!start || !end) return '';
  const bends = others.slice(0, -1).map((point, index) => {
    const next = others[index + 1] ?? end;
    const stop = index === others.length - 2 ? end : { x: (point.x + next.x) / 2, y: (point.y + next.y) / 2 };
    return `Q${pair(point)} ${pair(stop)}`;
  });
  return [`M${pair(start)}`, ...(bends.length === 0 ? [`L${pair(end)}`] : bends)].join('');
}

function tip(end: Point, towards: Point): string {
  const back = { x: end.x - towards.x * TIP.length, y: end.y - towards.y * TIP.length };
  const aside = { x: -towards.y * TIP.half, y: towards.x * TIP.half };
  const corners = [end, { x: back.x + aside.x, y: back.y + aside.y }, { x: back.x - aside.x, y: back.y - aside.y }];
  return `<path class="tip" d="M${corners.map(pair).join('L')}Z"/>`;
}

/** Of length 1; straight down between equal points. */
function direction(from: Point, to: Point): Point {
  const length = Math.hypot(to.x - from.x, to.y - from.y);
  return length === 0 ? { x: 0, y: 1 } : { x: (to.x - from.x) / length, y: (to.y - from.y) / length };
}

const pair = ({ x, y }: Point): string => `${coordinate(x)} ${coordinate(y)}`;
