/** One level of a graph, placed by dagre: boxes in layers, and lines between them. */
import { graphlib, layout as arrange } from '@dagrejs/dagre';
import type { GraphEdge } from '../domain/graphView';
import { moved, type Box, type Point, type Size } from './geometry';
import { directionOf, drawnEdges, GAP, layersOf, type Direction } from './layers';
import { labelSize } from './sizes';
import { edgeText } from './words';

export interface PlacedEdge {
  readonly edge: GraphEdge;
  /** From the border of its start to the border of its end. */
  readonly points: readonly Point[];
  /** The middle of its label; null when it has none. */
  readonly label: { readonly at: Point; readonly text: string } | null;
}

export interface PlacedLevel extends Size {
  readonly boxes: ReadonlyMap<string, Box>;
  readonly edges: readonly PlacedEdge[];
}

interface NodeLabel extends Size, Partial<Point> {}

interface EdgeLabel extends Size, Partial<Point> {
  readonly labelpos: 'c';
  readonly points?: readonly Point[];
}

type DagreGraph = graphlib.Graph<object, NodeLabel, EdgeLabel>;

/** `sizes` by id, in the order of definition. The same sizes and edges give the same places. */
export function placeLevel(
  sizes: ReadonlyMap<string, Size>,
  edges: readonly GraphEdge[],
  labelled: boolean,
): PlacedLevel {
  const ids = [...sizes.keys()];
  const layers = layersOf(ids, edges);
  const direction = directionOf([...sizes.values()], [...layers.values()]);
  const drawn = drawnEdges(edges, layers);
  const textOf = (edge: GraphEdge): string => (labelled ? edgeText(edge) : '');
  const graph: DagreGraph = new graphlib.Graph();
  graph.setGraph({ rankdir: direction, nodesep: GAP.node, edgesep: GAP.edge, ranksep: GAP.layer });
  for (const [id, size] of sizes) graph.setNode(id, { ...size });
  for (const edge of drawn) {
    const text = textOf(edge);
    graph.setEdge(edge.from, edge.to, { ...(text === '' ? NO_SIZE : labelSize(text)), labelpos: 'c' });
  }
  arrange(graph);

  const { width = 0, height = 0 } = graph.graph() as Partial<Size>;
  const turn = turned({ width, height }, direction, isBackwards(ids, graph, direction));
  const boxes = new Map(ids.map((id) => [id, boxOf(graph.node(id), turn)]));
  return {
    width,
    height,
    boxes,
    edges: drawn.map((edge): PlacedEdge => {
      const { points = [], x, y } = graph.edge(edge.from, edge.to);
      const text = textOf(edge);
      const ends = { start: boxes.get(edge.from), end: boxes.get(edge.to) };
      return {
        edge,
        points: anchored(points.map(turn), ends, direction, text !== ''),
        label: text === '' || x === undefined || y === undefined ? null : { at: turn({ x, y }), text },
      };
    }),
  };
}

const NO_SIZE: Size = { width: 0, height: 0 };

/** dagre tells the middle. */
function boxOf({ x = 0, y = 0, width, height }: NodeLabel, turn: (point: Point) => Point): Box {
  const middle = turn({ x, y });
  return { x: middle.x - width / 2, y: middle.y - height / 2, width, height };
}

/** Whether those side by side stand in the reverse of the order that they were written in, rather than in that order. */
function isBackwards(ids: readonly string[], graph: DagreGraph, direction: Direction): boolean {
  const last = new Map<number, number>();
  let balance = 0;
  for (const id of ids) {
    const { x = 0, y = 0 } = graph.node(id);
    const [layer, place] = direction === 'TB' ? [y, x] : [x, y];
    balance += Math.sign(place - (last.get(layer) ?? place));
    last.set(layer, place);
  }
  return balance < 0;
}

/** How points move when the sides are exchanged; not at all unless they are to be. */
function turned({ width, height }: Size, direction: Direction, exchanged: boolean): (point: Point) => Point {
  if (!exchanged) return (point) => point;
  return direction === 'TB' ? ({ x, y }) => ({ x: width - x, y }) : ({ x, y }) => ({ x, y: height - y });
}

/** A line leaves and arrives along the way that the layers go, never at the side of a box. */
function anchored(
  points: readonly Point[],
  { start, end }: { readonly start: Box | undefined; readonly end: Box | undefined },
  direction: Direction,
  labelled: boolean,
): readonly Point[] {
  const inner = points.slice(1, -1);
  const [first, last] = [inner[0], inner.at(-1)];
  if (!start || !end || !first || !last) return points;
  const down = direction === 'TB';
  const leave = down
    ? { x: within(first.x, start.x, start.width), y: start.y + start.height }
    : { x: start.x + start.width, y: within(first.y, start.y, start.height) };
  const arrive = down
    ? { x: within(last.x, end.x, end.width), y: end.y }
    : { x: end.x, y: within(last.y, end.y, end.height) };
  const way = down ? { x: 0, y: STRAIGHT } : { x: STRAIGHT, y: 0 };
  // Between two neighbouring layers there is nothing to go round.
  const bends = inner.length === 1 && !labelled ? [] : inner;
  return [leave, moved(leave, way), ...bends, moved(arrive, { x: -way.x, y: -way.y }), arrive];
}

/** How far a line goes straight before it bends. */
const STRAIGHT = 12;
/** How far from a corner a line may touch a box. */
const CORNER = 14;

function within(place: number, from: number, length: number): number {
  return Math.min(from + length - CORNER, Math.max(from + CORNER, place));
}
