/** What the address of a drawing leads to: the graph as it stands, and a tag that changes when it does. */
import type { GraphOptions } from '../../src/domain/graphView';
import { DRAWING_VERSION, drawGraph } from '../../src/drawing/drawGraph';
import type { JobVersion } from '../../src/engine/plans';
import type { Services } from '../context';
import { fromId } from '../relay/ids';
import { findSubmission } from '../submissions/reads';
import type { GraphAddress } from './address';

export interface FoundDrawing {
  /** The same tag, the same drawing. */
  readonly tag: string;
  /** The SVG document. */
  draw(): Promise<string>;
}

/** Null when there is no such graph (any more). */
export async function findDrawing(
  services: Services,
  address: GraphAddress,
  options: GraphOptions,
): Promise<FoundDrawing | null> {
  switch (address.kind) {
    case 'submission':
      return submissionDrawing(services, fromId('Submission', address.id), options);
    case 'job': {
      const version = services.catalog.current().jobs.get(address.name)?.compiled;
      return version ? definitionDrawing(services, version, options) : null;
    }
    case 'job-version':
      return definitionDrawing(services, await services.plans.byId(address.key), options);
  }
}

function definitionDrawing({ graphs }: Services, version: JobVersion, options: GraphOptions): FoundDrawing {
  return {
    tag: tagOf('version', version.id, options),
    draw: async () => drawGraph(graphs.drawing(version, options), null),
  };
}

async function submissionDrawing(services: Services, key: string, options: GraphOptions): Promise<FoundDrawing | null> {
  const row = await findSubmission(services.db, key);
  if (!row) return null;
  return {
    // States are read after the number: the drawing may be newer than its tag, never older.
    tag: tagOf('submission', `${row.id}-${row.eventSeq}-${row.unfinished}`, options),
    draw: async () => {
      const drawing = services.graphs.drawing(await services.plans.byId(row.jobVersionId), options);
      const parts = await services.graphs.runs(drawing.view, row.id);
      return drawGraph(drawing, { state: row.state, label: row.label, parts });
    },
  };
}

function tagOf(kind: string, state: string, { first, depth }: GraphOptions): string {
  return `${DRAWING_VERSION}-${kind}-${state}-${first}-${depth}`;
}
