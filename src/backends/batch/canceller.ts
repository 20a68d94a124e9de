/** Cancels jobs: those of the same moment with one command, and again until the scheduler has heard it. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Commander } from './commander';
import { jobKey, type Dialect, type NativeJob } from './dialect';

export interface Canceller {
  /** Resolves when the scheduler was told, or has not answered for longer than the Backend is patient. */
  cancel(job: NativeJob): Promise<void>;
  /** Tells the scheduler of what waits, once; resolves when that is done. */
  close(): Promise<void>;
}

export interface CancellerRequest {
  readonly dialect: Pick<Dialect<never>, 'cancel' | 'readFault' | 'title'>;
  readonly commander: Pick<Commander, 'run'>;
  readonly patienceSeconds: number;
  readonly log: (message: string) => void;
}

/** How long the first waits for others, in milliseconds. */
const GATHER_MS = 50;
const MAX_AT_ONCE = 1_000;
const FIRST_RETRY_MS = 1_000;
const SLOWEST_RETRY_MS = 30_000;

interface Waiting {
  readonly job: NativeJob;
  readonly done: () => void;
}

export function createCanceller({ dialect, commander, patienceSeconds, log }: CancellerRequest): Canceller {
  const waiting = new Map<string, Waiting>();
  const told = new Map<string, Promise<void>>();
  let running: Promise<void> | null = null;
  const closing = new AbortController();

  async function run(): Promise<void> {
    await delay(GATHER_MS);
    const giveUpAt = Date.now() + patienceSeconds * 1000;
    let retryMs = FIRST_RETRY_MS;
    while (waiting.size > 0) {
      const batch = [...waiting.entries()].slice(0, MAX_AT_ONCE);
      const answer = await commander.run(dialect.cancel(batch.map(([, { job }]) => job)));
      const gone = answer.code === null || (answer.code !== 0 && dialect.readFault(answer.stderr) === 'gone');
      if (!gone || closing.signal.aborted || Date.now() > giveUpAt) {
        if (gone) log(`${batch.length} ${dialect.title} jobs could not be cancelled: ${answer.stderr.trim()}`);
        for (const [key, { done }] of batch) {
          waiting.delete(key);
          done();
        }
        continue;
      }
      await delay(retryMs, undefined, { signal: closing.signal }).catch(() => {});
      retryMs = Math.min(SLOWEST_RETRY_MS, retryMs * 2);
    }
  }

  const start = (): void => {
    running ??= run().finally(() => {
      running = null;
      if (waiting.size > 0) start();
    });
  };

  return {
    cancel: (job) => {
      const key = jobKey(job);
      const known = told.get(key);
      if (known) return known;
      const promise = new Promise<void>((done) => waiting.set(key, { job, done })).finally(() => told.delete(key));
      told.set(key, promise);
      start();
      return promise;
    },
    close: async () => {
      closing.abort();
      await running;
    },
  };
}
