/**
 * Bee-Queue as a doorbell: a message says that a queue has work, never which worker gets it. It may be lost, doubled or
 * late without harm, because workers take work from Postgres by rank and look there by themselves now and then.
 */
import BeeQueue from 'bee-queue';
import { StepcastError } from '../domain/errors';
import type { Priority } from '../domain/states';
import { PRIORITIES, priorityOf } from '../domain/states';

export interface WakeMessage {
  readonly queue: string;
  readonly priority: number;
  readonly stepRunId: string;
  readonly attempt: number;
}

type Payload = Pick<WakeMessage, 'stepRunId' | 'attempt'>;

/** One Bee-Queue queue per backend and priority. */
export const beeQueueName = (queue: string, priority: Priority): string =>
  `stepcast-${queue}-${priority.toLowerCase()}`;

/** Messages a receiver handles at once; each takes no time, so a few are plenty. */
const RECEIVER_CONCURRENCY = 10;
/** How often messages of dead receivers are put back; they are only doorbells, so seldom is enough. */
const STALL_CHECK_MS = 30_000;
const RECONNECT_MS = 1_000;
/** A receiver hears nothing for hours when there is no work: probes keep what lies between from forgetting it. */
const KEEP_ALIVE_MS = 30_000;
/** A sender that has waited this long for Redis gives up: the outbox still has the message. */
const SEND_TIMEOUT_MS = 5_000;
const CLOSE_TIMEOUT_MS = 500;

function open(name: string, redisUrl: string, isWorker: boolean, onError: (error: Error) => void): BeeQueue<Payload> {
  const queue = new BeeQueue<Payload>(name, {
    // Options, never a client: Bee-Queue knows only its own version of the redis library.
    redis: {
      url: redisUrl,
      socket_initial_delay: KEEP_ALIVE_MS,
      retry_strategy: ({ attempt }: { attempt: number }) => Math.min(attempt * 100, RECONNECT_MS),
    },
    getEvents: false,
    sendEvents: false,
    storeJobs: false,
    removeOnSuccess: true,
    removeOnFailure: true,
    isWorker,
  });
  queue.on('error', onError);
  queue.ready().catch(onError);
  return queue;
}

export interface WakeSender {
  /** Rejects when Redis does not take the messages; they are still in the outbox then. */
  send(messages: readonly WakeMessage[]): Promise<void>;
  close(): Promise<void>;
}

export function createWakeSender(redisUrl: string, timeoutMs = SEND_TIMEOUT_MS): WakeSender {
  const queues = new Map<string, BeeQueue<Payload>>();
  const queueFor = (name: string): BeeQueue<Payload> => {
    const known = queues.get(name);
    if (known) return known;
    const opened = open(name, redisUrl, false, () => undefined);
    queues.set(name, opened);
    return opened;
  };
  const forget = (name: string, queue: BeeQueue<Payload>): void => {
    queues.delete(name);
    queue.close(CLOSE_TIMEOUT_MS).catch(() => undefined);
  };
  const sendTo = async (name: string, payloads: readonly Payload[]): Promise<void> => {
    const queue = queueFor(name);
    const ready = queue.ready().catch((error: unknown) => {
      forget(name, queue);
      throw error;
    });
    // One that is still connecting is kept: Bee-Queue cannot close it, and each new one would go on trying as well.
    await withTimeout(ready, timeoutMs);
    try {
      await withTimeout(saveAll(queue, payloads), timeoutMs);
    } catch (error) {
      // A restarted Redis has forgotten Bee-Queue's scripts (NOSCRIPT); a new queue loads them again.
      forget(name, queue);
      throw error;
    }
  };
  return {
    send: async (messages) => {
      const byQueue = new Map<string, Payload[]>();
      for (const { queue, priority, stepRunId, attempt } of messages) {
        const name = beeQueueName(queue, priorityOf(priority));
        byQueue.set(name, [...(byQueue.get(name) ?? []), { stepRunId, attempt }]);
      }
      for (const [name, payloads] of byQueue) {
        await sendTo(name, payloads).catch((error: unknown) => {
          if (error instanceof StepcastError) throw error;
          return sendTo(name, payloads);
        });
      }
    },
    close: async () => {
      await Promise.all([...queues.values()].map((queue) => queue.close(CLOSE_TIMEOUT_MS).catch(() => undefined)));
    },
  };
}

async function saveAll(queue: BeeQueue<Payload>, payloads: readonly Payload[]): Promise<void> {
  const [first] = payloads;
  if (payloads.length === 1 && first) {
    await queue.createJob(first).save();
    return;
  }
  const failures = await queue.saveAll(payloads.map((payload) => queue.createJob(payload)));
  const [failure] = failures.values();
  if (failure) throw failure;
}

async function withTimeout<T>(work: Promise<T>, milliseconds: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(
      () => reject(new StepcastError('UNAVAILABLE', `Redis took no message within ${milliseconds} ms.`)),
      milliseconds,
    );
  });
  try {
    return await Promise.race([work, timeout]);
  } finally {
    clearTimeout(timer);
  }
}

export interface WakeReceiver {
  close(): Promise<void>;
}

/** Calls `onWake` for each message of the queues, at all priorities, and reconnects for ever. */
export function createWakeReceiver(redisUrl: string, queues: readonly string[], onWake: () => void): WakeReceiver {
  let closed = false;
  const receivers = queues.flatMap((queue) =>
    PRIORITIES.map((priority) => keepReceiving(redisUrl, beeQueueName(queue, priority), onWake, () => closed)),
  );
  return {
    close: async () => {
      closed = true;
      await Promise.all(receivers.map((receiver) => receiver.close()));
    },
  };
}

function keepReceiving(redisUrl: string, name: string, onWake: () => void, isClosed: () => boolean): WakeReceiver {
  let queue: BeeQueue<Payload>;
  let timer: NodeJS.Timeout | undefined;
  let replacing = false;
  const replace = (): void => {
    if (replacing || isClosed()) return;
    replacing = true;
    clearInterval(timer);
    queue.close(CLOSE_TIMEOUT_MS).catch(() => undefined);
    setTimeout(() => {
      replacing = false;
      if (!isClosed()) start();
    }, RECONNECT_MS);
  };
  const start = (): void => {
    queue = open(name, redisUrl, true, replace);
    queue.process(RECEIVER_CONCURRENCY, () => {
      onWake();
      return Promise.resolve();
    });
    timer = setInterval(() => {
      withTimeout(queue.checkStalledJobs(), SEND_TIMEOUT_MS).catch(replace);
    }, STALL_CHECK_MS);
  };
  start();
  return {
    close: async () => {
      clearInterval(timer);
      await queue.close(CLOSE_TIMEOUT_MS).catch(() => undefined);
    },
  };
}
