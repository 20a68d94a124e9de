/**
 * Live streams of one API process. Each begins with what is stored, and goes on with what comes: in order, none missing,
 * none twice. Redis only wakes it; a timer looks in Postgres for what Redis may have lost.
 */
import { z } from 'zod';
import type { Channel, PubSub } from '../delivery/pubsub';
import type { SubmissionEvent } from '../domain/events';
import { isFinalStepRun, isFinalSubmission, type StepRunState, type SubmissionState } from '../domain/states';
import type { Database } from '../store/database';
import {
  activityAfter,
  activityEnd,
  eventsAfter,
  latestSeqs,
  type ActivityCursor,
  type ActivityEvent,
} from '../store/statements/events';
import { logAfter, type LogChunk } from '../store/statements/logs';
import { createPullStream, type PullStream } from './pullStream';
import { collectStops, retryRead, type Stops } from './streamSupport';

export interface LiveHub {
  /** Events with a number above `after`. Ends after the Event that ends the Submission. */
  submissionEvents(submissionId: string, after: number): Promise<AsyncIterableIterator<SubmissionEvent>>;
  /** A tick with the newest Event number, now and whenever it grew; several changes may become one tick. */
  submissionChanges(submissionId: string): Promise<AsyncIterableIterator<number>>;
  /** Log bytes from offset `after`. Ends when the StepRun has ended and everything is read. */
  stepLog(stepRunId: string, after: number): Promise<AsyncIterableIterator<LogChunk>>;
  /** Events of all Submissions after the cursor, or from now on. Never ends by itself. */
  activity(after: ActivityCursor | null): Promise<AsyncIterableIterator<ActivityEvent>>;
  /** How many streams are open. */
  size(): number;
  close(): void;
}

const POLL_MS = 1_000;
/** The activity stream waits for transactions that are still open; it looks again soon after each wake-up. */
const ACTIVITY_RETRY_MS = [30, 200] as const;
const LOG_PAGE = 4;

const carriedEvents = z.array(
  z.custom<SubmissionEvent>((value) => typeof value === 'object' && value !== null && 'seq' in value),
);

