/** Those who use the service while it breaks: they submit, pause, cancel and subscribe, and ask again when they get no answer. */
import { setTimeout as delay } from 'node:timers/promises';
import { connect, post, subscribeOn } from '../../e2e/support/client';
import type { Cluster } from './cluster';
import type { PlannedSubmission } from './schedule';

/** What became of one planned Submission, as its sender saw it. */
export interface Sent {
  readonly planned: PlannedSubmission;
  readonly id: string;
  /** Set when a cancel was answered; `true` when the answer was that it had ended already. */
  cancelled: { readonly tooLate: boolean } | null;
  /** What a subscriber saw, when there was one. */
  seen: readonly SeenEvent[] | null;
}

export interface SeenEvent {
  readonly seq: number;
  readonly type: string;
  readonly state: string | null;
}

const CLIENTS = 12;
const PAUSE_MS = 60;
/** A frozen API gives no answer at all: its callers turn to another. */
const ANSWER_MS = 3_000;
/** A subscriber who hears nothing for this long asks at another API, from where it was. */
const SILENCE_MS = 3_000;

const SUBMIT = `mutation ($input: SubmitJobInput!) {
  submitJob(input: $input) { submission { id } userErrors { code message } }
}`;
const CANCEL = `mutation ($id: ID!) { cancelSubmission(input: { id: $id }) { submission { id } userErrors { message } } }`;
const PAUSE = `mutation ($id: ID!) { pauseSubmission(input: { id: $id }) { submission { id } userErrors { message } } }`;
const UNPAUSE = `mutation ($id: ID!) { unpauseSubmission(input: { id: $id }) { submission { id } userErrors { message } } }`;
const EVENTS = `subscription ($id: ID!, $after: Int) { submissionEvents(id: $id, after: $after) { seq type state } }`;

/** Asks one API after the other until one of them answers. */
async function ask<Data>(cluster: Cluster, query: string, variables: object): Promise<Data> {
  const { apis } = cluster.stepcast;
  for (let attempt = Math.floor(Math.random() * apis.length); ; attempt += 1) {
    const url = apis[attempt % apis.length]?.url ?? '';
    const reply = await post<Data>(url, query, variables, {}, ANSWER_MS).catch(() => null);
    if (reply?.data && !reply.errors) return reply.data;
    await delay(PAUSE_MS);
  }
}

async function submit(cluster: Cluster, planned: PlannedSubmission): Promise<string> {
  const input = {
    job: planned.job,
    inputs: { ledger: cluster.ledger, start: planned.start },
    options: { idempotencyKey: planned.key, priority: planned.priority },
  };
  const { submitJob } = await ask<{ submitJob: { submission: { id: string } | null; userErrors: object[] } }>(
    cluster,
    SUBMIT,
    { input },
  );
  if (!submitJob.submission) throw new Error(`${planned.key} was refused: ${JSON.stringify(submitJob.userErrors)}`);
  return submitJob.submission.id;
}

async function cancel(cluster: Cluster, id: string): Promise<{ tooLate: boolean }> {
  const { cancelSubmission } = await ask<{ cancelSubmission: { userErrors: object[] } }>(cluster, CANCEL, { id });
  return { tooLate: cancelSubmission.userErrors.length > 0 };
}

const ENDED = new Set(['SUCCEEDED', 'FAILED', 'CANCELLED']);

/** Follows a Submission's Events to its end, over as many connections as that takes. */
export async function followEvents(cluster: Cluster, id: string, isOver: () => boolean): Promise<SeenEvent[]> {
  const { apis } = cluster.stepcast;
  const seen: SeenEvent[] = [];
  const hasEnded = (): boolean => {
    const last = seen.at(-1);
    return last?.type === 'SUBMISSION_STATE' && ENDED.has(last.state ?? '');
  };
  for (let attempt = Math.floor(Math.random() * apis.length); !hasEnded() && !isOver(); attempt += 1) {
    const client = connect(apis[attempt % apis.length]?.url ?? '');
    const after = seen.at(-1)?.seq ?? 0;
    const stream = subscribeOn<{ submissionEvents: SeenEvent }>(client, EVENTS, { id, after });
    try {
      for (;;) {
        const next = stream.next();
        next.catch(() => undefined);
        const item = await Promise.race([next, delay(SILENCE_MS, null, { ref: false })]);
        if (!item || item.done === true) break;
        seen.push(item.value.submissionEvents);
      }
    } catch {
      await delay(PAUSE_MS);
    }
    // A frozen API would not answer a polite end.
    client.terminate();
    void client.dispose();
  }
  return seen;
}

/** Sends all of them, a bounded number at a time; `due` says which share of them may have been sent by now. */
export async function sendAll(
  cluster: Cluster,
  planned: readonly PlannedSubmission[],
  options: { readonly due: () => number; readonly isOver: () => boolean },
): Promise<{ readonly sent: Sent[]; readonly followers: Promise<unknown> }> {
  const left = [...planned];
  const sent: Sent[] = [];
  const followers: Promise<unknown>[] = [];
  let begun = 0;
  const client = async (): Promise<void> => {
    for (let one = left.shift(); one; one = left.shift()) {
      begun += 1;
      for (const turn = begun; turn > options.due() * planned.length;) await delay(PAUSE_MS);
      const record: Sent = { planned: one, id: await submit(cluster, one), cancelled: null, seen: null };
      sent.push(record);
      if (one.followed) {
        followers.push(
          followEvents(cluster, record.id, options.isOver).then((seen) => {
            record.seen = seen;
          }),
        );
      }
      if (one.pausedMs !== null) {
        await ask(cluster, PAUSE, { id: record.id });
        await delay(one.pausedMs);
        await ask(cluster, UNPAUSE, { id: record.id });
      }
      if (one.cancelAfterMs !== null) {
        await delay(one.cancelAfterMs);
        record.cancelled = await cancel(cluster, record.id);
      }
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
  return { sent, followers: Promise.all(followers) };
}
