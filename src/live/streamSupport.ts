/** Small parts that every live stream needs: what to undo at its end, and patience with Postgres. */

/** What is to be undone when a stream ends; undone at once when it has ended already. */
export interface Stops {
  add(stop: () => void): void;
  run(): void;
}

export function collectStops(): Stops {
  let pending: (() => void)[] | null = [];
  return {
    add: (stop) => {
      if (pending) pending.push(stop);
      else stop();
    },
    run: () => {
      const all = pending ?? [];
      pending = null;
      for (const stop of all) stop();
    },
  };
}

const READ_RETRY_MS = 500;
const MAX_READ_TRIES = 120;

/** Reads again while Postgres restarts: a subscription outlives it, for a minute. */
export async function retryRead<T>(read: () => Promise<T>, stopped: () => boolean): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await read();
    } catch (error) {
      if (attempt >= MAX_READ_TRIES || stopped()) throw error;
      await new Promise((resolve) => setTimeout(resolve, READ_RETRY_MS));
    }
  }
}
