/** Where everything stands: dagre's layers, from the top down or from left to right, whichever is easier to read. */
import { graphlib, layout as arrange } from '@dagrejs/dagre';
import type { GraphEdge, GraphNode, GraphView } from '../domain/graphView';
import { moved, type Box, type Point, type Size } from './geometry';
import { edgeLabel, labelSize, nodeSize } from './sizes';

/** An edge over several layers costs time in each: the sum that is drawn at most. Others are counted. */
const MAX_DRAWN_SPAN = 600;
/** With more edges, labels hide more than they tell. */
const MAX_LABELLED_EDGES = 30;
/** As wide as a page of text may be. */
const PAGE_WIDTH = 1_000;
const GAP = { node: 28, edge: 12, layer: 44 } as const;

export interface PlacedNode {
  readonly node: GraphNode;
  readonly box: Box;
}

export interface PlacedEdge {
  readonly edge: GraphEdge;
  /** From the border of its start to the border of its end. */
  readonly points: readonly Point[];
  /** The middle of its label; null when it has none. */
  readonly label: { readonly at: Point; readonly text: string } | null;
}

export interface Layout extends Size {
  readonly nodes: readonly PlacedNode[];
  readonly edges: readonly PlacedEdge[];
  /** Edges that are not drawn, though nothing else tells what they do. */
  readonly undrawnEdges: number;
  /** Edges that are not drawn, since others imply them. */
  readonly impliedEdges: number;
}

interface NodeLabel extends Size, Partial<Point> {}

interface EdgeLabel extends Size, Partial<Point> {
  readonly labelpos: 'c';
  readonly points?: readonly Point[];
}

type Direction = 'TB' | 'LR';

/** The same graph gives the same layout. */
export function layoutOf(view: GraphView): Layout {
  const sizes = new Map(view.nodes.map((node) => [node.id, nodeSize(node)]));
  const layers = layersOf(view);
  const direction = directionOf([...sizes.values()], [...layers.values()]);
  const drawn = drawnEdges(view.edges, layers);
  const labelled = drawn.length <= MAX_LABELLED_EDGES;
  const graph = new graphlib.Graph<object, NodeLabel, EdgeLabel>();
  graph.setGraph({ rankdir: direction, nodesep: GAP.node, edgesep: GAP.edge, ranksep: GAP.layer });
  for (const { id } of view.nodes) graph.setNode(id, { ...(sizes.get(id) ?? NO_SIZE) });
  for (const edge of drawn) {
    const text = labelled ? edgeLabel(edge) : '';
    graph.setEdge(edge.from, edge.to, { ...(text === '' ? NO_SIZE : labelSize(text)), labelpos: 'c' });
  }
  arrange(graph);

  const { width = 0, height = 0 } = graph.graph() as Partial<Size>;
  const turn = turned({ width, height }, direction, isBackwards(view, graph, direction));
  const boxes = new Map(view.nodes.map(({ id }) => [id, boxOf(graph.node(id), turn)]));
  const undrawn = view.edges.filter((edge) => !drawn.includes(edge));
  return {
    width,
    height,
    nodes: view.nodes.map((node) => ({ node, box: boxes.get(node.id) ?? { x: 0, y: 0, ...NO_SIZE } })),
    edges: drawn.map((edge): PlacedEdge => {
      const { points = [], x, y } = graph.edge(edge.from, edge.to);
      const text = labelled ? edgeLabel(edge) : '';
      const ends = { start: boxes.get(edge.from), end: boxes.get(edge.to) };
      return {
        edge,
        points: anchored(points.map(turn), ends, direction, text !== ''),
        label: text === '' || x === undefined || y === undefined ? null : { at: turn({ x, y }), text },
      };
    }),
    undrawnEdges: undrawn.filter((edge) => !edge.implied).length,
    impliedEdges: undrawn.filter((edge) => edge.implied).length,
  };
}

const NO_SIZE: Size = { width: 0, height: 0 };

/** dagre tells the middle. */
function boxOf({ x = 0, y = 0, width, height }: NodeLabel, turn: (point: Point) => Point): Box {
  const middle = turn({ x, y });
  return { x: middle.x - width / 2, y: middle.y - height / 2, width, height };
}

/** Whether those side by side stand in the reverse of the order that they were written in, rather than in that order. */
function isBackwards(
  view: GraphView,
  graph: graphlib.Graph<object, NodeLabel, EdgeLabel>,
  direction: Direction,
): boolean {
  const last = new Map<number, number>();
  let balance = 0;
  for (const { id } of view.nodes) {
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

/** The length of the longest way that leads to each node: the layer it will stand in, or an earlier one. */
function layersOf({ nodes, edges }: GraphView): ReadonlyMap<string, number> {
  const sources = new Map<string, string[]>(nodes.map(({ id }) => [id, []]));
  for (const { from, to } of edges) sources.get(to)?.push(from);
  const layers = new Map<string, number>();
  const open = nodes.map(({ id }) => id);
  for (let id = open.at(-1); id !== undefined; id = open.at(-1)) {
    const before = sources.get(id) ?? [];
    const unknown = before.filter((one) => !layers.has(one));
    if (unknown.length === 0) {
      layers.set(id, Math.max(0, ...before.map((one) => (layers.get(one) ?? 0) + 1)));
      open.pop();
    } else {
      open.push(...unknown);
    }
  }
  return layers;
}

/** Those that say something new come first, short ones before long ones. What is implied is drawn if data goes along it. */
function drawnEdges(edges: readonly GraphEdge[], layers: ReadonlyMap<string, number>): GraphEdge[] {
  const spanOf = ({ from, to }: GraphEdge): number => (layers.get(to) ?? 0) - (layers.get(from) ?? 0);
  const worth = edges
    .filter(({ implied, kind }) => !implied || kind === 'DATA' || kind === 'CONDITION')
    .sort((a, b) => Number(a.implied) - Number(b.implied) || spanOf(a) - spanOf(b));
  let left = MAX_DRAWN_SPAN;
  return worth.filter((edge) => (left -= spanOf(edge)) >= 0);
}

/** From the top down, unless that is wider than a page and from left to right is not as wide. */
function directionOf(sizes: readonly Size[], layers: readonly number[]): Direction {
  const counts = new Map<number, number>();
  for (const layer of layers) counts.set(layer, (counts.get(layer) ?? 0) + 1);
  const widest = Math.max(0, ...sizes.map(({ width }) => width));
  const down = Math.max(0, ...counts.values()) * (widest + GAP.node);
  const across = counts.size * (widest + GAP.layer);
  return down > PAGE_WIDTH && across < down ? 'LR' : 'TB';
}
