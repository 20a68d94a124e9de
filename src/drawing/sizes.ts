/** How large the parts of a drawing are. They depend on the graph alone, so that nothing moves while states change. */
import type { GraphGroup, GraphNode } from '../domain/graphView';
import type { Size } from './geometry';
import { textWidth } from './text';
import { definitionText } from './words';

export const NAME_SIZE = 13;
export const DETAIL_SIZE = 11;
export const LABEL_SIZE = 10.5;
export const TITLE_SIZE = 15;

const NODE = { minWidth: 196, manyWidth: 250, maxWidth: 280, height: 50, manyHeight: 60 } as const;
/** Where the text begins, behind the mark of the state. */
export const TEXT_LEFT = 38;
export const TEXT_RIGHT = 12;
/** What stands around the nodes of a group: its name and state are above them. */
export const GROUP = { side: 16, top: 64, bottom: 16 } as const;
/** How far the card behind a stack of cards looks out. */
export const STACK = 4;
const MAX_LABEL_WIDTH = 150;

/** `many`: it may have several StepRuns, and is told by numbers. */
export function nodeSize(node: GraphNode, many: boolean): Size {
  const width = Math.max(many ? NODE.manyWidth : NODE.minWidth, textBoxWidth(node));
  return { width: Math.min(NODE.maxWidth, width), height: many ? NODE.manyHeight : NODE.height };
}

/** Around what is inside. */
export function groupSize(group: GraphGroup, inside: Size): Size {
  const heading = Math.min(NODE.maxWidth, Math.max(NODE.manyWidth, textBoxWidth(group)));
  return {
    width: Math.max(heading, inside.width + 2 * GROUP.side),
    height: GROUP.top + inside.height + GROUP.bottom,
  };
}

function textBoxWidth(part: GraphNode | GraphGroup): number {
  const text = Math.max(textWidth(part.label, NAME_SIZE, true), textWidth(definitionText(part), DETAIL_SIZE));
  return TEXT_LEFT + text + TEXT_RIGHT;
}

export function labelSize(text: string): Size {
  return { width: Math.min(MAX_LABEL_WIDTH, textWidth(text, LABEL_SIZE)) + 8, height: 16 };
}
