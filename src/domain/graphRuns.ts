/** How the nodes and groups of a graph stand in one Submission. Pure: from numbers of StepRuns by Step and state. */
import type { GraphPart, GraphView } from './graphView';
import { isFinalStepRun, STEP_RUN_STATES, type StepRunState } from './states';

/** Numbers of StepRuns by their state. */
export type StateCounts = Readonly<Record<StepRunState, number>>;

/** StepRuns of one Step in one state, as they are counted. */
export interface CountedRuns {
  /** The Step, by the names that lead to it: the id of its node. */
  readonly step: string;
  /** They are elements of a scatter; a scatter itself, and any other run of a Step, is none. */
  readonly element: boolean;
  readonly state: StepRunState;
  readonly count: number;
  /** Elements that scatters in this state still have to get. */
  readonly unexpanded: number;
  /** The first of them. */
  readonly stepRunId: string;
  /** The highest progress told, 0–100. */
  readonly percent: number | null;
  /** When the first of them started, and the last one ended; milliseconds since 1970. */
  readonly startedAt: number | null;
  readonly finishedAt: number | null;
}

/** How one node or group stands. */
export interface PartRuns {
  /** Of its only StepRun; of many, what tells most about all of them. */
  readonly state: StepRunState;
  /** Of the elements of a scatter; else of its StepRuns. */
  readonly counts: StateCounts;
  /** Sum of the counts. */
  readonly total: number;
  /** Its StepRun, when there is one alone: of a scatter, the one that its elements belong to. */
  readonly stepRunId: string | null;
  /** Of its only StepRun while it runs, 0–100. */
  readonly percent: number | null;
  /** Milliseconds since 1970; the end is null until all of them have ended. */
  readonly startedAt: number | null;
  readonly finishedAt: number | null;
}

/** By id of node or group. Every one of the graph is in it. */
export function runsByPart(view: GraphView, counted: readonly CountedRuns[]): ReadonlyMap<string, PartRuns> {
  const byStep = new Map<string, CountedRuns[]>();
  for (const one of counted) byStep.set(one.step, [...(byStep.get(one.step) ?? []), one]);
  return new Map(
    [...view.nodes, ...view.groups].map((part) => [
      part.id,
      runsOf(
        part,
        part.steps.flatMap((step) => byStep.get(step) ?? []),
      ),
    ]),
  );
}

function runsOf({ over }: GraphPart, all: readonly CountedRuns[]): PartRuns {
  const heads = all.filter(({ element }) => !element);
  const elements = all.filter(({ element }) => element);
  const state = stateOf(countsOf(heads));
  const counted = over.length > 0 ? elements : heads;
  const counts = countsOf(counted);
  // The elements of a scatter come to be a window after the other; those to come belong to what is shown.
  const running = heads.filter((one) => one.state === 'RUNNING');
  const unexpanded = over.length > 0 ? running.reduce((sum, one) => sum + one.unexpanded, 0) : 0;
  const whole = { ...counts, PENDING: counts.PENDING + unexpanded };
  const [only] = heads.length === 1 && heads[0]?.count === 1 ? heads : [];
  return {
    state,
    counts: whole,
    total: STEP_RUN_STATES.reduce((sum, one) => sum + whole[one], 0),
    stepRunId: only?.stepRunId ?? null,
    percent: only?.state === 'RUNNING' ? only.percent : null,
    startedAt: least(all.map((one) => one.startedAt)),
    finishedAt: isFinalStepRun(state) ? greatest(all.map((one) => one.finishedAt)) : null,
  };
}

function countsOf(counted: readonly CountedRuns[]): StateCounts {
  const counts = { ...NO_COUNTS };
  for (const { state, count } of counted) counts[state] += count;
  return counts;
}

/** Whole counts of parts; elements that do not exist yet are pending ones. `width` is null when it is not a scatter. */
export function withElementsToCome(counted: Partial<StateCounts>, width: number | null): StateCounts {
  const counts = { ...NO_COUNTS, ...counted };
  const known = Object.values(counts).reduce((sum, count) => sum + count, 0);
  return { ...counts, PENDING: counts.PENDING + Math.max(0, (width ?? 0) - known) };
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
