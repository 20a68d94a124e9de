/** One Attempt on this worker: from what was claimed to the report of how it ended. */
import type { RunningAttempt } from '../src/backends/backend';
import type { BackendHost } from '../src/backends/host';
import type { PubSub } from '../src/delivery/pubsub';
import { StepcastError } from '../src/domain/errors';
import type { Work } from '../src/engine/claim';
import type { AttemptReport } from '../src/engine/complete';
import type { ReuseDecision } from '../src/engine/reuse';
import type { Database } from '../src/store/database';
import { openAttemptLog } from './attemptLog';
import type { ProgressSink } from './progress';
import { blankReport } from './reports';
import { unrunReport } from './reuse';

export interface RunWorkOptions {
  readonly db: Database;
  readonly pubsub: PubSub;
  readonly maxLogBytes: number;
  readonly progress: ProgressSink;
  /** What runs Attempts now; another one after the worker took a new identity. */
  readonly host: () => BackendHost;
  /** Nothing is begun any more. */
  readonly stopping: () => boolean;
  /** Told when its command is being started. */
  readonly onStarted: (work: Work, attempt: RunningAttempt) => void;
  readonly trouble: (what: string) => (error: unknown) => void;
}

/** Makes the function that runs Works. It rejects for faults of the worker's own machine. */
export function createRunWork(
  options: RunWorkOptions,
): (work: Work, owner: string, decision: ReuseDecision) => Promise<AttemptReport> {
  const { db, pubsub, maxLogBytes, progress, trouble } = options;
  return async (work, owner, decision) => {
    const log = { db, pubsub, maxBytes: maxLogBytes, onTrouble: trouble('storing a log') };
    const attemptLog = openAttemptLog(log, work.stepRunId, work.attempt);
    if (options.stopping()) return { ...blankReport(work, owner), state: 'CANCELLED', message: 'It had not begun.' };
    if (work.problems.length > 0) return { ...blankReport(work, owner), message: work.problems.join(' ') };
    if (decision.kind !== 'run') {
      const report = unrunReport(work, owner, decision);
      if (decision.kind === 'take') attemptLog.note(report.message);
      await attemptLog.close();
      return report;
    }
    if (decision.note !== '') attemptLog.note(decision.note);
    const { backend } = work;
    if (!backend) throw new StepcastError('INTERNAL', `Task ${work.task.name} runs on no backend`);
    const { stepRunId, submissionId, attempt: number, task, values, resources } = work;
    const attempt = options.host().start(
      { stepRunId, attempt: number, task, backend, values, resources },
      {
        log: (stream, bytes) => attemptLog.write(stream, bytes),
        progress: (percent, message) => progress.add({ submissionId, stepRunId, attempt: number, percent, message }),
        note: (message) => attemptLog.note(message),
      },
    );
    options.onStarted(work, attempt);
    const outcome = await attempt.outcome;
    await Promise.all([attemptLog.close(), progress.flush()]);
    return { ...blankReport(work, owner), ...outcome };
  };
}
