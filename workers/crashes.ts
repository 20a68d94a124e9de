/** How long to wait before a worker process that crashed is replaced: ever longer while they keep crashing. Pure. */

/** Times are milliseconds of any clock that does not go back. */
export interface Crashes {
  /** Crashes one after the other; those of several processes at the same time count as one. */
  readonly inRow: number;
  /** Nothing is started before. */
  readonly restartAt: number;
}

export const NO_CRASHES: Crashes = { inRow: 0, restartAt: -Infinity };

const FIRST_DELAY_MS = 250;
const MAX_DELAY_MS = 30_000;
/** So long without a crash after a start, and the row has ended. */
const QUIET_MS = 60_000;

export function afterCrash({ inRow, restartAt }: Crashes, now: number): Crashes {
  if (now < restartAt) return { inRow, restartAt };
  const next = now - restartAt > QUIET_MS ? 1 : inRow + 1;
  return { inRow: next, restartAt: now + Math.min(FIRST_DELAY_MS * 2 ** (next - 1), MAX_DELAY_MS) };
}