export function createLiveHub(options: {
  readonly db: Database;
  readonly pubsub: PubSub;
  readonly bufferLimit: number;
}): LiveHub {
  const { db, pubsub, bufferLimit } = options;
  const pageLimit = Math.min(bufferLimit, 200);
  const open = new Set<{ readonly wake: () => void }>();
  const watched = new Map<string, Set<{ readonly seq: () => number; readonly wake: () => void }>>();
  let closed = false;
  let polling = false;

  const poll = async (): Promise<void> => {
    if (polling || closed) return;
    polling = true;
    try {
      const ids = [...watched.keys()];
      const found = new Map(ids.length > 0 ? (await latestSeqs(db, ids)).map((row) => [row.id, row.seq]) : []);
      for (const [id, streams] of watched) {
        const seq = found.get(id);
        for (const stream of streams) if (seq === undefined || seq > stream.seq()) stream.wake();
      }
    } catch {
      // Postgres is away for a moment: the streams wait, and the next poll looks again.
    } finally {
      polling = false;
    }
  };
  const timer = setInterval(() => void poll(), POLL_MS);
  timer.unref();

  const watch = (id: string, entry: { seq: () => number; wake: () => void }): (() => void) => {
    const streams = watched.get(id) ?? new Set();
    streams.add(entry);
    watched.set(id, streams);
    return () => {
      streams.delete(entry);
      if (streams.size === 0 && watched.get(id) === streams) watched.delete(id);
    };
  };

  const track = <T>(build: (release: () => void) => PullStream<T>, stops: Stops): PullStream<T> => {
    const stream = build(() => {
      open.delete(entry);
      stops.run();
    });
    const entry = { wake: stream.wake };
    open.add(entry);
    return stream;
  };

  /**
   * Listens without waiting for Redis: replay begins at once, and goes on by polling while Redis is away. What came
   * before Redis acknowledged is read then.
   */
  const listen = (
    channel: Channel,
    stream: { wake(): void },
    stops: Stops,
    onMessage: (message: string) => void,
  ): void => {
    void pubsub.subscribe(channel, onMessage).then((stop) => {
      stops.add(stop);
      stream.wake();
    });
  };

  // Thousands of streams of one Submission get the same message, one after the other: it is parsed once.
  let lastMessage = { text: '', events: [] as readonly SubmissionEvent[] };
  const parsed = (text: string): readonly SubmissionEvent[] => {
    if (lastMessage.text !== text) {
      lastMessage = { text, events: carriedEvents.safeParse(parseJson(text)).data ?? [] };
    }
    return lastMessage.events;
  };

  const submissionEvents: LiveHub['submissionEvents'] = async (submissionId, after) => {
    let read = after;
    const ends = (event: SubmissionEvent): boolean =>
      event.type === 'SUBMISSION_STATE' && event.state !== null && isFinalSubmission(event.state as SubmissionState);
    const stops = collectStops();
    const stream = track<SubmissionEvent>(
      (release) =>
        createPullStream(
          {
            read: async () => {
              const items = await retryRead(
                () => eventsAfter(db, submissionId, read, pageLimit),
                () => closed,
              );
              read = items.at(-1)?.seq ?? read;
              const last = items.at(-1);
              // An end may be that of an earlier generation: the Submission was resumed.
              const done = (!last || ends(last)) && (await isOver(submissionId, read));
              return { items, more: items.length === pageLimit, done };
            },
            release,
          },
          bufferLimit,
        ),
      stops,
    );
    stops.add(watch(submissionId, { seq: () => read, wake: stream.wake }));
    listen(`events:${submissionId}`, stream, stops, (message) => {
      const events = parsed(message);
      const fresh = events.filter((event) => event.seq > read);
      const [first] = fresh;
      if (events.length > 0 && !first) return;
      const last = fresh.at(-1);
      if (!first || !last || first.seq !== read + 1 || !stream.isLive() || !stream.push(fresh, ends(last))) {
        stream.wake();
        return;
      }
      read = last.seq;
    });
    if (closed) await stream.iterator.return?.();
    return stream.iterator;
  };

  /** True when nothing can follow `seq`: the Submission has ended or is gone. */
  const isOver = async (submissionId: string, seq: number): Promise<boolean> => {
    const rows = await db.query<{ state: SubmissionState; seq: number }>(
      { name: 'submission-state', text: `select state, event_seq as seq from submission where id = $1` },
      [submissionId],
    );
    const row = rows[0];
    return !row || (isFinalSubmission(row.state) && row.seq <= seq);
  };

  const submissionChanges: LiveHub['submissionChanges'] = async (submissionId) => {
    let seen = -1;
    const stops = collectStops();
    const stream = track<number>(
      (release) =>
        createPullStream(
          {
            read: async () => {
              const rows = await retryRead(
                () =>
                  db.query<{ state: SubmissionState; seq: number }>(
                    { name: 'submission-state', text: `select state, event_seq as seq from submission where id = $1` },
                    [submissionId],
                  ),
                () => closed,
              );
              const row = rows[0];
              if (!row) return { items: [], more: false, done: true };
              const items = row.seq > seen ? [row.seq] : [];
              seen = row.seq;
              return { items, more: false, done: isFinalSubmission(row.state) };
            },
            release,
          },
          1,
        ),
      stops,
    );
    stops.add(watch(submissionId, { seq: () => seen, wake: stream.wake }));
    listen(`events:${submissionId}`, stream, stops, () => stream.wake());
    return stream.iterator;
  };

  const stepLog: LiveHub['stepLog'] = async (stepRunId, after) => {
    let offset = after;
    const stops = collectStops();
    const stream = track<LogChunk>(
      (release) =>
        createPullStream(
          {
            read: async () => {
              // The state first: what was written before the end is then certainly seen by the read that follows.
              const [chunks, ended] = await retryRead(
                async () => {
                  const rows = await db.query<{ state: StepRunState }>(
                    { name: 'step-run-state', text: `select state from step_run where id = $1` },
                    [stepRunId],
                  );
                  const state = rows[0]?.state;
                  return [await logAfter(db, stepRunId, offset, LOG_PAGE), !state || isFinalStepRun(state)] as const;
                },
                () => closed,
              );
              const last = chunks.at(-1);
              if (last) offset = last.startByte + last.data.length;
              const more = chunks.length === LOG_PAGE;
              return { items: chunks, more, done: ended && !more };
            },
            release,
          },
          LOG_PAGE,
        ),
      stops,
    );
    const ticker = setInterval(() => stream.wake(), POLL_MS);
    ticker.unref();
    stops.add(() => clearInterval(ticker));
    listen(`log:${stepRunId}`, stream, stops, () => stream.wake());
    return stream.iterator;
  };

  const activity: LiveHub['activity'] = async (after) => {
    const stops = collectStops();
    let cursor: ActivityCursor = after ?? (await activityEnd(db));
    const stream = track<ActivityEvent>(
      (release) =>
        createPullStream(
          {
            read: async () => {
              const from = cursor;
              const items = await retryRead(
                () => activityAfter(db, from, pageLimit),
                () => closed,
              );
              cursor = items.at(-1)?.cursor ?? from;
              return { items, more: items.length === pageLimit, done: false };
            },
            release,
          },
          bufferLimit,
        ),
      stops,
    );
    const ticker = setInterval(() => stream.wake(), POLL_MS);
    ticker.unref();
    const timers = new Set<NodeJS.Timeout>();
    stops.add(() => {
      clearInterval(ticker);
      for (const one of timers) clearTimeout(one);
    });
    listen('activity', stream, stops, () => {
      stream.wake();
      if (timers.size > 0) return;
      for (const delay of ACTIVITY_RETRY_MS) {
        const one: NodeJS.Timeout = setTimeout(() => {
          timers.delete(one);
          stream.wake();
        }, delay);
        timers.add(one);
      }
    });
    return stream.iterator;
  };

  return {
    submissionEvents,
    submissionChanges,
    stepLog,
    activity,
    size: () => open.size,
    close: () => {
      closed = true;
      clearInterval(timer);
    },
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
