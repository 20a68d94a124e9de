/** Where everything stands. Each group is laid out by itself, and is one box among those around it. */
import type { GraphGroup, GraphNode, GraphView } from '../domain/graphView';
import { moved, type Box, type Point, type Size } from './geometry';
import { placeLevel, type PlacedEdge } from './level';
import { GROUP, groupSize, nodeSize } from './sizes';

/** With more edges, labels hide more than they tell. */
const MAX_LABELLED_EDGES = 30;

export interface Placed<Part> {
  readonly part: Part;
  readonly box: Box;
}

interface PlacedParts {
  /** Outer ones first. */
  readonly groups: readonly Placed<GraphGroup>[];
  readonly nodes: readonly Placed<GraphNode>[];
  readonly edges: readonly PlacedEdge[];
}

export interface Layout extends PlacedParts, Size {
  /** Edges that are not drawn, though nothing else tells what they do. */
  readonly undrawnEdges: number;
  /** Edges that are not drawn, since others imply them. */
  readonly impliedEdges: number;
}

/** The same graph gives the same layout. */
export function layoutOf(view: GraphView): Layout {
  const layout = layoutWithin(view, null, false);
  const drawn = new Set(layout.edges.map(({ edge }) => edge));
  const undrawn = view.edges.filter((edge) => !drawn.has(edge));
  return {
    ...layout,
    undrawnEdges: undrawn.filter((edge) => !edge.implied).length,
    impliedEdges: undrawn.filter((edge) => edge.implied).length,
  };
}

/** `many`: what stands here is run once for each element of a scatter around it. */
function layoutWithin(view: GraphView, group: string | null, many: boolean): PlacedParts & Size {
  const nodes = view.nodes.filter((node) => node.group === group);
  const groups = view.groups
    .filter((one) => one.group === group)
    .map((one) => ({ one, inside: layoutWithin(view, one.id, many || one.kind === 'SCATTER') }));
  const sizes = new Map<string, Size>([
    ...nodes.map((node): [string, Size] => [
      node.id,
      nodeSize(node, many || node.kind === 'SCATTER' || node.kind === 'REST'),
    ]),
    ...groups.map(({ one, inside }): [string, Size] => [one.id, groupSize(one, inside)]),
  ]);
  const edges = view.edges.filter(({ to }) => sizes.has(to));
  const level = placeLevel(sizes, edges, view.edges.length <= MAX_LABELLED_EDGES);
  const boxOf = (id: string): Box => level.boxes.get(id) ?? { x: 0, y: 0, width: 0, height: 0 };
  const inner = groups.map(({ one, inside }) => {
    const box = boxOf(one.id);
    return shifted(inside, { x: box.x + (box.width - inside.width) / 2, y: box.y + GROUP.top });
  });
  return {
    width: level.width,
    height: level.height,
    groups: [...groups.map(({ one }) => ({ part: one, box: boxOf(one.id) })), ...inner.flatMap((one) => one.groups)],
    nodes: [...nodes.map((part) => ({ part, box: boxOf(part.id) })), ...inner.flatMap((one) => one.nodes)],
    edges: [...level.edges, ...inner.flatMap((one) => one.edges)],
  };
}

/** All of it, moved. */
export function shifted<Parts extends PlacedParts>(parts: Parts, by: Point): Parts {
  return {
    ...parts,
    groups: parts.groups.map((placed) => ({ ...placed, box: moved(placed.box, by) })),
    nodes: parts.nodes.map((placed) => ({ ...placed, box: moved(placed.box, by) })),
    edges: parts.edges.map((edge) => ({
      ...edge,
      points: edge.points.map((point) => moved(point, by)),
      label: edge.label && { ...edge.label, at: moved(edge.label.at, by) },
    })),
  };
}
