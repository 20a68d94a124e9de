/**
 * The graph of a Job for people: a bounded number of nodes and edges, by names. Pure. How a run of it stands is laid over
 * it by `graphRuns.ts`, so that the graph, and what is made of it, is the same for all runs of one Job version.
 */
import type { JobPlan, PlanLink, PlanNode } from './compileJob';
import { StepcastError } from './errors';
import { impliedEdges } from './graphEdges';

/** The most nodes that one graph has. */
export const MAX_GRAPH_NODES = 200;
/** The most edges that one graph has. */
export const MAX_GRAPH_EDGES = 1_000;
/** The most pairs of ports that one edge names. */
const MAX_EDGE_PORTS = 20;

/** TASK: a Step. REST: all Steps that the bound leaves no room for. */
export const GRAPH_NODE_KINDS = ['TASK', 'REST'] as const;
export type GraphNodeKind = (typeof GRAPH_NODE_KINDS)[number];

/** DATA: a port feeds a port. FILES: files go by their names. CONDITION: an exit code decides. ORDER: one after the other. */
export const GRAPH_EDGE_KINDS = ['DATA', 'FILES', 'CONDITION', 'ORDER'] as const;
export type GraphEdgeKind = (typeof GRAPH_EDGE_KINDS)[number];

export interface GraphNode {
  /** Names of Steps from the outermost Job inwards, joined by `/`. */
  readonly id: string;
  readonly kind: GraphNodeKind;
  readonly label: string;
  /** The Task it runs; empty for REST. */
  readonly runs: string;
  /** The group it stands in; null at the outermost level. */
  readonly group: string | null;
  /** Names of the Steps that it stands for: one, but for REST. */
  readonly steps: readonly string[];
}

/** A nested Job that is shown with its Steps. */
export interface GraphGroup {
  readonly id: string;
  readonly label: string;
  /** The Job it runs. */
  readonly runs: string;
  /** The group it stands in; null at the outermost level. */
  readonly group: string | null;
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
  readonly groups: readonly GraphGroup[];
  /** Steps that have no node of their own. */
  readonly foldedSteps: number;
  /** Edges that were left out. */
  readonly foldedEdges: number;
}

export interface GraphOptions {
  /** The most nodes, from 1 to MAX_GRAPH_NODES. */
  readonly first: number;
}

/** Builds the graph of a plan. Throws BAD_INPUT when an option is out of its bounds. */
export function graphOf(plan: JobPlan, { first }: GraphOptions): GraphView {
  if (!Number.isInteger(first) || first < 1 || first > MAX_GRAPH_NODES) {
    throw new StepcastError('BAD_INPUT', `first is ${first}; it must be a whole number from 1 to ${MAX_GRAPH_NODES}.`);
  }
  const { nodes, idOf } = nodesOf(plan, first);
  const edges = edgesOf(plan, idOf);
  const kept = [...edges.filter((edge) => !edge.implied), ...edges.filter((edge) => edge.implied)];
  return {
    title: plan.job.name,
    nodes,
    edges: kept.slice(0, MAX_GRAPH_EDGES),
    groups: [],
    foldedSteps: plan.nodes.length - nodes.filter((node) => node.kind !== 'REST').length,
    foldedEdges: Math.max(0, kept.length - MAX_GRAPH_EDGES),
  };
}

/** Steps beyond the bound become one node at the end: they are last in order, so that no edge leads back from it. */
function nodesOf(plan: JobPlan, first: number): { nodes: GraphNode[]; idOf: readonly string[] } {
  const order = inOrder(plan.nodes);
  const own = new Set(plan.nodes.length <= first ? order : order.slice(0, first - 1));
  const rest = order.filter((index) => !own.has(index)).map((index) => plan.nodes[index]?.name ?? '');
  const restId = '…';
  const nodes = plan.nodes
    .filter((node) => own.has(node.index))
    .map((node): GraphNode => {
      const { name, run } = node;
      const runs = run.kind === 'task' ? run.task.name : run.job;
      return { id: name, kind: 'TASK', label: name, runs, group: null, steps: [name] };
    });
  const folded: GraphNode = {
    id: restId,
    kind: 'REST',
    label: `${rest.length} more steps`,
    runs: '',
    group: null,
    steps: rest,
  };
  return {
    nodes: rest.length === 0 ? nodes : [...nodes, folded],
    idOf: plan.nodes.map((node) => (own.has(node.index) ? node.name : restId)),
  };
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

interface Draft {
  readonly from: string;
  readonly to: string;
  readonly kind: GraphEdgeKind;
  readonly ports: readonly GraphPorts[];
  readonly exitCodes: readonly number[] | null;
}

function edgesOf(plan: JobPlan, idOf: readonly string[]): GraphEdge[] {
  const byEnds = new Map<string, Draft>();
  for (const node of plan.nodes) {
    for (const draft of draftsInto(node, idOf)) {
      if (draft.from === draft.to) continue;
      const ends = JSON.stringify([draft.from, draft.to]);
      byEnds.set(ends, joined(byEnds.get(ends), draft));
    }
  }
  const drafts = [...byEnds.values()];
  const implied = impliedEdges(drafts);
  return drafts.map((draft, index) => ({ ...draft, implied: implied.has(index) }));
}

function draftsInto(node: PlanNode, idOf: readonly string[]): Draft[] {
  const to = idOf[node.index] ?? '';
  const edge = (from: number, kind: GraphEdgeKind, ports: readonly GraphPorts[] = []): Draft => ({
    from: idOf[from] ?? '',
    to,
    kind,
    ports,
    exitCodes: null,
  });
  const linked = Object.entries(node.links).flatMap(([port, link]) => sourcesOf(link, port).map((one) => one(edge)));
  const { when } = node;
  const condition = when?.kind === 'exit' ? [{ ...edge(when.node, 'CONDITION'), exitCodes: when.exitCodes }] : [];
  const told = [...linked, ...condition];
  const known = new Set(told.map((draft) => draft.from));
  const others = node.predecessors
    .filter((index) => !known.has(idOf[index] ?? ''))
    .map((index) => edge(index, 'ORDER'));
  return [...told, ...others];
}

type MakeEdge = (from: number, kind: GraphEdgeKind, ports: readonly GraphPorts[]) => Draft;

function sourcesOf(link: PlanLink, to: string): ((edge: MakeEdge) => Draft)[] {
  switch (link.kind) {
    case 'output':
      return [(edge) => edge(link.node, 'DATA', [{ from: link.port, to }])];
    case 'glob':
      return link.nodes.map((node) => (edge) => edge(node, 'FILES', [{ from: '', to }]));
    case 'merge':
      return link.sources.flatMap((source) => sourcesOf(source, to));
    case 'expression':
      return link.source ? sourcesOf(link.source, to) : [];
    case 'input':
    case 'value':
      return [];
  }
}

/** Two edges between the same ends become one, of the kind that says more. */
function joined(one: Draft | undefined, other: Draft): Draft {
  if (!one) return other;
  const stronger = GRAPH_EDGE_KINDS.indexOf(one.kind) <= GRAPH_EDGE_KINDS.indexOf(other.kind) ? one : other;
  return {
    ...stronger,
    ports: [...one.ports, ...other.ports].slice(0, MAX_EDGE_PORTS),
    exitCodes: one.exitCodes ?? other.exitCodes,
  };
}
