/**
 * Redis pub/sub on two connections per process, however many listeners it has. It only wakes: whoever misses a message
 * finds the same facts in Postgres.
 */
import { createClient } from 'redis';
import { messageOf } from '../domain/errors';

export type Channel = 'activity' | 'control' | 'definitions' | 'plan' | 'wake' | `events:${string}` | `log:${string}`;

export interface PubSub {
  /** Fire and forget. */
  publish(channel: Channel, message: string): void;
  /**
   * Resolves when Redis has acknowledged, or has not within a second: then it listens as soon as Redis is back. Returns
   * how to stop.
   */
  subscribe(channel: Channel, listener: (message: string) => void): Promise<() => void>;
  isReady(): boolean;
  close(): Promise<void>;
}

const MAX_RECONNECT_MS = 1_000;
/** Work that only wants to be woken does not wait longer for Redis. */
const ACKNOWLEDGE_MS = 1_000;
/** A connection on which nothing comes back for this long, not even the answer to a ping, is replaced. */
const SILENCE_MS = 15_000;
const PINGS_PER_SILENCE = 3;
/** Messages that Redis has not answered yet; what is published beyond them is left out, and found in Postgres. */
const MAX_UNANSWERED = 10_000;

export async function openPubSub(
  redisUrl: string,
  onTrouble: (message: string) => void = () => undefined,
  { silenceMs = SILENCE_MS, maxUnanswered = MAX_UNANSWERED } = {},
): Promise<PubSub> {
  const socket = {
    reconnectStrategy: (tries: number) => Math.min(50 * 2 ** Math.min(tries, 6), MAX_RECONNECT_MS),
    socketTimeout: silenceMs,
  };
  const pingInterval = silenceMs / PINGS_PER_SILENCE;
  // Without an offline queue a publish fails at once while Redis is away, instead of piling up.
  const publisher = createClient({ url: redisUrl, socket, pingInterval, disableOfflineQueue: true });
  const subscriber = createClient({ url: redisUrl, socket, pingInterval });
  // Pub/sub ignores Redis' database numbers; two services on one Redis must not hear each other.
  const database = new URL(redisUrl).pathname.replace('/', '') || '0';
  const nameOf = (channel: Channel): string => `stepcast:${database}:${channel}`;
  for (const client of [publisher, subscriber]) client.on('error', (error: unknown) => onTrouble(messageOf(error)));
  // Redis may be down at the start: connecting goes on in the background, and work goes on without it.
  void publisher.connect().catch((error: unknown) => onTrouble(messageOf(error)));
  void subscriber.connect().catch((error: unknown) => onTrouble(messageOf(error)));

  interface Entry {
    readonly all: Set<(message: string) => void>;
    readonly deliver: (message: string) => void;
    readonly ready: Promise<void>;
  }
  const listeners = new Map<string, Entry>();

  let unanswered = 0;

  return {
    publish: (channel, message) => {
      // The bound also lets a dead connection fall silent: what is written on it would count as life.
      if (!publisher.isReady || unanswered >= maxUnanswered) return;
      unanswered += 1;
      publisher
        .publish(nameOf(channel), message)
        .catch(() => undefined)
        .finally(() => {
          unanswered -= 1;
        });
    },
    subscribe: async (channel, listener) => {
      const name = nameOf(channel);
      let entry = listeners.get(name);
      if (!entry) {
        const all = new Set<(message: string) => void>();
        const deliver = (message: string): void => {
          for (const one of all) one(message);
        };
        // A second listener must wait for the same acknowledgement as the first.
        entry = { all, deliver, ready: subscriber.subscribe(name, deliver).catch(() => undefined) };
        listeners.set(name, entry);
      }
      entry.all.add(listener);
      const { all, deliver, ready } = entry;
      const stop = (): void => {
        all.delete(listener);
        if (all.size > 0 || listeners.get(name)?.all !== all) return;
        listeners.delete(name);
        // With its listener: else the answer would take away one that has subscribed in the meantime, too.
        subscriber.unsubscribe(name, deliver).catch(() => undefined);
      };
      await within(ACKNOWLEDGE_MS, ready);
      return stop;
    },
    isReady: () => publisher.isReady && subscriber.isReady,
    close: async () => {
      await Promise.all([publisher, subscriber].map((client) => Promise.resolve(client.destroy())));
    },
  };
}

async function within(milliseconds: number, work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  await Promise.race([work, new Promise<void>((resolve) => (timer = setTimeout(resolve, milliseconds)))]);
  clearTimeout(timer);
}
