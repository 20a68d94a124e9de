import { createClient, type Client } from 'graphql-ws';
import WebSocket from 'ws';
import { z } from 'zod';
import { CommandError, EXIT } from './commandError';

const CALL_MS = 60_000;
/** A connection that gives no sign of life for this long is taken for lost. */
const PING_MS = 10_000;
const PONG_MS = 5_000;
const MAX_SHOWN_CHARACTERS = 300;

export type Variables = Readonly<Record<string, unknown>>;

/** A Stepcast server as the command sees it. */
export interface Api {
  readonly url: string;
  /** Runs a query or a mutation. Throws CommandError. */
  call<T>(data: z.ZodType<T>, query: string, variables?: Variables): Promise<T>;
  /** One subscription on one connection: ends with the server's last word, throws CommandError, or ConnectionLost. */
  subscribe<T>(data: z.ZodType<T>, query: string, variables: Variables, signal?: AbortSignal): AsyncGenerator<T>;
  close(): Promise<void>;
}

/** The connection of a subscription broke; it can be taken up again. */
export class ConnectionLost extends Error {}

/** One thing that the caller can mend. */
export const UserErrors = z.array(
  z.object({ code: z.string(), message: z.string(), field: z.array(z.string()).default([]) }),
);
export type UserError = z.infer<typeof UserErrors>[number];

const Faults = z.array(z.object({ message: z.string(), extensions: z.object({ code: z.string() }).optional() }));
const Answer = z.object({ data: z.unknown(), errors: Faults.optional() });

/** Nothing is sent yet. */
export function connect(url: string): Api {
  let client: Client | undefined;
  return {
    url,
    call: async (data, query, variables = {}) => data.parse(await post(url, query, variables)),
    subscribe: async function* (data, query, variables, signal) {
      client ??= openSockets(url);
      const items = client.iterate<Record<string, unknown>>({ query, variables });
      const stop = (): void => void items.return?.();
      signal?.addEventListener('abort', stop, { once: true });
      try {
        if (signal?.aborted) return;
        for await (const item of items) {
          if (item.errors) throw faultOf(Faults.parse(item.errors));
          yield data.parse(item.data);
        }
      } catch (thrown) {
        if (thrown instanceof CommandError || thrown instanceof z.ZodError) throw thrown;
        const faults = Faults.safeParse(thrown);
        throw faults.success ? faultOf(faults.data) : new ConnectionLost();
      } finally {
        signal?.removeEventListener('abort', stop);
      }
    },
    close: async () => {
      await client?.dispose();
    },
  };
}

function openSockets(url: string): Client {
  let silent: NodeJS.Timeout | undefined;
  const client = createClient({
    url: `${url.replace(/^http/, 'ws')}/graphql`,
    webSocketImpl: WebSocket,
    // Taking up again is the caller's: only it knows what it has seen.
    retryAttempts: 0,
    keepAlive: PING_MS,
    onNonLazyError: () => undefined,
    on: {
      ping: (received) => {
        if (!received) silent = setTimeout(() => client.terminate(), PONG_MS);
      },
      pong: (received) => {
        if (received) clearTimeout(silent);
      },
      closed: () => clearTimeout(silent),
    },
  });
  return client;
}

async function post(url: string, query: string, variables: Variables): Promise<unknown> {
  let response: Response;
  let text: string;
  try {
    response = await fetch(`${url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query, variables }),
      signal: AbortSignal.timeout(CALL_MS),
    });
    text = await response.text();
  } catch (error) {
    throw unreachable(url, error);
  }
  const answer = Answer.safeParse(parseJson(text));
  if (!answer.success) {
    throw new CommandError(EXIT.unreachable, [
      `What answers on ${url} is not Stepcast (HTTP ${response.status}): name the server with --url or STEPCAST_URL.`,
    ]);
  }
  if (answer.data.errors?.length) throw faultOf(answer.data.errors);
  return answer.data.data;
}

function faultOf(faults: z.infer<typeof Faults>): CommandError {
  const code = faults[0]?.extensions?.code;
  const ofServer = code === 'INTERNAL' || code === 'UNAVAILABLE';
  return new CommandError(
    ofServer ? EXIT.unreachable : EXIT.refused,
    faults.map(({ message }) => message),
  );
}

/** Says that nobody answers, and why. */
export function unreachable(url: string, error: unknown): CommandError {
  return new CommandError(EXIT.unreachable, [
    `No Stepcast server answers on ${url} (${reasonOf(error)}).`,
    'Start one with `npm start`, or name another one with --url or STEPCAST_URL.',
  ]);
}

/** Why a connection failed, in a few words. */
export function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const { code } = cause as NodeJS.ErrnoException;
  switch (code) {
    case 'ECONNREFUSED':
      return 'nothing listens there';
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return 'there is no such host';
    case 'ECONNRESET':
    case 'UND_ERR_SOCKET':
      return 'the connection broke';
    default:
      return cause instanceof Error ? cause.message.slice(0, MAX_SHOWN_CHARACTERS) : 'no reason given';
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The errors of a refused mutation, a line each: `min-length: …`. */
export function refusedBy(errors: readonly UserError[]): CommandError {
  const wrappers = ['input', 'inputs', 'options', 'id'];
  return new CommandError(
    EXIT.refused,
    errors.map(({ message, field }) => {
      const place = field.slice(field.findIndex((part) => !wrappers.includes(part))).join('.');
      const named = field.every((part) => wrappers.includes(part)) || message.includes(place);
      return named ? message : `${place}: ${message}`;
    }),
  );
}
