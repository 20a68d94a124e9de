/** Finds out that a command hangs: it must report something at least every so often. */

/** A timer that comes so late was held up by this process, and the reports with it. In milliseconds. */
const HELD_UP_MS = 1_000;

/** Node's timers hold no more: 24 days. */
export const MAX_TIMER_MS = 2 ** 31 - 1;

export interface HeartbeatWatch {
  /** The command has reported. */
  beat(): void;
  end(): void;
}

export interface HeartbeatOptions {
  readonly seconds: number;
  /** Milliseconds, in all, in which nobody read what the command had to say: they do not count against it. */
  readonly heldUpMs: () => number;
  readonly onMissed: () => void;
}

/** Calls `onMissed` once, when no report came for so long. */
export function watchHeartbeat({ seconds, heldUpMs, onMissed }: HeartbeatOptions): HeartbeatWatch {
  const periodMs = seconds * 1_000;
  const listened = (): number => performance.now() - heldUpMs();
  let last = listened();
  let timer: NodeJS.Timeout;
  const arm = (): void => {
    const waitMs = Math.min(MAX_TIMER_MS, Math.max(1, last + periodMs - listened()));
    timer = setTimeout(look, waitMs, performance.now() + waitMs);
  };
  const look = (expectedAt: number): void => {
    if (performance.now() - expectedAt > HELD_UP_MS) last = listened();
    if (listened() - last >= periodMs) onMissed();
    else arm();
  };
  arm();
  return {
    beat: () => {
      last = listened();
    },
    end: () => clearTimeout(timer),
  };
}
