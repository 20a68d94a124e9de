/** Reports of ended Attempts, recorded in batches: while one batch is being written, the next one gathers. */
import { completeAttempts, type AttemptReport, type EngineDependencies } from '../src/engine/complete';

export interface Reporter {
  /** Resolves when the report is recorded (or found to be outdated). */
  report(report: AttemptReport): Promise<void>;
  /** Resolves when nothing is left to record. */
  idle(): Promise<void>;
}

const MAX_BATCH = 200;
const RETRY_MS = [100, 200, 500, 1_000] as const;

interface Waiting {
  readonly report: AttemptReport;
  readonly resolve: () => void;
}

/** Postgres may be away for a while; the reports are kept and tried again until the process ends. */
export function createReporter(engine: EngineDependencies, onTrouble: (error: unknown) => void): Reporter {
  let waiting: Waiting[] = [];
  let running: Promise<void> | null = null;

  const record = async (batch: readonly Waiting[]): Promise<void> => {
    for (let attempt = 0; ; attempt += 1) {
      try {
        await completeAttempts(engine, batch.map((one) => one.report));
        return;
      } catch (error) {
        onTrouble(error);
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS[Math.min(attempt, RETRY_MS.length - 1)]));
      }
    }
  };
  const run = async (): Promise<void> => {
    while (waiting.length > 0) {
      const batch = waiting.slice(0, MAX_BATCH);
      waiting = waiting.slice(MAX_BATCH);
      await record(batch);
      for (const one of batch) one.resolve();
    }
    running = null;
  };

  return {
    report: (report) =>
      new Promise((resolve) => {
        waiting.push({ report, resolve });
        running ??= run();
      }),
    idle: async () => {
      while (running) await running;
    },
  };
}
