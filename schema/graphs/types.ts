import { ArgsType, Field, Float, ID, Int, InterfaceType, ObjectType } from 'type-graphql';
import type { PartRuns } from '../../src/domain/graphRuns';
import {
  MAX_GRAPH_DEPTH,
  MAX_GRAPH_NODES,
  type GraphEdge,
  type GraphEdgeKind,
  type GraphGroup,
  type GraphNodeKind,
  type GraphOptions,
  type GraphPart,
  type GraphView,
} from '../../src/domain/graphView';
import type { StepRunState } from '../../src/domain/states';
import { enumOf } from '../relay/enums';
import { toId } from '../relay/ids';
import { StepRunStateName } from '../submissions/enums';
import { StateCountsType, toStateCounts } from '../submissions/stateCounts';
import type { GraphAddress } from './address';

/** Nodes of a graph when no other number is asked for. */
export const DEFAULT_GRAPH_NODES = 100;
/** Levels of nested Jobs that are opened when no other number is asked for. */
export const DEFAULT_GRAPH_DEPTH = 2;

@ArgsType()
export class GraphArgs {
  @Field(() => Int, {
    defaultValue: DEFAULT_GRAPH_NODES,
    description: `How many nodes at most, up to ${MAX_GRAPH_NODES}. Steps beyond it are folded into one node, and Jobs that have no room stay closed.`,
  })
  first!: number;
  @Field(() => Int, {
    defaultValue: DEFAULT_GRAPH_DEPTH,
    description: `How many levels of nested Jobs are opened, from 0 to ${MAX_GRAPH_DEPTH}.`,
  })
  depth!: number;
}

export const GraphNodeKindName = enumOf<GraphNodeKind>('GraphNodeKind', 'What a node of a graph stands for.', {
  TASK: 'A Step that runs a Task.',
  JOB: 'A Step that runs a Job, whose Steps are not shown.',
  SCATTER: 'A Step that runs once for each element of a list, however many there are.',
  REST: 'All Steps that the number of nodes leaves no room for.',
});

export const GraphGroupKindName = enumOf<GraphGroup['kind']>(
  'GraphGroupKind',
  'How a Step runs the Job that a group shows.',
  {
    JOB: 'Once.',
    SCATTER: 'Once for each element of a list; its nodes count the StepRuns of all elements.',
  },
);

export const GraphEdgeKindName = enumOf<GraphEdgeKind>('GraphEdgeKind', 'Why one node comes after another.', {
  DATA: 'An output feeds an input.',
  FILES: 'An input takes the files whose names match.',
  CONDITION: 'The exit code decides whether the next one runs.',
  ORDER: 'One after the other, without data.',
});

@InterfaceType('GraphPart', {
  description: 'A node or a group of a graph. What a run tells is null in the graph of a definition.',
})
export abstract class GraphPartType {
  @Field(() => ID, { description: 'Unique in the graph, and the same in every run: names of Steps, joined by `/`.' })
  id!: string;
  @Field(() => String, { description: 'Its name.' })
  label!: string;
  @Field(() => String, { description: 'The Task or Job it runs; empty for REST.' })
  runs!: string;
  @Field(() => ID, { nullable: true, description: 'The group it stands in; null at the outermost level.' })
  group!: string | null;
  @Field(() => [String], {
    description: 'The ports whose lists it goes over, element by element; none if it runs once.',
  })
  over!: string[];
  @Field(() => Boolean, { description: 'An expression decides whether it runs.' })
  conditional!: boolean;
  @Field(() => StepRunStateName, {
    nullable: true,
    description: 'How it stands: the state of its StepRun; of several, the one that tells most about all of them.',
  })
  state!: StepRunState | null;
  @Field(() => StateCountsType, {
    nullable: true,
    description: 'Its StepRuns by their state; for a SCATTER, its elements, those to come as pending ones.',
  })
  counts!: StateCountsType | null;
  @Field(() => Int, { nullable: true, description: 'The sum of the counts.' })
  total!: number | null;
  @Field(() => ID, {
    nullable: true,
    description: 'Its StepRun, when there is one alone; for a SCATTER, the one that its elements belong to.',
  })
  stepRunId!: string | null;
  @Field(() => Float, { nullable: true, description: 'Reported progress of its only StepRun while it runs, 0–100.' })
  percent!: number | null;
  @Field(() => Date, { nullable: true, description: 'When the first of its StepRuns started.' })
  startedAt!: Date | null;
  @Field(() => Date, { nullable: true, description: 'When the last of its StepRuns ended; null until all have.' })
  finishedAt!: Date | null;
}

