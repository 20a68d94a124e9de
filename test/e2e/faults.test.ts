/** What breaks is mended: workers die, freeze and stop, Redis forgets, goes and doubles. Nothing is lost or run twice. */
import BeeQueue from 'bee-queue';
import { readFileSync } from 'node:fs';
import { isAlive } from '../../src/embedded';
import { GATED_JOBS, makeGate, type Gate } from './support/gate';
import { startRedis, type PrivateRedis } from './support/privateRedis';
import type { Managed } from './support/processes';
import { keyOf, startStepcast, type Stepcast } from './support/stepcast';
import { eventually } from './support/wait';

const LEASE_SECONDS = 5;
const RECOVERY_MS = 30_000;
const KILLER = `
task: kill-worker
shell: true
command: |
  echo "$$ \${STEPCAST_ATTEMPT##*.}" >> "$gate/ran"
  kill -9 "$(echo "$STEPCAST_WORKER" | cut -d/ -f3)"
  sleep 60
parameters: { gate: { type: string } }
---
job: kill-worker
inputs: { gate: string }
steps: { killer: { task: kill-worker, in: { gate: gate } } }
`;

jest.setTimeout(90_000);

let redis: PrivateRedis;
let stepcast: Stepcast;
const gates: Gate[] = [];

beforeAll(async () => {
  redis = await startRedis();
  stepcast = await startStepcast({
    workers: 2,
    redisUrl: redis.url,
    env: { STEPCAST_LEASE_SECONDS: String(LEASE_SECONDS), STEPCAST_DRAIN_SECONDS: '8', STEPCAST_CONCURRENCY: '2' },
  });
  await stepcast.define(`${GATED_JOBS}---${KILLER}`);
});
afterEach(async () => {
  for (const gate of gates) await gate.open();
  for (const worker of stepcast.workers) if (!worker.isRunning()) await worker.restart();
});
afterAll(async () => {
  await stepcast.stop();
  await redis.remove();
  await Promise.all(gates.map((gate) => gate.remove()));
});

async function newGate(): Promise<Gate> {
  const gate = await makeGate();
  gates.push(gate);
  return gate;
}

async function workerOf(id: string): Promise<{ worker: Managed; other: Managed }> {
  const rows = await stepcast.sql<{ pid: number }>(
    `select w.pid from worker w join step_run r on r.worker_id = w.id where r.submission_id = $1`,
    [keyOf(id)],
  );
  const worker = stepcast.workers.find((one) => one.pid() === rows[0]?.pid);
  const other = stepcast.workers.find((one) => one !== worker);
  if (!worker || !other) throw new Error('no worker runs it');
  return { worker, other };
}

async function attemptsOf(id: string): Promise<string[]> {
  const rows = await stepcast.sql<{ state: string }>(
    `select a.state from attempt a join step_run r on r.id = a.step_run_id where r.submission_id = $1
     order by r.id, a.number`,
    [keyOf(id)],
  );
  return rows.map((row) => row.state);
}

/** Types and states of a Submission's Events, in order; their numbers have no gap. */
async function eventsOf(id: string): Promise<string[]> {
  const rows = await stepcast.sql<{ seq: number; type: string; state: string | null }>(
    `select seq, type, state from event where submission_id = $1 order by seq`,
    [keyOf(id)],
  );
  expect(rows.map((row) => row.seq)).toEqual(rows.map((_row, index) => index + 1));
  return rows.map((row) => (row.state === null ? row.type : `${row.type} ${row.state}`));
}

