/** The engine's announcements, sent through Redis. */
import type { SubmissionEvent } from '../domain/events';
import { messageOf } from '../domain/errors';
import type { WakeMessage, WakeSender } from './beeQueues';
import type { PubSub } from './pubsub';

/** A wake-up with the outbox row that must be forgotten once it is sent. */
interface OutboxMessage extends WakeMessage {
  readonly outboxId: string;
}

export interface RedisAnnouncer {
  committed(committed: {
    readonly events: readonly SubmissionEvent[];
    readonly outbox: readonly OutboxMessage[];
    /** There is something for the planner. */
    readonly due?: boolean;
  }): void;
  cancelRequested(stepRunIds: readonly string[]): void;
  definitionsChanged(): void;
  /** Resolves when everything announced so far is sent, or given up. */
  flush(): Promise<void>;
}

/** Events larger than this together are not carried by the message: readers fetch them. */
const MAX_CARRIED_EVENTS = 50;

export function createAnnouncer(options: {
  readonly pubsub: PubSub;
  readonly sender: WakeSender;
  /** Removes sent messages from the outbox. */
  readonly forgetSent: (outboxIds: readonly string[]) => Promise<void>;
  readonly onTrouble: (message: string) => void;
}): RedisAnnouncer {
  const { pubsub, sender, forgetSent, onTrouble } = options;
  let pending: OutboxMessage[] = [];
  let sending: Promise<void> | null = null;

  const drain = async (): Promise<void> => {
    // Whatever gathers while one batch is on its way goes with the next one.
    while (pending.length > 0) {
      const batch = pending;
      pending = [];
      try {
        await sender.send(batch);
        await forgetSent(batch.map((message) => message.outboxId));
      } catch (error) {
        onTrouble(`wake-ups stay in the outbox: ${messageOf(error)}`);
      }
    }
    sending = null;
  };

  return {
    committed: ({ events, outbox, due }) => {
      for (const [submissionId, own] of groupBySubmission(events)) {
        const carried = own.length <= MAX_CARRIED_EVENTS ? own : [];
        pubsub.publish(`events:${submissionId}`, JSON.stringify(carried));
      }
      if (events.length > 0) pubsub.publish('activity', '');
      if (due === true) pubsub.publish('plan', '');
      if (outbox.length > 0) {
        pending.push(...outbox);
        sending ??= drain();
      }
    },
    cancelRequested: (stepRunIds) => pubsub.publish('control', JSON.stringify({ cancel: stepRunIds })),
    definitionsChanged: () => pubsub.publish('definitions', ''),
    flush: async () => {
      await sending;
    },
  };
}

function groupBySubmission(events: readonly SubmissionEvent[]): Map<string, SubmissionEvent[]> {
  const groups = new Map<string, SubmissionEvent[]>();
  for (const event of events) {
    const group = groups.get(event.submissionId);
    if (group) group.push(event);
    else groups.set(event.submissionId, [event]);
  }
  return groups;
}