@ObjectType('GraphNode', { implements: GraphPartType, description: 'A node of a graph.' })
export class GraphNodeType extends GraphPartType {
  @Field(() => GraphNodeKindName, { description: 'What it stands for.' })
  kind!: GraphNodeKind;
}

@ObjectType('GraphGroup', {
  implements: GraphPartType,
  description:
    'A Step that runs a Job, shown with the Steps of that: the nodes and groups that name it as their group.',
})
export class GraphGroupType extends GraphPartType {
  @Field(() => GraphGroupKindName, { description: 'How it runs its Job.' })
  kind!: GraphGroup['kind'];
}

@ObjectType('GraphPorts', { description: 'An output and the input that it feeds.' })
export class GraphPortsType {
  @Field(() => String, { description: 'The output; empty when files are chosen by their names.' })
  from!: string;
  @Field(() => String, { description: 'The input.' })
  to!: string;
}

@ObjectType('GraphEdge', {
  description: 'One node comes after another. There is one edge at most between two of them.',
})
export class GraphEdgeType {
  @Field(() => ID, { description: 'The node or group that comes first.' })
  from!: string;
  @Field(() => ID, { description: 'The node or group that comes after it, in the same group.' })
  to!: string;
  @Field(() => GraphEdgeKindName, { description: 'Why; of several reasons, the one that says most.' })
  kind!: GraphEdgeKind;
  @Field(() => [GraphPortsType], { description: 'The ports that it joins.' })
  ports!: GraphPortsType[];
  @Field(() => [Int], { nullable: true, description: 'The exit codes that let the next one run, for a CONDITION.' })
  exitCodes!: number[] | null;
  @Field(() => Boolean, {
    description: 'Other edges lead from its start to its end as well, so a drawing may leave it out.',
  })
  implied!: boolean;
}

@ObjectType('Graph', { description: 'The Steps of a Job and how they follow each other, of bounded size.' })
export class GraphType {
  /** What its drawing shows. */
  address!: GraphAddress;
  options!: GraphOptions;
  @Field(() => [GraphNodeType], { description: 'Its nodes, in the order of the definition.' })
  nodes!: GraphNodeType[];
  @Field(() => [GraphEdgeType], { description: 'Its edges; there is no cycle.' })
  edges!: GraphEdgeType[];
  @Field(() => [GraphGroupType], { description: 'Its groups, outer ones first.' })
  groups!: GraphGroupType[];
  @Field(() => Int, { description: 'Steps that have no node of their own, since the number of nodes is bounded.' })
  foldedSteps!: number;
  @Field(() => Int, { description: 'Edges that were left out, since their number is bounded.' })
  foldedEdges!: number;
}

/** `runs` is null for the graph of a definition. */
export function toGraph(
  view: GraphView,
  runs: ReadonlyMap<string, PartRuns> | null,
  place: { readonly address: GraphAddress; readonly options: GraphOptions },
): GraphType {
  return {
    ...place,
    nodes: view.nodes.map((node) => ({ ...toPart(node, runs?.get(node.id) ?? null), kind: node.kind })),
    edges: view.edges.map(toEdge),
    groups: view.groups.map((group) => ({ ...toPart(group, runs?.get(group.id) ?? null), kind: group.kind })),
    foldedSteps: view.foldedSteps,
    foldedEdges: view.foldedEdges,
  };
}

function toPart({ id, label, runs: name, group, over, conditional }: GraphPart, runs: PartRuns | null): GraphPartType {
  const time = (ms: number | null | undefined): Date | null => (ms == null ? null : new Date(ms));
  return {
    id,
    label,
    runs: name,
    group,
    over: [...over],
    conditional,
    state: runs?.state ?? null,
    counts: runs && toStateCounts(runs.counts),
    total: runs?.total ?? null,
    stepRunId: runs?.stepRunId == null ? null : toId('StepRun', runs.stepRunId),
    percent: runs?.percent ?? null,
    startedAt: time(runs?.startedAt),
    finishedAt: time(runs?.finishedAt),
  };
}

function toEdge(edge: GraphEdge): GraphEdgeType {
  return {
    ...edge,
    ports: edge.ports.map((ports) => ({ ...ports })),
    exitCodes: edge.exitCodes && [...edge.exitCodes],
  };
}
