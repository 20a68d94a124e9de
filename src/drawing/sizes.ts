/** How large the parts of a drawing are. They depend on the graph alone, so that nothing moves while states change. */
import type { GraphEdge, GraphNode } from '../domain/graphView';
import type { Size } from './geometry';
import { textWidth } from './text';

export const NAME_SIZE = 13;
export const DETAIL_SIZE = 11;
export const LABEL_SIZE = 10.5;
export const TITLE_SIZE = 15;

const NODE = { minWidth: 196, maxWidth: 250, height: 50 } as const;
/** Where the text begins, behind the mark of the state. */
export const TEXT_LEFT = 38;
export const TEXT_RIGHT = 12;
const MAX_LABEL_WIDTH = 150;

export function nodeSize(node: GraphNode): Size {
  const text = Math.max(textWidth(node.label, NAME_SIZE, true), textWidth(node.runs, DETAIL_SIZE));
  const width = Math.min(NODE.maxWidth, Math.max(NODE.minWidth, TEXT_LEFT + text + TEXT_RIGHT));
  return { width, height: NODE.height };
}

/** What stands on an edge: the ports it joins, or the condition; empty for none. */
export function edgeLabel(edge: GraphEdge): string {
  if (edge.exitCodes) return `if exit ${edge.exitCodes.join(', ')}`;
  const [first] = edge.ports;
  if (!first || edge.kind !== 'DATA') return '';
  const name = first.from === first.to ? first.from : `${first.from} → ${first.to}`;
  return edge.ports.length === 1 ? name : `${name}, +${edge.ports.length - 1}`;
}

export function labelSize(text: string): Size {
  return { width: Math.min(MAX_LABEL_WIDTH, textWidth(text, LABEL_SIZE)) + 8, height: 16 };
}
