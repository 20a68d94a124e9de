/**
 * The graph of a Job for people: a bounded number of nodes and edges, by names. Pure. How a run of it stands is laid over
 * it by `graphRuns.ts`, so that the graph, and what is made of it, is the same for all runs of one Job version.
 */
import type { JobPlan, PlanNode } from './compileJob';
import { StepcastError } from './errors';
import { linkDrafts, type EdgeDraft } from './graphLinks';
import { impliedEdges } from './graphEdges';

/** The most nodes that one graph has. */
export const MAX_GRAPH_NODES = 200;
/** The most edges that one graph has. */
export const MAX_GRAPH_EDGES = 1_000;
/** The most levels of nested Jobs that one graph opens. */
export const MAX_GRAPH_DEPTH = 8;

/** A scatter is one node, however many elements it has. REST: all Steps that the bound leaves no room for. */
export const GRAPH_NODE_KINDS = ['TASK', 'JOB', 'SCATTER', 'REST'] as const;
export type GraphNodeKind = (typeof GRAPH_NODE_KINDS)[number];

/** DATA: a port feeds a port. FILES: files go by their names. CONDITION: an exit code decides. ORDER: one after the other. */
export const GRAPH_EDGE_KINDS = ['DATA', 'FILES', 'CONDITION', 'ORDER'] as const;
export type GraphEdgeKind = (typeof GRAPH_EDGE_KINDS)[number];

/** What a node and a group have in common. */
export interface GraphPart {
  /** Names of Steps from the outermost Job inwards, joined by `/`. */
  readonly id: string;
  readonly label: string;
  /** The Task or Job it runs; empty for REST. */
  readonly runs: string;
  /** The group it stands in; null at the outermost level. */
  readonly group: string | null;
  /** The ports whose lists it goes over, element by element; empty when it runs once. */
  readonly over: readonly string[];
  /** An expression decides whether it runs. */
  readonly conditional: boolean;
  /** Ids of the Steps that it stands for: its own, but for REST. */
  readonly steps: readonly string[];
}

export interface GraphNode extends GraphPart {
  readonly kind: GraphNodeKind;
}

/** A Step that runs a Job, shown with the Steps of that. */
export interface GraphGroup extends GraphPart {
  readonly kind: 'JOB' | 'SCATTER';
}

export interface GraphPorts {
  /** The output; empty when files are chosen by their names. */
  readonly from: string;
  readonly to: string;
}

/** Ends are ids of nodes or groups that stand in the same group. There is at most one edge between two of them. */
export interface GraphEdge {
  readonly from: string;
  readonly to: string;
  readonly kind: GraphEdgeKind;
  readonly ports: readonly GraphPorts[];
  /** The exit codes that a CONDITION asks for; null for other kinds. */
  readonly exitCodes: readonly number[] | null;
  /** Other edges lead from its start to its end as well. */
  readonly implied: boolean;
}

export interface GraphView {
  /** The Job. */
  readonly title: string;
  readonly nodes: readonly GraphNode[];
  readonly edges: readonly GraphEdge[];
  /** Outer ones first. */
  readonly groups: readonly GraphGroup[];
  /** Steps of the Job that have no node of their own. Jobs that stay closed are nodes, and their Steps are not counted. */
  readonly foldedSteps: number;
  /** Edges that were left out. */
  readonly foldedEdges: number;
}

export interface GraphOptions {
  /** The most nodes, from 1 to MAX_GRAPH_NODES. A nested Job stays closed when its Steps would be too many. */
  readonly first: number;
  /** How many levels of nested Jobs are opened, from 0 to MAX_GRAPH_DEPTH. */
  readonly depth: number;
}

/** Builds the graph of a plan. Throws BAD_INPUT when an option is out of its bounds. */
export function graphOf(plan: JobPlan, options: GraphOptions): GraphView {
  requireWithin('first', options.first, 1, MAX_GRAPH_NODES);
  requireWithin('depth', options.depth, 0, MAX_GRAPH_DEPTH);
  const levels = openLevels(plan, options);
  const opened = new Set(levels.map(({ group }) => group));
  const parts = levels.flatMap(partsOf);
  const edges = levels.flatMap(edgesOf);
  const kept = [...edges.filter((edge) => !edge.implied), ...edges.filter((edge) => edge.implied)];
  return {
    title: plan.job.name,
    nodes: parts.filter(({ id }) => !opened.has(id)),
    groups: parts.filter(({ id }) => opened.has(id)).map((part) => ({ ...part, kind: groupKind(part) })),
    edges: kept.slice(0, MAX_GRAPH_EDGES),
    foldedSteps: levels.reduce((sum, { plan: { nodes }, own }) => sum + nodes.length - own.size, 0),
    foldedEdges: Math.max(0, kept.length - MAX_GRAPH_EDGES),
  };
}