test('the step of a killed worker runs again on another one, once', async () => {
  const gate = await newGate();
  const id = await stepcast.submit('hold', { gate: gate.folder });
  const [first] = await gate.untilRuns(1);
  const { worker } = await workerOf(id);
  const dead = worker.pid();
  await worker.end('SIGKILL');
  expect(isAlive(dead)).toBe(false);
  await gate.untilRuns(2, RECOVERY_MS);
  await eventually('the first command is gone', () => !isAlive(Number(first?.[0])));
  expect((await workerOf(id)).worker.pid()).not.toBe(dead);
  await gate.open();
  await stepcast.untilState(id, ['SUCCEEDED']);
  expect(await gate.runs()).toHaveLength(2);
  expect(await attemptsOf(id)).toEqual(['LOST', 'SUCCEEDED']);
  expect(await eventsOf(id)).toEqual([
    'SUBMISSION_STATE QUEUED',
    'STEP_STATE QUEUED',
    'SUBMISSION_STATE RUNNING',
    'STEP_STATE RUNNING',
    'ATTEMPT_LOST',
    'STEP_STATE QUEUED',
    'STEP_STATE RUNNING',
    'STEP_STATE SUCCEEDED',
    'SUBMISSION_STATE SUCCEEDED',
  ]);
});

test('a step that kills its worker three times fails and says so', async () => {
  const gate = await newGate();
  let over = false;
  const keepers = stepcast.workers.map(async (worker) => {
    for (;;) {
      await Promise.race([worker.ended(), eventually('the step has failed', () => over, RECOVERY_MS * 2)]);
      if (over) return;
      await worker.restart();
    }
  });
  const id = await stepcast.submit('kill-worker', { gate: gate.folder });
  await stepcast.untilState(id, ['FAILED'], RECOVERY_MS * 2);
  over = true;
  await Promise.all(keepers);
  expect(await gate.runs()).toHaveLength(3);
  expect(await attemptsOf(id)).toEqual(['LOST', 'LOST', 'LOST']);
  const { submission } = await stepcast.gql<{ submission: { message: string } }>(
    `query ($id: ID!) { submission(id: $id) { message } }`,
    { id },
  );
  expect(submission.message).toBe(
    'Step "killer" failed: Its worker died 3 times while it ran: the step is taken to be the cause.',
  );
});

test('a Redis that lost every key loses no work', async () => {
  const gate = await newGate();
  const holding = await Promise.all(Array.from({ length: 4 }, () => stepcast.submit('hold', { gate: gate.folder })));
  await gate.untilRuns(4);
  const queued = await Promise.all(Array.from({ length: 10 }, () => stepcast.submit('short', { gate: gate.folder })));
  expect(await redis.flushAll()).toBeGreaterThan(0);
  const later = await Promise.all(Array.from({ length: 5 }, () => stepcast.submit('short', { gate: gate.folder })));
  await gate.open();
  await Promise.all([...holding, ...queued, ...later].map((id) => stepcast.untilState(id, ['SUCCEEDED'])));
  expect(await gate.runs()).toHaveLength(19);
});

test('work goes on while Redis is away, and after it came back', async () => {
  const gate = await newGate();
  const send = (count: number): Promise<string[]> =>
    Promise.all(Array.from({ length: count }, () => stepcast.submit('short', { gate: gate.folder })));
  const before = await send(10);
  await redis.kill();
  const during = await send(10);
  await Promise.all([...before, ...during].map((id) => stepcast.untilState(id, ['SUCCEEDED'])));
  expect((await fetch(`${stepcast.url}/readyz`)).status).toBe(503);
  await redis.restart();
  const after = await send(10);
  await Promise.all(after.map((id) => stepcast.untilState(id, ['SUCCEEDED'])));
  expect(await gate.runs()).toHaveLength(30);
  await eventually('the API has found Redis again', async () => (await fetch(`${stepcast.url}/readyz`)).status === 200);
  // What could not be sent was kept, and is sent in the end.
  await eventually('the outbox is empty', async () => (await stepcast.sql('select from outbox')).length === 0);
});

