import { z } from 'zod';
import { unreachable, type Api } from '../client/api';
import { CommandError, EXIT } from '../client/commandError';
import type { Terminal } from '../terminal';

const Graph = z.looseObject({ svgUrl: z.string() });
const Found = z.object({
  job: z.object({ graph: Graph }).nullable(),
  node: z.object({ graph: Graph.optional() }).nullable(),
});

const PART = `id label kind runs group over conditional state total
  counts { pending queued running retrying succeeded failed skipped cancelled }`;
const GRAPH = `graph {
  svgUrl
  nodes { ${PART} }
  edges { from to kind ports { from to } exitCodes implied }
  groups { ${PART} }
  foldedSteps foldedEdges
}`;
const QUERY = `query ($name: String!, $id: ID!) {
  job(name: $name) { ${GRAPH} }
  node(id: $id) { ... on Submission { ${GRAPH} } }
}`;

/** Writes the graph of a job, or of a submission as it stands, as an SVG image or as JSON. Throws CommandError. */
export async function showGraph(api: Api, terminal: Terminal, nameOrId: string, json: boolean): Promise<void> {
  const { job, node } = await api.call(Found, QUERY, { name: nameOrId, id: nameOrId });
  const graph = job?.graph ?? node?.graph;
  if (!graph) {
    throw new CommandError(EXIT.refused, [
      `There is no job and no submission ${JSON.stringify(nameOrId)}: see stepcast jobs and stepcast status.`,
    ]);
  }
  terminal.print(json ? JSON.stringify(graph) : await imageAt(graph.svgUrl));
}

async function imageAt(url: string): Promise<string> {
  const response = await fetch(url).catch((error: unknown) => {
    throw unreachable(new URL(url).origin, error);
  });
  const text = await response.text();
  if (response.ok) return text.trimEnd();
  throw new CommandError(EXIT.failed, [`The graph could not be fetched: the server answered HTTP ${response.status}.`]);
}
