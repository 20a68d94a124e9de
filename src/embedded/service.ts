/** A service that runs below our home folder. */
export interface EmbeddedService {
  /** Where to reach it, with the password. Never print it. */
  readonly url: string;
  readonly pid: number;
  /**
   * Shuts it down cleanly, and less so after `withinMs` (nothing committed is lost); one that another living process
   * of ours started is left alone.
   */
  stop(withinMs?: number): Promise<void>;
  /** Settles when it ends, for whatever reason; absent when it was adopted. */
  readonly exited?: Promise<void>;
}

export interface EmbeddedOptions {
  /** The folder that holds all data; the service makes a folder of its own in it. */
  readonly home: string;
  /** Gets the service's own output and a few lines of ours. */
  readonly log: (line: string) => void;
}

/** Runs the action at the first call; later calls wait for the same end. */
export function once(action: (withinMs?: number) => Promise<void>): (withinMs?: number) => Promise<void> {
  let running: Promise<void> | undefined;
  return (withinMs) => (running ??= action(withinMs));
}
