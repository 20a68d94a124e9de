/** What must hold beside the database's own invariants: what senders, subscribers, steps and the disk saw. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { keyOf } from '../../e2e/support/stepcast';
import { EXPECTED } from './jobs';
import { readLedger } from './ledger';
import type { Sent } from './actors';
import type { Cluster } from './cluster';
import { INVARIANTS } from './invariants';

/** Exceptions shown of one sentence. */
const MAX_SHOWN = 5;

/** Reasons to fail that the faults themselves give, beside those of the job. */
const INJECTED = [/its worker died 3 times/i];

function broken(sentence: string, exceptions: readonly unknown[]): string[] {
  if (exceptions.length === 0) return [];
  const shown = exceptions.slice(0, MAX_SHOWN).map((one) => `    ${JSON.stringify(one)}`);
  return [`${sentence}: ${exceptions.length} exceptions\n${shown.join('\n')}`];
}

export async function verifyDatabase({ stepcast }: Cluster): Promise<string[]> {
  const found = await Promise.all(
    INVARIANTS.map(async ({ sentence, exceptions }) => broken(sentence, await stepcast.sql(exceptions))),
  );
  return found.flat();
}

interface Row {
  readonly id: string;
  readonly key: string;
  readonly state: string;
  readonly message: string;
  readonly outputs: { readonly value?: number | null } | null;
}

/** Each Submission is there once, and ended as its job, its cancel and nothing else say. */
export async function verifySubmissions({ stepcast }: Cluster, sent: readonly Sent[]): Promise<string[]> {
  const rows = await stepcast.sql<Row>(
    `select id, idempotency_key as key, state, message, outputs from submission where idempotency_key is not null`,
  );
  const byKey = new Map(rows.map((row) => [row.key, row]));
  const wrong = sent.flatMap(({ planned, id, cancelled }): unknown[] => {
    const row = byKey.get(planned.key);
    if (row?.id !== keyOf(id)) return [{ key: planned.key, accepted: keyOf(id), stored: row?.id }];
    const { state, value } = EXPECTED[planned.job];
    const mayBeCancelled = planned.cancelAfterMs !== null;
    if (cancelled && !cancelled.tooLate && row.state !== 'CANCELLED' && row.state !== state) return [{ planned, row }];
    if (row.state === 'CANCELLED') return mayBeCancelled ? [] : [{ planned, row }];
    if (row.state === 'FAILED' && INJECTED.some((reason) => reason.test(row.message))) return [];
    if (row.state !== state) return [{ planned, row }];
    return (row.outputs?.value ?? null) === value(planned.start) ? [] : [{ planned, row }];
  });
  return [
    ...broken('each submission that was accepted is stored once and ends as it should', wrong),
    ...broken(
      'nothing is stored that nobody sent',
      rows.filter((row) => !sent.some(({ planned }) => planned.key === row.key)),
    ),
  ];
}

/** Subscribers saw every Event, once, in order, and the same ones that are stored. */
export async function verifySeen({ stepcast }: Cluster, sent: readonly Sent[]): Promise<string[]> {
  const followed = sent.filter(({ seen }) => seen !== null);
  const rows = await stepcast.sql<{ id: string; events: string[] }>(
    `select submission_id as id, array_agg(concat_ws(' ', seq, type, state) order by seq) as events from event
     where submission_id = any($1::bigint[]) group by submission_id`,
    [followed.map(({ id }) => keyOf(id))],
  );
  const stored = new Map(rows.map((row) => [row.id, row.events.join('\n')]));
  const wrong = followed.filter(({ id, seen }) => {
    const lines = (seen ?? []).map(({ seq, type, state }) => [seq, type, ...(state === null ? [] : [state])].join(' '));
    return lines.join('\n') !== stored.get(keyOf(id));
  });
  return broken(
    'a subscriber sees each event once, in order, to the end',
    wrong.map(({ planned, id, seen }) => ({ ...planned, id: keyOf(id), seen: seen?.map(({ seq }) => seq) })),
  );
}

/** What the steps wrote down agrees with what counts. */
export async function verifyEffects({ stepcast, ledger }: Cluster): Promise<string[]> {
  const { starts, ends } = await readLedger(ledger);
  const attempts = await stepcast.sql<{ key: string; state: string }>(
    `select step_run_id || '.' || number as key, state from attempt`,
  );
  const known = new Map(attempts.map(({ key, state }) => [key, state]));
  const succeeded = await stepcast.sql<{ key: string }>(
    `select id || '.' || attempt as key from step_run where state = 'SUCCEEDED' and exit_code = 0`,
  );
  return [
    ...broken(
      'no attempt runs twice',
      [...starts].filter(([, count]) => count !== 1),
    ),
    ...broken(
      'nothing runs that the database knows nothing of',
      [...starts.keys()].filter((key) => !known.has(key)),
    ),
    ...broken(
      'an attempt that succeeded ran to its end, once',
      succeeded.filter(({ key }) => ends.get(key) !== 1),
    ),
  ];
}

/** Every content that a row names is there, whole. */
export async function verifyContents({ stepcast }: Cluster): Promise<string[]> {
  const rows = await stepcast.sql<{ sha256: string }>('select distinct sha256 from artifact');
  const wrong: string[] = [];
  for (const { sha256 } of rows) {
    const file = path.join(stepcast.home, 'artifacts', 'sha256', sha256.slice(0, 2), sha256.slice(2));
    const hash = createHash('sha256');
    const whole = await pipeline(createReadStream(file), hash).then(
      () => hash.digest('hex') === sha256,
      () => false,
    );
    if (!whole) wrong.push(sha256);
  }
  return broken('every content that is named is in the store, whole', wrong);
}

/** No directory of an Attempt is left, and no folder of a worker that is gone. */
export async function verifyFolders({ stepcast, nodes }: Cluster): Promise<string[]> {
  const left: string[] = [];
  let folders = 0;
  for (const work of ['work', path.join('small', 'work')].map((name) => path.join(stepcast.home, name))) {
    for (const folder of await readdir(work)) {
      folders += 1;
      left.push(...(await readdir(path.join(work, folder))).map((name) => path.join(folder, name)));
    }
  }
  const living = nodes.filter((node) => node.kind === 'worker').length;
  return [
    ...broken('no directory of an attempt is left behind', left),
    ...broken('no folder of a dead worker is left behind', folders > living ? [{ folders, living }] : []),
  ];
}
