/** Keeps reads that many ask for from filling the database: those that wait share one, and it rests in between. */

/** How long a key rests after a read, as a multiple of the time that took. */
const REST = 3;
/** A rest shorter than this is none. */
const MIN_REST_MS = 20;

interface Turn<T> {
  /** The read that those who ask now wait for; null until somebody does. */
  next: Promise<T> | null;
  /** When the next one may start. */
  free: Promise<void>;
}

/**
 * `read`, at most one at a time for each key. Whoever asks while one is under way, or while the key rests, gets the one
 * after it, which is sure to see all that was there when they asked.
 */
export function paced<T>(read: (key: string) => Promise<T>): (key: string) => Promise<T> {
  const turns = new Map<string, Turn<T>>();
  const start = (key: string, turn: Turn<T>): Promise<T> => {
    const began = performance.now();
    const reading = read(key);
    turn.next = null;
    turn.free = reading
      .then(
        () => undefined,
        () => undefined,
      )
      .then(() => rest(REST * (performance.now() - began)))
      .then(() => {
        if (turn.next === null) turns.delete(key);
      });
    return reading;
  };
  return (key) => {
    const turn = turns.get(key);
    if (turn) return (turn.next ??= turn.free.then(() => start(key, turn)));
    const first: Turn<T> = { next: null, free: Promise.resolve() };
    turns.set(key, first);
    return start(key, first);
  };
}

async function rest(ms: number): Promise<void> {
  if (ms >= MIN_REST_MS) await new Promise((resolve) => setTimeout(resolve, ms));
}
