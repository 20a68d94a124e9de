/** How often something on a disk is looked at: soon while it changes, ever more rarely while it does not. */

export interface Pace {
  /** Resolves at the next look; all who wait look together. At once, for ever, after `stop`. */
  next(): Promise<void>;
  /** Something has happened: look soon again. */
  quicken(): void;
  stop(): void;
}

export interface PaceBounds {
  readonly firstMs: number;
  readonly slowestMs: number;
}

const GROWTH = 1.3;

export function createPace({ firstMs, slowestMs }: PaceBounds): Pace {
  let delay = firstMs;
  let stopped = false;
  let waiting: { readonly due: Promise<void>; readonly wake: () => void; dueAt: number; timer: NodeJS.Timeout } | null =
    null;

  const arm = (ms: number, wake: () => void): NodeJS.Timeout => setTimeout(wake, ms);
  return {
    next: () => {
      if (stopped) return Promise.resolve();
      if (waiting) return waiting.due;
      let resolve = (): void => {};
      const due = new Promise<void>((settle) => (resolve = settle));
      const wake = (): void => {
        if (waiting) clearTimeout(waiting.timer);
        waiting = null;
        resolve();
      };
      waiting = { due, wake, dueAt: Date.now() + delay, timer: arm(delay, wake) };
      delay = Math.min(slowestMs, delay * GROWTH);
      return due;
    },
    quicken: () => {
      delay = firstMs;
      if (!waiting || waiting.dueAt <= Date.now() + firstMs) return;
      clearTimeout(waiting.timer);
      waiting.dueAt = Date.now() + firstMs;
      waiting.timer = arm(firstMs, waiting.wake);
    },
    stop: () => {
      stopped = true;
      waiting?.wake();
    },
  };
}