function requireWithin(name: string, value: number, least: number, most: number): void {
  if (Number.isInteger(value) && value >= least && value <= most) return;
  throw new StepcastError('BAD_INPUT', `${name} is ${value}; it must be a whole number from ${least} to ${most}.`);
}

/** The Steps of one Job in one place of the graph. */
interface Level {
  readonly plan: JobPlan;
  /** The id of the Step that runs it; null for the outermost. */
  readonly group: string | null;
  /** Indices of Steps with a node of their own. */
  readonly own: ReadonlySet<number>;
}

/** Outer levels first, each opened as long as there is room for all of its Steps. */
function openLevels(root: JobPlan, { first, depth }: GraphOptions): readonly Level[] {
  const levels = [{ plan: root, group: null as string | null, own: firstSteps(root, first), depth: 0 }];
  let nodes = Math.min(root.nodes.length, first);
  // The list grows while it is walked.
  for (const level of levels) {
    if (level.depth >= depth) continue;
    for (const node of level.plan.nodes) {
      const inner = node.run.kind === 'job' ? root.nested.get(node.run.job) : undefined;
      if (!inner || !level.own.has(node.index) || inner.nodes.length === 0) continue;
      if (nodes - 1 + inner.nodes.length > first) continue;
      nodes += inner.nodes.length - 1;
      const own = new Set(inner.nodes.map(({ index }) => index));
      levels.push({ plan: inner, group: idIn(level.group, node.name), own, depth: level.depth + 1 });
    }
  }
  return levels;
}

/** All Steps, or those that come first in order, so that one more node can stand for all after them. */
function firstSteps({ nodes }: JobPlan, first: number): ReadonlySet<number> {
  const order = inOrder(nodes);
  return new Set(nodes.length <= first ? order : order.slice(0, first - 1));
}

/** Indices so that every node comes after all it waits for. */
function inOrder(nodes: readonly PlanNode[]): number[] {
  const waiting = nodes.map((node) => node.predecessors.length);
  const order = nodes.filter((node) => node.predecessors.length === 0).map((node) => node.index);
  // The list grows while it is walked.
  for (const index of order) {
    for (const next of nodes[index]?.successors ?? []) {
      const left = (waiting[next] ?? 0) - 1;
      waiting[next] = left;
      if (left === 0) order.push(next);
    }
  }
  return order;
}

const REST = '…';

function idIn(group: string | null, name: string): string {
  return group === null ? name : `${group}/${name}`;
}

function partsOf({ plan, group, own }: Level): GraphNode[] {
  const parts = plan.nodes
    .filter((node) => own.has(node.index))
    .map((node): GraphNode => {
      const id = idIn(group, node.name);
      return {
        id,
        kind: node.scatter ? 'SCATTER' : node.run.kind === 'job' ? 'JOB' : 'TASK',
        label: node.name,
        runs: node.run.kind === 'job' ? node.run.job : node.run.task.name,
        group,
        over: node.scatter?.ports ?? [],
        conditional: node.when?.kind === 'expression',
        steps: [id],
      };
    });
  const rest = plan.nodes.filter((node) => !own.has(node.index)).map((node) => idIn(group, node.name));
  if (rest.length === 0) return parts;
  const label = `${rest.length} more steps`;
  return [
    ...parts,
    { id: idIn(group, REST), kind: 'REST', label, runs: '', group, over: [], conditional: false, steps: rest },
  ];
}

function groupKind({ over }: GraphPart): GraphGroup['kind'] {
  return over.length > 0 ? 'SCATTER' : 'JOB';
}

function edgesOf({ plan, group, own }: Level): GraphEdge[] {
  const idOf = plan.nodes.map((node) => idIn(group, own.has(node.index) ? node.name : REST));
  const byEnds = new Map<string, EdgeDraft>();
  for (const node of plan.nodes) {
    for (const draft of linkDrafts(node, idOf)) {
      if (draft.from === draft.to) continue;
      const ends = JSON.stringify([draft.from, draft.to]);
      byEnds.set(ends, joined(byEnds.get(ends), draft));
    }
  }
  const drafts = [...byEnds.values()];
  const implied = impliedEdges(drafts);
  return drafts.map((draft, index) => ({ ...draft, implied: implied.has(index) }));
}

/** The most pairs of ports that one edge names. */
const MAX_EDGE_PORTS = 20;

/** Two edges between the same ends become one, of the kind that says more. */
function joined(one: EdgeDraft | undefined, other: EdgeDraft): EdgeDraft {
  if (!one) return other;
  const stronger = GRAPH_EDGE_KINDS.indexOf(one.kind) <= GRAPH_EDGE_KINDS.indexOf(other.kind) ? one : other;
  return {
    ...stronger,
    ports: [...one.ports, ...other.ports].slice(0, MAX_EDGE_PORTS),
    exitCodes: one.exitCodes ?? other.exitCodes,
  };
}
