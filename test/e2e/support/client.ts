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

/** One operation over HTTP. Errors are part of the reply. */
export async function post<Data>(
  url: string,
  query: string,
  variables: object = {},
  headers: Readonly<Record<string, string>> = {},
): Promise<Reply<Data>> {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ query, variables }),
  });
  const body = (await response.json()) as Omit<Reply<Data>, 'status'>;
  return { ...body, status: response.status };
}

/** A client over WebSocket that dials once and never again. */
export function connect(url: string, headers: Readonly<Record<string, string>> = {}): Client {
  class Socket extends WebSocket {
    constructor(address: string | URL, protocols?: string | string[]) {
      super(address, protocols, { headers });
    }
  }
  return createClient({ url: `${url.replace(/^http/, 'ws')}/graphql`, webSocketImpl: Socket, retryAttempts: 0 });
}

/** The data of a subscription, one by one. Throws what the server or the connection says. `return()` lets it go. */
export function subscribeOn<Data>(client: Client, query: string, variables: object = {}): AsyncGenerator<Data> {
  const results = client.iterate<Data>({ query, variables: { ...variables } });
  async function* data(): AsyncGenerator<Data> {
    for await (const { data: found, errors } of results) {
      if (errors) throw new Error(errors.map((error) => error.message).join('; '));
      if (found) yield found as Data;
    }
  }
  return data();
}
