import type { Stepcast } from './stepcast';
import { eventually } from './wait';

/** A subscription that outlives its connections. */
export interface Following<Item> {
  readonly seen: Item[];
  /** Connections so far. */
  connections(): number;
  /** Waits until so many more have come than there are now. */
  more(count: number): Promise<void>;
  /** Ends the connection; the next one follows at once. */
  reconnect(): Promise<void>;
  /** Ends for good; an endless stream needs it. */
  stop(): Promise<void>;
  /** Settles when the stream has come to its end. */
  readonly finished: Promise<void>;
}

/** A client as it should be: it connects again and goes on after the last item it has. */
export function follow<Item>(
  stepcast: Stepcast,
  query: string,
  variablesAfter: (last: Item | undefined) => object,
): Following<Item> {
  const seen: Item[] = [];
  let connections = 0;
  let broken = false;
  let stopped = false;
  let current: AsyncIterableIterator<Record<string, Item>> | undefined;
  let wanted: AsyncIterableIterator<Record<string, Item>> | undefined;
  const run = async (): Promise<void> => {
    while (!stopped) {
      broken = false;
      connections += 1;
      current = stepcast.subscribe<Record<string, Item>>(query, variablesAfter(seen.at(-1)));
      try {
        for await (const data of current) {
          const [item] = Object.values(data);
          if (item !== undefined) seen.push(item);
          if (stopped || wanted === current) break;
        }
      } catch {
        broken = true;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      if (!broken && wanted !== current) return;
    }
  };
  const finished = run();
  return {
    seen,
    connections: () => connections,
    more: async (count) => {
      const goal = seen.length + count;
      await eventually(`${count} more items`, () => seen.length >= goal);
    },
    reconnect: async () => {
      const before = connections;
      wanted = current;
      await eventually('a new connection', () => connections > before);
    },
    stop: async () => {
      stopped = true;
      await current?.return?.();
      await finished;
    },
    finished,
  };
}
