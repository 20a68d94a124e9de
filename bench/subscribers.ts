/**
 * Many subscribers of one Submission, in a process of their own. Started by `fanout.ts` with a URL, a Submission, and how
 * many connections with how many subscriptions each. Tells its parent when all have their first Event, and when an Event
 * has reached the last of them.
 */
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';
import { EVENTS, type SubmissionEvent } from './api';

export type Message =
  | { readonly kind: 'ready' }
  /** The Event has reached all; times are milliseconds of the wall clock. */
  | { readonly kind: 'all'; readonly seq: number; readonly at: number; readonly first: number; readonly last: number };

/** So many connections are opened at a time. */
const OPENING = 50;

function main([url = '', id = '', connections = '0', perConnection = '0']: readonly string[]): void {
  const total = Number(connections) * Number(perConnection);
  const tell = (message: Message): void => void process.send?.(message);
  const arrived = new Map<number, { count: number; first: number }>();
  let subscribed = 0;
  let opened = 0;

  const onEvent = (event: SubmissionEvent): void => {
    const now = performance.timeOrigin + performance.now();
    const entry = arrived.get(event.seq) ?? { count: 0, first: now };
    entry.count += 1;
    arrived.set(event.seq, entry);
    if (entry.count === total)
      tell({ kind: 'all', seq: event.seq, at: Date.parse(event.at), first: entry.first, last: now });
    if (event.seq !== 1) return;
    subscribed += 1;
    if (subscribed % Number(perConnection) === 0) openNext();
    if (subscribed === total) tell({ kind: 'ready' });
  };
  const fail = (error: unknown): void => {
    console.error(error);
    process.exit(1);
  };
  const openNext = (): void => {
    if (opened >= Number(connections)) return;
    opened += 1;
    const client = createClient({ url, webSocketImpl: WebSocket, lazy: false, retryAttempts: 0 });
    for (let index = 0; index < Number(perConnection); index += 1) {
      client.subscribe<{ submissionEvents: SubmissionEvent }>(
        { query: EVENTS, variables: { id } },
        {
          next: (result) => (result.data ? onEvent(result.data.submissionEvents) : fail(result.errors)),
          error: fail,
          complete: () => undefined,
        },
      );
    }
  };
  process.once('disconnect', () => process.exit(0));
  for (let index = 0; index < OPENING; index += 1) openNext();
}

main(process.argv.slice(2));
