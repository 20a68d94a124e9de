import { createClient, type Client } from 'graphql-ws';
import { WebSocket } from 'ws';

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

export interface Reply<Data> {
  readonly status: number;
  readonly data: Data | null;
  readonly errors?: readonly GraphqlError[];
}

export interface GraphqlError {
  readonly message: string;
  readonly path?: readonly (string | number)[];
  readonly extensions?: Readonly<Record<string, unknown>>;
}

/** One operation over HTTP. Errors are part of the reply. Rejects when it takes longer than `withinMs`. */
export async function post<Data>(
  url: string,
  query: string,
  variables: object = {},
  headers: Readonly<Record<string, string>> = {},
  withinMs?: number,
): Promise<Reply<Data>> {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ query, variables }),
    ...(withinMs === undefined ? {} : { signal: AbortSignal.timeout(withinMs) }),
  });
  const body = (await response.json()) as Omit<Reply<Data>, 'status'>;
  return { ...body, status: response.status };
}

/** A client over WebSocket that dials once and never again. */
export function connect(url: string, headers: Readonly<Record<string, string>> = {}): Client {
  class Socket extends WebSocket {
    constructor(address: string | URL, protocols?: string | string[]) {
      super(address, protocols, { headers });
      // One that is given up before it is open says so, when nobody listens any more.
      this.on('error', () => undefined);
    }
  }
  return createClient({ url: `${url.replace(/^http/, 'ws')}/graphql`, webSocketImpl: Socket, retryAttempts: 0 });
}

/** The data of a subscription, one by one. Throws what the server or the connection says; `return()` ends it at once. */
export function subscribeOn<Data>(
  client: Client,
  query: string,
  variables: object = {},
  onEnd: () => Promise<void> = () => Promise.resolve(),
): AsyncIterableIterator<Data> {
  const results = client.iterate<Record<string, unknown>>({ query, variables: { ...variables } });
  const end = async (): Promise<IteratorResult<Data>> => {
    await onEnd();
    return { done: true, value: undefined };
  };
  // Not a generator: that would wait for its next item before it ends.
  const iterator: AsyncIterableIterator<Data> = {
    next: async () => {
      const result = await results.next();
      if (result.done === true) return end();
      const { data, errors } = result.value;
      if (errors) throw new Error(errors.map((error) => error.message).join('; '));
      return { done: false, value: data as Data };
    },
    return: async () => {
      await results.return?.();
      return end();
    },
    [Symbol.asyncIterator]: () => iterator,
  };
  return iterator;
}
