/** How the nodes of a graph stand in one Submission. Pure: from numbers of StepRuns by Step and state. */
import type { GraphView } from './graphView';
import { isFinalStepRun, type StepRunState } from './states';

/** Numbers of StepRuns by their state. */
export type StateCounts = Readonly<Record<StepRunState, number>>;

/** StepRuns of one Step in one state, as they are counted. */
export interface CountedRuns {
  /** The Step, by the names that lead to it: the id of its node. */
  readonly step: string;
  readonly state: StepRunState;
  readonly count: number;
  /** The first of them. */
  readonly stepRunId: string;
  /** The highest progress told, 0–100. */
  readonly percent: number | null;
  /** When the first of them started, and the last one ended; milliseconds since 1970. */
  readonly startedAt: number | null;
  readonly finishedAt: number | null;
}

/** How one node stands. */
export interface NodeRuns {
  /** Of its only StepRun; of many, what tells most about all of them. */
  readonly state: StepRunState;
  readonly counts: StateCounts;
  readonly total: number;
  /** Its StepRun, when there is one alone. */
  readonly stepRunId: string | null;
  /** Of its only StepRun while it runs, 0–100. */
  readonly percent: number | null;
  /** Milliseconds since 1970; the end is null until all of them have ended. */
  readonly startedAt: number | null;
  readonly finishedAt: number | null;
}

/** By id of node. Every node of the graph is in it. */
export function runsByNode(view: GraphView, counted: readonly CountedRuns[]): ReadonlyMap<string, NodeRuns> {
  const byStep = new Map<string, CountedRuns[]>();
  for (const one of counted) byStep.set(one.step, [...(byStep.get(one.step) ?? []), one]);
  return new Map(view.nodes.map((node) => [node.id, runsOf(node.steps.flatMap((step) => byStep.get(step) ?? []))]));
}

function runsOf(counted: readonly CountedRuns[]): NodeRuns {
  const counts = { ...NO_COUNTS };
  for (const { state, count } of counted) counts[state] += count;
  const total = counted.reduce((sum, { count }) => sum + count, 0);
  const state = stateOf(counts);
  const [only] = total === 1 ? counted : [];
  return {
    state,
    counts,
    total,
    stepRunId: only?.stepRunId ?? null,
    percent: only?.state === 'RUNNING' ? only.percent : null,
    startedAt: least(counted.map((one) => one.startedAt)),
    finishedAt: isFinalStepRun(state) ? greatest(counted.map((one) => one.finishedAt)) : null,
  };
}

const NO_COUNTS: StateCounts = {
  PENDING: 0,
  QUEUED: 0,
  RUNNING: 0,
  RETRYING: 0,
  SUCCEEDED: 0,
  FAILED: 0,
  SKIPPED: 0,
  CANCELLED: 0,
};

/** While one has not ended, all have not; of those that ended, a failure tells more than a success. */
const BY_WEIGHT: readonly StepRunState[] = [
  'RUNNING',
  'RETRYING',
  'QUEUED',
  'PENDING',
  'FAILED',
  'CANCELLED',
  'SUCCEEDED',
  'SKIPPED',
];

function stateOf(counts: StateCounts): StepRunState {
  return BY_WEIGHT.find((state) => counts[state] > 0) ?? 'PENDING';
}

function least(times: readonly (number | null)[]): number | null {
  const known = times.filter((time) => time !== null);
  return known.length === 0 ? null : Math.min(...known);
}

function greatest(times: readonly (number | null)[]): number | null {
  const known = times.filter((time) => time !== null);
  return known.length === 0 ? null : Math.max(...known);
}
