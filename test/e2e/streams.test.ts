/** What a subscriber gets is what happened: all of it, in order, once, whatever restarts in between. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { WebSocket } from 'ws';
import { follow, type Following } from './support/follow';
import { makeGate, type Gate } from './support/gate';
import { startRedis, type PrivateRedis } from './support/privateRedis';
import { keyOf, startStepcast, type Stepcast } from './support/stepcast';
import { eventually } from './support/wait';

const JOBS = `
task: chatter
description: Reports progress until the gate opens.
shell: true
command: |
  i=0
  while [ ! -e "$gate/open" ]; do
    i=$((i + 1))
    echo "::progress $((i % 100)) line $i"
    sleep 0.02
  done
parameters: { gate: { type: string } }
---
task: noise
description: Writes any bytes until the gate opens, and keeps a copy of them.
shell: true
command: |
  while [ ! -e "$gate/open" ]; do
    head -c 3001 /dev/urandom | tee -a "$gate/copy"
    sleep 0.02
  done
parameters: { gate: { type: string } }
---
task: flood
shell: true
command: head -c 14000000 /dev/zero | tr '\\0' x
---
task: quick
command: echo quick
---
jobs:
  chatter:
    inputs: { gate: string }
    steps:
      one: { task: chatter, in: { gate: gate } }
      two: { task: chatter, in: { gate: gate } }
      three: { task: quick, after: [one, two] }
      four: { task: quick, after: [three] }
  noise:
    inputs: { gate: string }
    steps: { noise: { task: noise, in: { gate: gate } } }
  flood:
    steps: { flood: { task: flood } }
  quick:
    steps: { quick: { task: quick } }
`;
const EVENTS = `subscription ($id: ID!, $after: Int) {
  submissionEvents(id: $id, after: $after) { submissionId seq type state stepName attempt percent message }
}`;
const ACTIVITY = `subscription ($after: String) {
  activity(after: $after) { cursor event { submissionId seq type state stepName attempt percent message } }
}`;
const LOG = `subscription ($id: ID!, $after: Float) {
  stepLog(stepRunId: $id, after: $after) { offset nextOffset stream base64 }
}`;

interface SeenEvent {
  readonly submissionId: string;
  readonly seq: number;
  readonly type: string;
}

jest.setTimeout(60_000);

let redis: PrivateRedis;
let stepcast: Stepcast;
let gate: Gate;

beforeAll(async () => {
  redis = await startRedis();
  stepcast = await startStepcast({ redisUrl: redis.url });
  await stepcast.define(JOBS);
});
beforeEach(async () => {
  gate = await makeGate();
});
afterEach(async () => {
  await gate.open();
  await gate.remove();
});
afterAll(async () => {
  await stepcast.stop();
  await redis.remove();
});

/** Kills and restarts one after the other while items flow. */
async function shake(following: Following<unknown>): Promise<void> {
  await following.more(20);
  await stepcast.apis[0]?.end('SIGKILL');
  await stepcast.apis[0]?.restart();
  await following.more(20);
  expect(following.connections()).toBeGreaterThanOrEqual(2);
  await redis.kill();
  await following.more(5);
  await redis.restart();
  await following.more(20);
  const before = following.connections();
  await following.reconnect();
  await following.more(20);
  expect(following.connections()).toBeGreaterThan(before);
}

const EVENT_ROWS = `select seq, type, state, step_name as "stepName", attempt, percent, message from event`;

test('submissionEvents: replayed, then live, through a killed API, a killed Redis and a new connection', async () => {
  const id = await stepcast.submit('chatter', { gate: gate.folder });
  const following = follow<SeenEvent>(stepcast, EVENTS, (last) => ({ id, after: last?.seq ?? 0 }));
  await shake(following);
  await gate.open();
  await following.finished;
  const rows = await stepcast.sql(`${EVENT_ROWS} where submission_id = $1 order by seq`, [keyOf(id)]);
  expect(rows.length).toBeGreaterThan(90);
  expect(following.seen).toEqual(rows.map((row) => ({ ...row, submissionId: id })));
  // Who comes late gets the same, and is told that it is over.
  const late: unknown[] = [];
  for await (const { submissionEvents } of stepcast.subscribe<{ submissionEvents: unknown }>(EVENTS, { id }))
    late.push(submissionEvents);
  expect(late).toEqual(following.seen);
});

test('activity: the events of all, by cursor, through the same', async () => {
  const following = follow<{ cursor: string; event: SeenEvent }>(stepcast, ACTIVITY, (last) => ({
    after: last?.cursor,
  }));
  const early: string[] = [];
  while (following.seen.length === 0) {
    early.push(await stepcast.submit('quick'));
    await stepcast.untilState(early.at(-1) ?? '', ['SUCCEEDED']);
  }
  const ids = await Promise.all([1, 2].map(() => stepcast.submit('chatter', { gate: gate.folder })));
  await shake(following);
  await gate.open();
  await Promise.all(ids.map((id) => stepcast.untilState(id, ['SUCCEEDED'])));
  const rows = await stepcast.sql<{ submissionId: string; seq: number }>(
    `select submission_id as "submissionId", seq from event where submission_id = any($1::bigint[])
     order by tx, submission_id, seq`,
    [ids.map(keyOf)],
  );
  const own = (): SeenEvent[] =>
    following.seen.map(({ event }) => event).filter(({ submissionId }) => ids.includes(submissionId));
  await eventually('all have come', () => own().length >= rows.length);
  // Nothing follows: what came twice would have come by now, before the events of one more.
  const last = await stepcast.submit('quick');
  await eventually('the last has come', () =>
    following.seen.some(({ event }) => event.submissionId === last && event.type === 'SUBMISSION_STATE'),
  );
  await following.stop();
  expect(own().map(({ submissionId, seq }) => ({ submissionId: keyOf(submissionId), seq }))).toEqual(rows);
  expect(new Set(following.seen.map(({ cursor }) => cursor)).size).toBe(following.seen.length);
});

