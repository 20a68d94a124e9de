/** Runs a clean-up now and then while there is reason to, and never at the cost of the work itself. */
import { messageOf } from '../../domain/errors';

export interface Janitor {
  /** There may be something to clean up. Cheap; may be called as often as things end. */
  due(): void;
  /** Cancels what is planned and waits for what runs. */
  stop(): Promise<void>;
}

/** From the first reason to the clean-up, in milliseconds: one serves all that ends meanwhile. */
const DELAY_MS = 1000;
/** A clean-up that takes long, on a machine with many processes, comes more rarely: it may use 1/50 of the time. */
const SHARE_OF_TIME = 50;

/** Faults of the clean-up are told to `log` and stop nothing. */
export function createJanitor(cleanUp: () => Promise<void>, log?: (message: string) => void): Janitor {
  let timer: NodeJS.Timeout | undefined;
  let active: Promise<void> | undefined;
  let again = false;
  let stopped = false;
  let delayMs = DELAY_MS;

  const run = async (): Promise<void> => {
    const started = performance.now();
    try {
      await cleanUp();
    } catch (error) {
      log?.(`The clean-up after commands failed: ${messageOf(error)}`);
    }
    delayMs = Math.max(DELAY_MS, (performance.now() - started) * SHARE_OF_TIME);
    active = undefined;
    if (again) due();
  };

  const due = (): void => {
    if (stopped || timer) return;
    if (active) {
      again = true;
      return;
    }
    again = false;
    timer = setTimeout(() => {
      timer = undefined;
      active = run();
    }, delayMs);
    timer.unref();
  };

  return {
    due,
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await active;
    },
  };
}
