/** Why steps wait, for all steps that one operation asks about in one go. */
import { needsOf, waitReasons, type Usage } from '../../src/domain/admit';
import { whyNobodyRuns } from '../../src/domain/backendHealth';
import { INLINE_QUEUE } from '../../src/domain/compileJob';
import { priorityOf } from '../../src/domain/states';
import type { Database } from '../../src/store/database';
import { limitUsage } from '../../src/store/statements/limits';
import { queuePauses, type QueuePause } from '../../src/store/statements/pause';
import { backendViewOf } from '../workers/views';

/** A ready step as it stands in its queue. */
export interface WaitingStep {
  readonly queue: string;
  readonly priority: number;
  readonly held: boolean;
  readonly lane: string;
}

interface Now {
  readonly pauses: readonly QueuePause[];
  readonly usage: ReadonlyMap<string, Usage>;
}

const asked = new WeakMap<Database, { readonly keys: Set<string>; readonly now: Promise<Now> }>();

/** What is asked for in the same turn is read together. */
function nowOf(db: Database, keys: readonly string[]): Promise<Now> {
  let one = asked.get(db);
  if (!one) {
    const all = new Set<string>();
    const now = new Promise<void>((resolve) => setImmediate(resolve)).then(async (): Promise<Now> => {
      asked.delete(db);
      const [pauses, usage] = await Promise.all([queuePauses(db), limitUsage(db, [...all])]);
      return { pauses, usage };
    });
    one = { keys: all, now };
    asked.set(db, one);
  }
  for (const key of keys) one.keys.add(key);
  return one.now;
}

/** One sentence for each reason; none when the step only waits for its turn. */
export async function waitsFor(db: Database, step: WaitingStep): Promise<string[]> {
  const needs = needsOf(step.lane);
  const [{ pauses, usage }, view] = await Promise.all([nowOf(db, Object.keys(needs)), backendViewOf(db, step.queue)]);
  // What workers compute themselves needs any of them, and no engine.
  const nobody = step.queue === INLINE_QUEUE && view.alive > 0 ? null : whyNobodyRuns(step.queue, view);
  const pause = pauses.find((one) => one.queue === step.queue && one.priority === step.priority);
  return [
    ...(step.held ? ['The submission is paused'] : []),
    ...(pause ? [`${step.queue} is paused at priority ${priorityOf(pause.priority)}: ${pause.reason}`] : []),
    ...(nobody === null ? [] : [nobody]),
    ...waitReasons(needs, usage),
  ];
}
