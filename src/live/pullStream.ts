/**
 * A stream that reads on when it is woken. What it has not delivered it does not keep, beyond one bounded buffer: a slow
 * consumer falls behind and catches up from the source, in order, without loss.
 */
export interface PullSource<T> {
  /** The next items after what was read before; fewer than a full page means that there are no more for now. */
  read(): Promise<{ readonly items: readonly T[]; readonly more: boolean; readonly done: boolean }>;
  /** Called once, when the stream ends for whatever reason. */
  release(): void;
}

export interface PullStream<T> {
  readonly iterator: AsyncIterableIterator<T>;
  /** There may be something new at the source. */
  wake(): void;
  /** Hands over items that follow the last buffered one; false when the buffer is full and the source must be read. */
  push(items: readonly T[], done: boolean): boolean;
  /** True while nothing is being read: only then may items be pushed. */
  isLive(): boolean;
}

export function createPullStream<T>(source: PullSource<T>, bufferLimit: number): PullStream<T> {
  let buffer: T[] = [];
  let dirty = true;
  let reading = false;
  let finished = false;
  let released = false;
  let wakeUp: (() => void) | null = null;

  const release = (): void => {
    if (released) return;
    released = true;
    source.release();
  };
  const signal = (): void => {
    wakeUp?.();
    wakeUp = null;
  };
  const fill = async (): Promise<void> => {
    dirty = false;
    reading = true;
    try {
      const { items, more, done } = await source.read();
      if (released) return;
      buffer = [...buffer, ...items];
      if (more) dirty = true;
      if (done) finished = true;
    } finally {
      reading = false;
    }
  };
  const next = async (): Promise<IteratorResult<T>> => {
    try {
      for (;;) {
        if (released) return { done: true, value: undefined };
        const [item] = buffer;
        if (buffer.length > 0) {
          buffer.shift();
          return { done: false, value: item as T };
        }
        if (finished) {
          release();
          return { done: true, value: undefined };
        }
        if (dirty) await fill();
        else
          await new Promise<void>((resolve) => {
            wakeUp = resolve;
          });
      }
    } catch (error) {
      release();
      throw error;
    }
  };

  // Written by hand: an async generator that waits would hold its subscription until the next item came.
  const iterator: AsyncIterableIterator<T> = {
    next,
    return: () => {
      release();
      buffer = [];
      signal();
      return Promise.resolve({ done: true, value: undefined });
    },
    throw: (error: unknown) => {
      release();
      buffer = [];
      signal();
      return Promise.reject(error instanceof Error ? error : new Error(String(error)));
    },
    [Symbol.asyncIterator]: () => iterator,
  };

  return {
    iterator,
    wake: () => {
      dirty = true;
      signal();
    },
    push: (items, done) => {
      if (buffer.length + items.length > bufferLimit) {
        dirty = true;
        signal();
        return false;
      }
      buffer.push(...items);
      if (done) finished = true;
      signal();
      return true;
    },
    isLive: () => !reading && !dirty && !released,
  };
}
