/** Reports of ended Attempts, recorded in batches: while one batch is being written, the next one gathers. */
import { messageOf } from '../src/domain/errors';
import { completeAttempts, type AttemptReport, type EngineDependencies } from '../src/engine/complete';
import type { OwnedStepRun } from '../src/store/statements/workers';

export interface Reporter {
  /** Resolves when the report is recorded (or found to be outdated). */
  report(report: AttemptReport): Promise<void>;
  /** Resolves when nothing is left to record. */
  idle(): Promise<void>;
}

const MAX_BATCH = 1_000;
const RETRY_MS = [100, 200, 500, 1_000] as const;

interface Waiting {
  readonly report: AttemptReport;
  readonly resolve: () => void;
}

/** Postgres may be away for a while; the reports are kept and tried again until the process ends. */
export function createReporter(engine: EngineDependencies, onTrouble: (error: unknown) => void): Reporter {
  let waiting: Waiting[] = [];
  let running: Promise<void> | null = null;

  const record = async (reports: readonly AttemptReport[]): Promise<void> => {
    for (let attempt = 0; ; attempt += 1) {
      try {
        await completeAttempts(engine, reports);
        return;
      } catch (error) {
        onTrouble(error);
        const [only] = reports;
        if (isRefused(error) && only) {
          // What Postgres will never take must not hold up the others, nor its own step for ever.
          if (reports.length === 1) await record([unstorable(only, error)]);
          else for (const one of reports) await record([one]);
          return;
        }
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS[Math.min(attempt, RETRY_MS.length - 1)]));
      }
    }
  };
  const run = async (): Promise<void> => {
    while (waiting.length > 0) {
      const batch = waiting.slice(0, MAX_BATCH);
      waiting = waiting.slice(MAX_BATCH);
      await record(batch.map((one) => one.report));
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

/** SQLSTATE classes 22 and 23: the data itself is refused, now and at every other try. */
function isRefused(error: unknown): boolean {
  return /^2[23]/.test((error as { code?: string }).code ?? '');
}

function unstorable(report: AttemptReport, error: unknown): AttemptReport {
  return {
    ...report,
    state: 'FAILED',
    failure: 'BAD_OUTPUT',
    retryable: false,
    terminate: false,
    outputs: {},
    exitCode: null,
    signal: null,
    cpuMs: null,
    peakMemoryBytes: null,
    message: `Its result cannot be stored: ${messageOf(error)}.`,
  };
}

/** A report of a failure that nothing is known of yet. */
export function blankReport(work: OwnedStepRun, workerId: string): AttemptReport {
  return {
    stepRunId: work.stepRunId,
    submissionId: work.submissionId,
    attempt: work.attempt,
    workerId,
    state: 'FAILED',
    failure: 'NOT_STARTED',
    retryable: false,
    terminate: false,
    exitCode: null,
    signal: null,
    message: '',
    outputs: {},
    cpuMs: null,
    peakMemoryBytes: null,
  };
}
