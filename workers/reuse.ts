/** A worker's part in doing equal work once: it asks before it starts a process, and tells when one has ended. */
import type { AttemptReport, EngineDependencies } from '../src/engine/complete';
import { endsEarly } from '../src/domain/fingerprint';
import type { Work } from '../src/engine/claim';
import {
  decideReuse,
  RUN,
  runName,
  takesPart,
  workEnded,
  type ReuseDecision,
  type WorkAfter,
} from '../src/engine/reuse';
import { repeated } from './repeated';
import { blankReport } from './reports';

export interface Reuse {
  /** Calls `begin` once for each Work, at once where there is nothing to decide. */
  decide(works: readonly Work[], begin: (work: Work, decision: ReuseDecision) => void): void;
  /** The end of a Work that ran is recorded. */
  ended(decision: ReuseDecision): void;
}

export function createReuse(options: {
  readonly engine: EngineDependencies;
  readonly enabled: boolean;
  readonly keep: (sha256: string) => Promise<boolean>;
  readonly trouble: (what: string) => (error: unknown) => void;
}): Reuse {
  const { engine, enabled, keep, trouble } = options;
  let over: WorkAfter[] = [];
  const tell = repeated(async () => {
    const batch = over;
    over = [];
    await workEnded(engine, batch);
    return over.length > 0;
  }, trouble('waking steps that wait for equal work'));

  return {
    decide: (works, begin) => {
      const asked = works.filter((work) => takesPart({ enabled }, work));
      for (const work of works) if (!asked.includes(work)) begin(work, RUN);
      if (asked.length === 0) return;
      void decideReuse({ ...engine, enabled, keep }, asked)
        .catch((error: unknown): ReadonlyMap<Work, ReuseDecision> => {
          // Doing work twice is better than not at all.
          trouble('looking for equal work')(error);
          return new Map();
        })
        .then((decisions) => asked.forEach((work) => begin(work, decisions.get(work) ?? RUN)));
    },
    ended: (decision) => {
      if (decision.kind !== 'run' || decision.after === null) return;
      over.push(decision.after);
      tell();
    },
  };
}

/** The report of a Work that does not run. */
export function unrunReport(
  work: Work,
  workerId: string,
  decision: Exclude<ReuseDecision, { kind: 'run' }>,
): AttemptReport {
  const blank = blankReport(work, workerId);
  if (decision.kind === 'wait') {
    const { message, fingerprint } = decision;
    return { ...blank, state: 'CANCELLED', failure: null, message, reuse: { kind: 'waits', fingerprint } };
  }
  const { from } = decision;
  return {
    ...blank,
    state: 'SUCCEEDED',
    failure: null,
    exitCode: from.exitCode,
    outputs: from.outputs,
    terminate: endsEarly(work.task, from.exitCode, from.outputs),
    message: `Reused: ${runName(from, work)} did the same work.`,
    reuse: { kind: 'taken', fromStepRunId: from.stepRunId },
  };
}
