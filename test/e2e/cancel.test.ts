/** A cancel reaches whatever there is of a Submission, wherever it is, also when the one who took the call is gone. */
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { isAlive } from '../../src/embedded';
import { GATED_JOBS, makeGate, type Gate } from './support/gate';
import { keyOf, startStepcast, type Stepcast } from './support/stepcast';
import { eventually } from './support/wait';

const JOBS = `
task: family
description: Starts children in its group, in a session of their own, and behind a parent that has gone.
shell: true
command: |
  echo "$$ parent" >> "$gate/ran"
  sh -c 'echo "$$ child" >> "$0/ran"; exec sleep 300' "$gate" &
  setsid sh -c 'echo "$$ session" >> "$0/ran"; exec sleep 300' "$gate" &
  (setsid sh -c 'sh -c "echo \\$\\$ orphan >> $0/ran; exec sleep 300" & ' "$gate" &)
  trap '' TERM
  wait
parameters: { gate: { type: string } }
---
task: try-later
shell: true
command: |
  echo "$$ 1" >> "$gate/ran"
  exit 75
parameters: { gate: { type: string } }
exit-codes: { temporary: [75] }
retry: { attempts: 3, initial-delay: 1h, max-delay: 1h }
---
task: write
shell: true
command: echo "of $STEPCAST_ATTEMPT" > "$written"
outputs: { written: '*.written' }
---
job: family
inputs: { gate: string }
steps: { family: { task: family, in: { gate: gate } } }
---
job: try-later
inputs: { gate: string }
steps: { later: { task: try-later, in: { gate: gate } } }
---
job: write-and-hold
inputs: { gate: string }
steps:
  write: { task: write }
  family: { task: family, in: { gate: gate }, after: [write] }
`;
const CANCEL = `mutation ($id: ID!) {
  cancelSubmission(input: { id: $id, reason: "changed my mind" }) { submission { state } userErrors { message } }
}`;

const CLOCK_AHEAD = 'const now = Date.now; Date.now = () => now() + 3600000;';

let stepcast: Stepcast;
const gates: Gate[] = [];

beforeAll(async () => {
  stepcast = await startStepcast({ apis: 2, env: { STEPCAST_CONCURRENCY: '1' } });
  await stepcast.define(`${GATED_JOBS}---${JOBS}`);
}, 60_000);
afterEach(async () => {
  for (const gate of gates) await gate.open();
});
afterAll(async () => {
  await stepcast.stop();
  await Promise.all(gates.map((gate) => gate.remove()));
}, 30_000);

async function newGate(): Promise<Gate> {
  const gate = await makeGate();
  gates.push(gate);
  return gate;
}

async function stepState(id: string): Promise<string | undefined> {
  const rows = await stepcast.sql<{ state: string }>('select state from step_run where submission_id = $1', [
    keyOf(id),
  ]);
  return rows[0]?.state;
}

async function runFamily(job: string): Promise<{ id: string; pids: number[] }> {
  const gate = await newGate();
  const id = await stepcast.submit(job, { gate: gate.folder });
  const runs = await gate.untilRuns(4);
  expect(runs.map(([, who]) => who).sort()).toEqual(['child', 'orphan', 'parent', 'session']);
  const pids = runs.map(([pid]) => Number(pid));
  expect(pids.every(isAlive)).toBe(true);
  return { id, pids };
}

test('a cancel ends a command, with children that left its group, its session and their parent', async () => {
  const { id, pids } = await runFamily('family');
  const { cancelSubmission } = await stepcast.gql<{ cancelSubmission: { submission: { state: string } } }>(CANCEL, {
    id,
  });
  expect(cancelSubmission.submission.state).toMatch(/CANCELL/);
  await eventually('all are gone', () => !pids.some(isAlive));
  await stepcast.untilState(id, ['CANCELLED']);
  expect(await stepState(id)).toBe('CANCELLED');
});

test('it does so when both APIs are killed right after the call', async () => {
  const { id, pids } = await runFamily('family');
  await stepcast.reply(CANCEL, { id }, 1);
  await Promise.all(stepcast.apis.map((api) => api.end('SIGKILL')));
  await eventually('all are gone', () => !pids.some(isAlive));
  await stepcast.untilState(id, ['CANCELLED']);
  await Promise.all(stepcast.apis.map((api) => api.restart()));
});

test('a cancel that was only written down is found by the worker itself', async () => {
  const { id, pids } = await runFamily('family');
  // As a process leaves it that committed a cancel and died before it told anyone.
  await stepcast.sql(
    `with s as (update submission set state = 'CANCELLING', ending = 'CANCELLED' where id = $1)
     update step_run set cancel_requested = true where submission_id = $1`,
    [keyOf(id)],
  );
  await eventually('all are gone', () => !pids.some(isAlive));
  await stepcast.untilState(id, ['CANCELLED']);
});

