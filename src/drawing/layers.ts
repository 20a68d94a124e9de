/** Which edges of one level of a graph are drawn, and which way it goes. Pure. */
import type { GraphEdge } from '../domain/graphView';
import type { Size } from './geometry';

/** From the top down, or from left to right. */
export type Direction = 'TB' | 'LR';

/** An edge over several layers costs time in each: the sum that is drawn at most. */
const MAX_DRAWN_SPAN = 600;
/** As wide as a page of text may be. */
const PAGE_WIDTH = 1_000;
/** Between neighbours in a layer, between lines, and between layers. */
export const GAP = { node: 28, edge: 12, layer: 44 } as const;

/** The length of the longest way that leads to each node: the layer it will stand in, or an earlier one. */
export function layersOf(ids: readonly string[], edges: readonly GraphEdge[]): ReadonlyMap<string, number> {
  const sources = new Map<string, string[]>(ids.map((id) => [id, []]));
  for (const { from, to } of edges) sources.get(to)?.push(from);
  const layers = new Map<string, number>();
  const open = [...ids];
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
export function drawnEdges(edges: readonly GraphEdge[], layers: ReadonlyMap<string, number>): readonly GraphEdge[] {
  const spanOf = ({ from, to }: GraphEdge): number => (layers.get(to) ?? 0) - (layers.get(from) ?? 0);
  const worth = edges
    .filter(({ implied, kind }) => !implied || kind === 'DATA' || kind === 'CONDITION')
    .sort((a, b) => Number(a.implied) - Number(b.implied) || spanOf(a) - spanOf(b));
  let left = MAX_DRAWN_SPAN;
  return worth.filter((edge) => (left -= spanOf(edge)) >= 0);
}

/** From the top down, unless that is wider than a page and from left to right is not as wide. */
export function directionOf(sizes: readonly Size[], layers: readonly number[]): Direction {
  const counts = new Map<number, number>();
  for (const layer of layers) counts.set(layer, (counts.get(layer) ?? 0) + 1);
  const widest = Math.max(0, ...sizes.map(({ width }) => width));
  const down = Math.max(0, ...counts.values()) * (widest + GAP.node);
  const across = counts.size * (widest + GAP.layer);
  return down > PAGE_WIDTH && across < down ? 'LR' : 'TB';
}
