/** Graphs of Jobs and of their runs. What depends on the Job version alone is made once and kept while it is used. */
import { runsByPart, type PartRuns } from '../../src/domain/graphRuns';
import { graphOf, type GraphOptions, type GraphView } from '../../src/domain/graphView';
import { prepareDrawing, type Drawing } from '../../src/drawing/drawGraph';
import type { JobVersion } from '../../src/engine/plans';
import type { Sql } from '../../src/store/database';
import { countedRuns } from '../../src/store/statements/graphRuns';
import { paced } from './paced';

export interface Graphs {
  /** Throws BAD_INPUT when an option is out of its bounds. */
  view(version: JobVersion, options: GraphOptions): GraphView;
  /** The same, with a place for everything. */
  drawing(version: JobVersion, options: GraphOptions): Drawing;
  /** How each node and group of the graph stands in a Submission. */
  runs(view: GraphView, submissionKey: string): Promise<ReadonlyMap<string, PartRuns>>;
}

const MAX_KEPT = 200;

export function createGraphs(sql: Sql): Graphs {
  const views = keeping<GraphView>();
  const drawings = keeping<Drawing>();
  // Tenths of a second for 100,000 StepRuns, and each change makes all who look on ask again.
  const counted = paced((submissionKey) => countedRuns(sql, submissionKey));
  const view: Graphs['view'] = (version, options) =>
    views(keyOf(version, options), () => graphOf(version.plan, options));
  return {
    view,
    drawing: (version, options) => drawings(keyOf(version, options), () => prepareDrawing(view(version, options))),
    runs: async (graph, submissionKey) => runsByPart(graph, await counted(submissionKey)),
  };
}

function keyOf({ id }: JobVersion, { first, depth }: GraphOptions): string {
  return `${id} ${first} ${depth}`;
}

/** Makes each value once, and keeps those that were used last. */
function keeping<T>(): (key: string, make: () => T) => T {
  const kept = new Map<string, T>();
  return (key, make) => {
    const value = kept.get(key) ?? make();
    kept.delete(key);
    kept.set(key, value);
    const oldest = kept.keys().next();
    if (kept.size > MAX_KEPT && !oldest.done) kept.delete(oldest.value);
    return value;
  };
}