test('messages that come twice, or mean nothing, run nothing twice', async () => {
  const gate = await newGate();
  const holding = await Promise.all(Array.from({ length: 4 }, () => stepcast.submit('hold', { gate: gate.folder })));
  await gate.untilRuns(4);
  const queued = await stepcast.submit('short', { gate: gate.folder });
  const steps = await stepcast.sql<{ id: string; attempt: number }>(`select id, attempt from step_run`);
  const queue = new BeeQueue<Record<string, unknown>>('stepcast-local-normal', {
    redis: { url: redis.url },
    isWorker: false,
    getEvents: false,
    sendEvents: false,
    storeJobs: false,
    removeOnSuccess: true,
  });
  const messages: Record<string, unknown>[] = [
    ...[...steps, ...steps].map(({ id, attempt }) => ({ stepRunId: id, attempt })),
    ...Array.from({ length: 100 }, (_, index) => ({ stepRunId: String(1_000_000 + index), attempt: index })),
    { nonsense: true },
  ];
  await queue.saveAll(messages.map((message) => queue.createJob(message)));
  await gate.open();
  await Promise.all([...holding, queued].map((id) => stepcast.untilState(id, ['SUCCEEDED'])));
  await eventually('all messages are taken', async () => {
    const { waiting, active } = await queue.checkHealth();
    return waiting + active === 0;
  });
  await queue.close();
  expect(await gate.runs()).toHaveLength(5);
  expect(await attemptsOf(queued)).toEqual(['SUCCEEDED']);
});

test('a worker that is told to stop finishes what is short and hands back what is long', async () => {
  const [worker, other] = stepcast.workers;
  if (!worker || !other) throw new Error('two workers are needed');
  expect(await other.end('SIGTERM')).toBe(0);
  const short = await newGate();
  const long = await newGate();
  const finishing = await stepcast.submit('hold', { gate: short.folder });
  const going = await stepcast.submit('hold', { gate: long.folder });
  const [run] = await long.untilRuns(1);
  await short.untilRuns(1);
  const from = worker.output().length;
  worker.signal('SIGTERM');
  await worker.says(/waiting up to 8 s for 2 running steps/, from);
  await short.open();
  await stepcast.untilState(finishing, ['SUCCEEDED']);
  expect(await worker.ended()).toBe(0);
  expect(isAlive(Number(run?.[0]))).toBe(false);
  await other.restart();
  await long.untilRuns(2);
  await long.open();
  await stepcast.untilState(going, ['SUCCEEDED']);
  expect(await attemptsOf(finishing)).toEqual(['SUCCEEDED']);
  expect(await attemptsOf(going)).toEqual(['CANCELLED', 'SUCCEEDED']);
  expect(await stepcast.sql('select from step_run where submission_id = $1 and lost > 0', [keyOf(going)])).toEqual([]);
});

test('the late result of a frozen worker is refused; the one of its successor counts', async () => {
  const gate = await newGate();
  const id = await stepcast.submit('hold', { gate: gate.folder });
  const [first] = await gate.untilRuns(1);
  const { worker } = await workerOf(id);
  worker.signal('SIGSTOP');
  try {
    await gate.untilRuns(2, RECOVERY_MS);
    await gate.open(1);
    await eventually('the first command has ended', () => !isRunning(Number(first?.[0])));
  } finally {
    worker.signal('SIGCONT');
  }
  await worker.says(/was declared dead after a silence/);
  await eventually('it serves under a new number', async () => {
    const rows = await stepcast.sql(`select from worker where pid = $1 and state = 'ALIVE'`, [worker.pid()]);
    return rows.length === 1;
  });
  await gate.open(2);
  await stepcast.untilState(id, ['SUCCEEDED']);
  expect(await attemptsOf(id)).toEqual(['LOST', 'SUCCEEDED']);
  const { submission } = await stepcast.gql<{ submission: { results: { nodes: { url: string }[] } } }>(
    `query ($id: ID!) { submission(id: $id) { results { nodes { url } } } }`,
    { id },
  );
  expect(submission.results.nodes).toHaveLength(1);
  expect(await (await fetch(submission.results.nodes[0]?.url ?? '')).text()).toBe('attempt 2\n');
});

/** A frozen parent leaves its dead children as zombies. */
function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}
