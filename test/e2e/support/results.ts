import type { Stepcast } from './stepcast';

export interface Result {
  readonly id: string;
  readonly stepName: string;
  readonly port: string;
  readonly name: string;
  readonly mediaType: string;
  readonly url: string;
  readonly text: string;
}

/** The files a Submission's steps produced, downloaded by their signed addresses, in the order of the list. */
export async function resultsOf(stepcast: Stepcast, id: string): Promise<Result[]> {
  const { submission } = await stepcast.gql<{ submission: { results: { nodes: Omit<Result, 'text'>[] } } }>(
    `query ($id: ID!) { submission(id: $id) { results(first: 100) { nodes { id stepName port name mediaType url } } } }`,
    { id },
  );
  return Promise.all(
    submission.results.nodes.map(async (node) => {
      const response = await fetch(node.url);
      if (!response.ok) throw new Error(`${node.url}: ${response.status}`);
      return { ...node, text: await response.text() };
    }),
  );
}
