/** Why steps wait, for all steps that one operation asks about in one go. */
import { needsOf, waitReasons, type Usage } from '../../src/domain/admit';
import { priorityOf } from '../../src/domain/states';
import type { Database } from '../../src/store/database';
import { limitUsage } from '../../src/store/statements/limits';
import { queuePauses, type QueuePause } from '../../src/store/statements/pause';

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
  const { pauses, usage } = await nowOf(db, Object.keys(needs));
  const pause = pauses.find((one) => one.queue === step.queue && one.priority === step.priority);
  return [
    ...(step.held ? ['The submission is paused'] : []),
    ...(pause ? [`${step.queue} is paused at priority ${priorityOf(pause.priority)}: ${pause.reason}`] : []),
    ...waitReasons(needs, usage),
  ];
}