test('stepLog: the bytes that the command wrote, by offset, through the same', async () => {
  const id = await stepcast.submit('noise', { gate: gate.folder });
  const { submission } = await stepcast.gql<{ submission: { steps: { nodes: { id: string }[] } } }>(
    `query ($id: ID!) { submission(id: $id) { steps { nodes { id } } } }`,
    { id },
  );
  const stepRunId = submission.steps.nodes[0]?.id;
  const following = follow<{ offset: number; nextOffset: number; stream: string; base64: string }>(
    stepcast,
    LOG,
    (last) => ({
      id: stepRunId,
      after: last?.nextOffset ?? 0,
    }),
  );
  await shake(following);
  await gate.open();
  await following.finished;
  const log = Buffer.concat(following.seen.map(({ base64 }) => Buffer.from(base64, 'base64')));
  const copy = await readFile(path.join(gate.folder, 'copy'));
  expect(copy.length).toBeGreaterThan(100_000);
  expect(log.equals(copy)).toBe(true);
  let end = 0;
  for (const { offset, nextOffset } of following.seen) {
    expect(offset).toBe(end);
    end = nextOffset;
  }
  // From the middle of a piece it goes on from there.
  const middle = follow<{ base64: string }>(stepcast, LOG, () => ({ id: stepRunId, after: 12_345 }));
  await middle.finished;
  const rest = Buffer.concat(middle.seen.map(({ base64 }) => Buffer.from(base64, 'base64')));
  expect(rest.equals(copy.subarray(12_345))).toBe(true);
});

test('clients that do not read cost the API little, and get everything when they read', async () => {
  const CLIENTS = 8;
  const BYTES = 14_000_000;
  const id = await stepcast.submit('flood');
  await stepcast.untilState(id, ['SUCCEEDED']);
  const [step] = await stepcast.sql<{ id: string }>('select id from step_run where submission_id = $1', [keyOf(id)]);
  const stepRunId = Buffer.from(`StepRun:${step?.id ?? ''}`).toString('base64url');
  const memory = async (): Promise<number> => {
    const status = await readFile(`/proc/${stepcast.apis[0]?.pid() ?? 0}/status`, 'utf8');
    return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) * 1_024;
  };
  const before = await memory();
  const sockets = await Promise.all(
    Array.from({ length: CLIENTS }, async () => {
      const socket = new WebSocket(`${stepcast.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws');
      let bytes = 0;
      let complete = false;
      await new Promise<void>((resolve, reject) => {
        socket.on('error', reject);
        socket.on('open', () => socket.send('{"type":"connection_init"}'));
        socket.on('message', (text: Buffer) => {
          const message = JSON.parse(text.toString()) as {
            type: string;
            payload?: { data: { stepLog: { offset: number; nextOffset: number } } };
          };
          if (message.type === 'connection_ack') {
            const payload = { query: LOG, variables: { id: stepRunId, after: 0 } };
            socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload }), () => resolve());
            socket.pause();
          }
          if (message.payload) {
            const { offset, nextOffset } = message.payload.data.stepLog;
            if (offset === bytes) bytes = nextOffset;
          }
          if (message.type === 'complete') complete = true;
        });
      });
      return { socket, bytes: () => bytes, isComplete: () => complete };
    }),
  );
  // A client that reads gets the same log whole meanwhile, so the others have had their time as well.
  const reader = follow<{ nextOffset: number }>(stepcast, LOG, (last) => ({
    id: stepRunId,
    after: last?.nextOffset ?? 0,
  }));
  await reader.finished;
  expect(reader.seen.at(-1)?.nextOffset).toBe(BYTES);
  expect(sockets.some(({ isComplete }) => isComplete())).toBe(false);
  // Held for all clients, what is written as base64 and text alone would be over 250 MB.
  expect((await memory()) - before).toBeLessThan(100_000_000);
  for (const { socket } of sockets) socket.resume();
  await eventually('all are told the end', () => sockets.every(({ isComplete }) => isComplete()), 30_000);
  expect(sockets.map(({ bytes }) => bytes())).toEqual(sockets.map(() => BYTES));
  for (const { socket } of sockets) socket.terminate();
});

test('a new job is soon a typed mutation, and a subscription from before goes on', async () => {
  const id = await stepcast.submit('chatter', { gate: gate.folder });
  const following = follow<SeenEvent>(stepcast, EVENTS, (last) => ({ id, after: last?.seq ?? 0 }));
  await following.more(10);
  await stepcast.define(`job: brand-new\ndescription: Just came.\nsteps: { quick: { task: quick } }\n`);
  await eventually('the schema has the new mutation', async () => {
    const { __type } = await stepcast.gql<{ __type: { fields: { name: string }[] } }>(
      `{ __type(name: "Mutation") { fields { name } } }`,
    );
    return __type.fields.some(({ name }) => name === 'runBrandNew');
  });
  await following.more(10);
  await gate.open();
  await following.finished;
  expect(following.connections()).toBe(1);
  expect(following.seen.map(({ seq }) => seq)).toEqual(following.seen.map((_event, index) => index + 1));
});
