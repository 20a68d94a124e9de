/** A client such as a front end has: one keep-alive HTTP connection pool, one WebSocket. */
import { Agent, request } from 'node:http';
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';

export interface SubmissionEvent {
  readonly seq: number;
  readonly type: string;
  readonly state: string | null;
  readonly at: string;
}

type Variables = Readonly<Record<string, unknown>>;

export interface ApiClient {
  readonly url: string;
  /** Throws on any error in the answer. */
  call<T>(query: string, variables?: Variables): Promise<T>;
  define(source: string): Promise<void>;
  /** Returns the id. */
  submit(job: string, inputs?: Variables): Promise<string>;
  /** Every Event from the first; ends with the Submission. */
  events(id: string): AsyncIterable<SubmissionEvent>;
  /** The end state, as the Events tell it. */
  ended(id: string): Promise<string>;
  close(): Promise<void>;
}

export const EVENTS = 'subscription ($id: ID!) { submissionEvents(id: $id) { seq type state at } }';
const FINAL = new Set(['SUCCEEDED', 'FAILED', 'CANCELLED']);

export function createApi(url: string): ApiClient {
  const agent = new Agent({ keepAlive: true });
  const socket = createClient({
    url: `${url.replace('http', 'ws')}/graphql`,
    webSocketImpl: WebSocket,
    lazy: true,
    lazyCloseTimeout: 60_000,
  });
  const call: ApiClient['call'] = async (query, variables = {}) => {
    const answer = JSON.parse(await post(agent, `${url}/graphql`, JSON.stringify({ query, variables }))) as {
      data?: unknown;
      errors?: unknown;
    };
    if (answer.errors) throw new Error(JSON.stringify(answer.errors));
    // The caller wrote the query, and so knows its shape.
    return answer.data as never;
  };
  const events: ApiClient['events'] = async function* (id) {
    for await (const result of socket.iterate<{ submissionEvents: SubmissionEvent }>({
      query: EVENTS,
      variables: { id },
    })) {
      if (!result.data) throw new Error(JSON.stringify(result.errors));
      yield result.data.submissionEvents;
    }
  };
  return {
    url,
    call,
    define: async (source) => {
      const { applyDefinitions } = await call<{ applyDefinitions: { userErrors: { message: string }[] } }>(
        'mutation ($source: String!) { applyDefinitions(input: { source: $source }) { userErrors { message } } }',
        { source },
      );
      const [error] = applyDefinitions.userErrors;
      if (error) throw new Error(error.message);
    },
    submit: async (job, inputs = {}) => {
      const { submitJob } = await call<{
        submitJob: { submission: { id: string } | null; userErrors: { message: string }[] };
      }>(
        'mutation ($job: String!, $inputs: JSON) { submitJob(input: { job: $job, inputs: $inputs }) { submission { id } userErrors { message } } }',
        { job, inputs },
      );
      if (!submitJob.submission) throw new Error(submitJob.userErrors[0]?.message);
      return submitJob.submission.id;
    },
    events,
    ended: async (id) => {
      for await (const event of events(id)) {
        if (event.type === 'SUBMISSION_STATE' && FINAL.has(event.state ?? '')) return event.state ?? '';
      }
      throw new Error(`The events of ${id} ended without an end`);
    },
    close: async () => {
      await socket.dispose();
      agent.destroy();
    },
  };
}

function post(agent: Agent, url: string, body: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
    const sent = request(url, { method: 'POST', agent, headers }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => (text += chunk));
      response.once('end', () => resolve(text)).once('error', reject);
    });
    sent.once('error', reject);
    sent.end(body);
  });
}
