/**
 * Gives up connections that have become silent. A firewall, a NAT or a failover may forget a connection without telling
 * either side: a statement sent on it is answered by nobody, and TCP itself takes a quarter of an hour to find out.
 */
import type { Socket } from 'node:net';
import { StepcastError } from '../domain/errors';

export interface SilenceLimit {
  /** Ends the connection of this client of `pg` when nothing is heard on it for the time; idle ones end with it. */
  watch(client: unknown): void;
  /** While `work` runs, each connection may be silent for this long: a migration takes its time. */
  relaxedDuring<T>(relaxedMs: number, work: () => Promise<T>): Promise<T>;
}

export function createSilenceLimit(milliseconds: number): SilenceLimit {
  const streams = new Set<Socket>();
  let limit = milliseconds;
  const setLimit = (next: number): void => {
    limit = next;
    for (const stream of streams) stream.setTimeout(limit);
  };
  return {
    watch: (client) => {
      // After the handshake: with TLS this is the socket inside of it, and hears what the outer one no longer does.
      const { stream } = (client as { readonly connection: { readonly stream: Socket } }).connection;
      streams.add(stream);
      stream.once('close', () => streams.delete(stream));
      stream.on('timeout', () => {
        stream.destroy(new StepcastError('UNAVAILABLE', `Postgres was silent for ${limit / 1_000} s.`));
      });
      stream.setTimeout(limit);
    },
    relaxedDuring: async (relaxedMs, work) => {
      setLimit(relaxedMs);
      try {
        return await work();
      } finally {
        setLimit(milliseconds);
      }
    },
  };
}
