import { createClient } from 'graphql-ws';
import WebSocket from 'ws';
import { z } from 'zod';
import { StartError } from './startError';

/** The example that is shown, when it is there; otherwise the first one that can be run. */
const PREFERRED = 'Run word-count';
/** Jobs are loaded from their files while the API starts. */
const EXAMPLES_MS = 10_000;
const EXAMPLES_POLL_MS = 50;
const RUN_MS = 120_000;
const FINAL_STATES = ['SUCCEEDED', 'FAILED', 'CANCELLED'];
const MAX_RESULTS = 20;
/** Room for the name of a step. */
const NAME_WIDTH = 20;

export interface FirstExampleOptions {
  /** Where the API answers. */
  readonly url: string;
  readonly print: (line: string) => void;
}

const Operations = z.array(
  z.object({ title: z.string(), query: z.string(), variables: z.record(z.string(), z.unknown()) }),
);
type Operation = z.infer<typeof Operations>[number];

const Submitted = z.record(
  z.string(),
  z.object({
    submission: z.object({ id: z.string() }).nullable(),
    userErrors: z.array(z.object({ message: z.string() })),
  }),
);

const Followed = z.object({
  submissionEvents: z.object({
    type: z.string(),
    state: z.string().nullable(),
    stepName: z.string().nullable(),
    percent: z.number().nullable(),
    message: z.string(),
    at: z.string(),
  }),
});

const Finished = z.object({
  submission: z.object({
    results: z.object({
      nodes: z.array(z.object({ name: z.string(), stepName: z.string().nullable(), url: z.string() })),
    }),
  }),
});

const EVENTS = `subscription ($id: ID!) {
  submissionEvents(id: $id) { type state stepName percent message at }
}`;
const RESULTS = `query ($id: ID!, $first: Int!) {
  submission(id: $id) { results(first: $first) { nodes { name stepName url } } }
}`;

/** Submits one example job on its real data and prints its steps as they go. Throws StartError with the reason. */
export async function runFirstExample({ url, print }: FirstExampleOptions): Promise<void> {
  const operation = await findExample(url);
  print(`A first example: "${operation.title}", on the data beside its definition in examples/.`);
  const id = await submit(url, operation);
  const state = await follow(url, id, print);
  if (state !== 'SUCCEEDED') throw new StartError(`the example ended as ${state}`);
  const { submission } = Finished.parse(await call(url, RESULTS, { id, first: MAX_RESULTS }));
  for (const { name, stepName, url: link } of submission.results.nodes) {
    print(`  ${(stepName ?? '').padEnd(NAME_WIDTH)} ${name}  ${link}`);
  }
}

async function findExample(url: string): Promise<Operation> {
  const over = Date.now() + EXAMPLES_MS;
  for (;;) {
    const response = await fetch(`${url}/graphiql/examples.json`);
    const runnable = Operations.parse(await response.json()).filter(({ query }) => query.startsWith('mutation'));
    const found = runnable.find(({ title }) => title === PREFERRED);
    if (found) return found;
    if (Date.now() > over) {
      if (runnable[0]) return runnable[0];
      throw new StartError('no job in examples/ could be loaded; the log of the API says why');
    }
    await new Promise((resolve) => setTimeout(resolve, EXAMPLES_POLL_MS));
  }
}

async function submit(url: string, { query, variables }: Operation): Promise<string> {
  const payload = Object.values(Submitted.parse(await call(url, query, variables)))[0];
  if (payload?.submission) return payload.submission.id;
  throw new StartError(payload?.userErrors.map(({ message }) => message).join(' ') || 'the example was not accepted');
}

/** Prints each event and returns the last state. */
async function follow(url: string, id: string, print: (line: string) => void): Promise<string> {
  const client = createClient({ url: `${url.replace(/^http/, 'ws')}/graphql`, webSocketImpl: WebSocket });
  const started = new Map<string, number>();
  const events = client.iterate<Record<string, unknown>>({ query: EVENTS, variables: { id } });
  const limit = setTimeout(() => client.terminate(), RUN_MS);
  try {
    for await (const { data, errors } of events) {
      if (errors?.[0]) throw new StartError(errors[0].message);
      const { type, state, stepName, percent, message, at } = Followed.parse(data).submissionEvents;
      const line = (text: string): void =>
        print(`  ${(stepName ?? '').padEnd(NAME_WIDTH)} ${text}${message === '' ? '' : `  ${message}`}`);
      if (type === 'STEP_PROGRESS') line(`${percent ?? 0} %`);
      if (type === 'STEP_STATE' && stepName !== null && state !== null) {
        if (state === 'RUNNING') started.set(stepName, Date.parse(at));
        const since = started.get(stepName);
        const took = since !== undefined && FINAL_STATES.includes(state) ? `  ${Date.parse(at) - since} ms` : '';
        if (state === 'RUNNING' || FINAL_STATES.includes(state)) line(`${state.toLowerCase()}${took}`);
      }
      if (type === 'SUBMISSION_STATE' && state !== null && FINAL_STATES.includes(state)) return state;
    }
  } finally {
    clearTimeout(limit);
    await client.dispose();
  }
  throw new StartError(`the example did not end within ${RUN_MS / 1_000} s`);
}

async function call(url: string, query: string, variables: Record<string, unknown>): Promise<unknown> {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query, variables }),
  });
  const Answer = z.object({
    data: z.unknown(),
    errors: z.array(z.object({ message: z.string() })).optional(),
  });
  const { data, errors } = Answer.parse(await response.json());
  if (errors?.[0]) throw new StartError(errors[0].message);
  return data;
}
