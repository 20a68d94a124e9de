/** The clocks of an Attempt: a command that passes a limit of its Task is ended. */
import type { TaskSpec } from '../../domain/definitions';
import { MAX_TIMER_MS, watchHeartbeat, type HeartbeatWatch } from './heartbeat';
import type { StopReason } from './stopReason';

export interface LimitWatch {
  /** The command runs: time counts from now. Idempotent. */
  begin(): void;
  /** It has reported that it lives. */
  beat(): void;
  end(): void;
}

/** `heldUpMs`: how long, in all, nobody read what the command had to say. */
export function watchLimits(
  { timeoutSeconds, heartbeatSeconds }: Pick<TaskSpec, 'timeoutSeconds' | 'heartbeatSeconds'>,
  stop: (reason: StopReason) => void,
  heldUpMs: () => number,
): LimitWatch {
  let timer: NodeJS.Timeout | undefined;
  let heartbeat: HeartbeatWatch | undefined;
  let over = false;
  return {
    begin: () => {
      if (timer || over) return;
      // Longer timeouts end with the longest that a timer holds.
      timer = setTimeout(stop, Math.min(timeoutSeconds * 1000, MAX_TIMER_MS), 'TIMEOUT');
      if (heartbeatSeconds !== undefined)
        heartbeat = watchHeartbeat({ seconds: heartbeatSeconds, heldUpMs, onMissed: () => stop('HEARTBEAT') });
    },
    beat: () => heartbeat?.beat(),
    end: () => {
      over = true;
      clearTimeout(timer);
      heartbeat?.end();
    },
  };
}