test('what waits in a queue never starts', async () => {
  const [front, behind] = [await newGate(), await newGate()];
  const first = await stepcast.submit('hold', { gate: front.folder });
  await front.untilRuns(1);
  const id = await stepcast.submit('hold', { gate: behind.folder });
  expect(await stepState(id)).toBe('QUEUED');
  await stepcast.gql(CANCEL, { id });
  expect(await stepcast.untilState(id, ['CANCELLED'])).toBe('CANCELLED');
  await front.open();
  await stepcast.untilState(first, ['SUCCEEDED']);
  expect(await behind.runs()).toEqual([]);
  const again = await stepcast.gql<{ cancelSubmission: { userErrors: { message: string }[] } }>(CANCEL, { id: first });
  expect(again.cancelSubmission.userErrors).toEqual([{ message: 'It has ended already, as SUCCEEDED.' }]);
});

test('what waits for its next try is not tried again', async () => {
  const gate = await newGate();
  const id = await stepcast.submit('try-later', { gate: gate.folder });
  await eventually('it waits for its next try', async () => (await stepState(id)) === 'RETRYING');
  await stepcast.gql(CANCEL, { id });
  await stepcast.untilState(id, ['CANCELLED']);
  expect(await stepState(id)).toBe('CANCELLED');
  expect(await gate.runs()).toHaveLength(1);
});

test('a whole batch is cancelled in one call', async () => {
  const gate = await newGate();
  const { submitBatch } = await stepcast.gql<{ submitBatch: { submissions: { id: string }[] } }>(
    `mutation ($items: [SubmitJobInput!]!) { submitBatch(input: { items: $items }) { submissions { id } } }`,
    { items: [1, 2, 3].map(() => ({ job: 'hold', inputs: { gate: gate.folder } })) },
  );
  const ids = submitBatch.submissions.map(({ id }) => id);
  expect(ids).toHaveLength(3);
  const [run] = await gate.untilRuns(1);
  await stepcast.gql(
    `mutation { ${ids.map((id, at) => `c${at}: cancelSubmission(input: { id: "${id}" }) { submission { id } }`).join(' ')} }`,
  );
  await Promise.all(ids.map((id) => stepcast.untilState(id, ['CANCELLED'])));
  await eventually('its command is gone', () => !isAlive(Number(run?.[0])));
  expect(await gate.runs()).toHaveLength(1);
});

test('deleting what runs ends its processes and removes its rows and its files', async () => {
  const { id, pids } = await runFamily('write-and-hold');
  const key = keyOf(id);
  const [artifact] = await stepcast.sql<{ sha256: string }>('select sha256 from artifact where submission_id = $1', [
    key,
  ]);
  const steps = (await stepcast.sql<{ id: string }>('select id from step_run where submission_id = $1', [key])).map(
    (row) => row.id,
  );
  const file = await findFile(path.join(stepcast.home, 'artifacts'), artifact?.sha256 ?? 'none');
  // What was stored this minute is spared, because the same content may just be coming in again: so a clock runs ahead.
  await Promise.all(stepcast.apis.map((api) => api.end('SIGTERM')));
  await stepcast.apis[0]?.restart({ NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(CLOCK_AHEAD)}` });
  const { deleteSubmission } = await stepcast.gql<{ deleteSubmission: { deletedId: string } }>(
    `mutation ($id: ID!) { deleteSubmission(input: { id: $id }) { deletedId userErrors { message } } }`,
    { id },
  );
  expect(deleteSubmission.deletedId).toBe(id);
  await eventually('all are gone', () => !pids.some(isAlive));
  await eventually('its file is gone', () => !existsSync(file));
  for (const [table, column, values] of [
    ['submission', 'id', [key]],
    ['event', 'submission_id', [key]],
    ['artifact', 'submission_id', [key]],
    ['step_run', 'submission_id', [key]],
    ['attempt', 'step_run_id', steps],
    ['log_chunk', 'step_run_id', steps],
  ] as const) {
    expect(await stepcast.sql(`select from ${table} where ${column} = any($1::bigint[])`, [values])).toEqual([]);
  }
  const { errors } = await stepcast.reply(`query ($id: ID!) { submission(id: $id) { state } }`, { id });
  expect(errors?.[0]?.extensions).toMatchObject({ code: 'NOT_FOUND' });
});

async function findFile(folder: string, sha256: string): Promise<string> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const found = entries.find(
    (entry) => entry.isFile() && path.join(entry.parentPath, entry.name).replaceAll(path.sep, '').includes(sha256),
  );
  if (!found) throw new Error(`no file of ${sha256}`);
  return path.join(found.parentPath, found.name);
}
