/** Progress on its way to the Events: the newest of each StepRun, a few times a second. */
import type { Announcer } from '../src/engine/announcer';
import type { Database } from '../src/store/database';
import { appendProgress, type Progress } from '../src/store/statements/events';

export interface ProgressSink {
  add(progress: Progress): void;
  /** Writes what waits, so that progress never comes after the end of its step. */
  flush(): Promise<void>;
}

const INTERVAL_MS = 100;

export function createProgressSink(
  db: Database,
  announcer: Pick<Announcer, 'committed'>,
  onTrouble: (error: unknown) => void,
): ProgressSink {
  const latest = new Map<string, Progress>();
  let timer: NodeJS.Timeout | null = null;
  let writing: Promise<void> = Promise.resolve();

  const write = async (): Promise<void> => {
    const batch = [...latest.values()];
    latest.clear();
    if (batch.length === 0) return;
    const events = await appendProgress(db, batch);
    if (events.length > 0) announcer.committed({ events, outbox: [] });
  };
  const flush = (): Promise<void> => {
    if (timer) clearTimeout(timer);
    timer = null;
    if (latest.size > 0) writing = writing.then(write).catch(onTrouble);
    return writing;
  };

  return {
    add: (progress) => {
      latest.set(progress.stepRunId, progress);
      timer ??= setTimeout(() => void flush(), INTERVAL_MS);
    },
    flush,
  };
}
