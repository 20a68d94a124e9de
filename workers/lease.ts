/**
 * Whether this worker may take itself for alive. Postgres declares it dead when it was silent for the lease; by its own clocks
 * it knows so no later than anybody else, also when it was frozen and wakes up, before it has asked.
 */

export interface Lease {
  isValid(): boolean;
  /** A heartbeat was answered that was sent at this moment. */
  renew(sentAt: Moment): void;
  /** It was declared dead. For good: a new identity has a new lease. */
  end(): void;
}

/** On two clocks: one stands still while the machine sleeps, the other can be set. */
export interface Moment {
  readonly steadyMs: number;
  readonly wallMs: number;
}

export const now = (): Moment => ({ steadyMs: performance.now(), wallMs: Date.now() });

/** From the moment before the worker was registered. */
export function createLease(seconds: number, from: Moment): Lease {
  let renewed: Moment | null = from;
  return {
    isValid: () => {
      if (renewed === null) return false;
      const { steadyMs, wallMs } = now();
      return Math.max(steadyMs - renewed.steadyMs, wallMs - renewed.wallMs) < seconds * 1_000;
    },
    renew: (sentAt) => {
      if (renewed) renewed = sentAt;
    },
    end: () => (renewed = null),
  };
}
