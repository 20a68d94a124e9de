/** Everything dies in turn while work is sent and runs: what was accepted is done, once, and nothing is made up. */
import { GATED_JOBS, makeGate, type Gate } from './support/gate';
import { startPostgres, type PrivatePostgres } from './support/privatePostgres';
import { startRedis, type PrivateRedis } from './support/privateRedis';
import { startStepcast, type Stepcast } from './support/stepcast';
import { eventually } from './support/wait';

const CLIENTS = 4;
/** Between two submissions of a client: about what the workers can do. */
const PAUSE_MS = 100;
const LEASE_SECONDS = 5;
const JOBS = `
job: pair
inputs: { gate: string, name: string }
steps:
  first: { task: short, in: { gate: gate, name: name } }
  second: { task: short, in: { gate: gate, name: name }, after: [first] }
`;
const SEND = `mutation ($input: SubmitJobInput!) { submitJob(input: $input) { submission { id } userErrors { code message } } }`;

jest.setTimeout(120_000);

let postgres: PrivatePostgres;
let redis: PrivateRedis;
let stepcast: Stepcast;
let gate: Gate;

beforeAll(async () => {
  [postgres, redis, gate] = await Promise.all([startPostgres(), startRedis(), makeGate()]);
  stepcast = await startStepcast({
    apis: 2,
    workers: 2,
    databaseUrl: postgres.url,
    redisUrl: redis.url,
    env: { STEPCAST_LEASE_SECONDS: String(LEASE_SECONDS) },
  });
  await stepcast.define(`${GATED_JOBS}---${JOBS}`);
});
afterAll(async () => {
  await stepcast.stop();
  await Promise.all([postgres.remove(), redis.remove(), gate.remove()]);
});

test('a Postgres that was away for longer than a lease costs no running step its attempt', async () => {
  const own = await makeGate();
  const id = await stepcast.submit('hold', { gate: own.folder });
  await own.untilRuns(1);
  await postgres.kill();
  await new Promise((resolve) => setTimeout(resolve, (LEASE_SECONDS + 1) * 1_000));
  const back = new Date();
  await postgres.restart();
  await eventually('both workers are heard again', async () => {
    const beating = await stepcast.sql(`select from worker where state = 'ALIVE' and heartbeat_at > $1`, [back]);
    return beating.length === 2;
  });
  await own.open();
  await stepcast.untilState(id, ['SUCCEEDED']);
  expect(await own.runs()).toHaveLength(1);
  expect(await stepcast.sql(`select from attempt where state = 'LOST'`)).toEqual([]);
  await own.remove();
});

test('workers, APIs, Redis and Postgres die one by one, and every accepted submission succeeds once', async () => {
  const accepted = new Map<string, string>();
  let over = false;
  let failures = 0;
  /** A client that asks again, with the same key, when it got no answer. */
  const client = async (number: number): Promise<void> => {
    for (let n = 0; !over; n += 1) {
      const key = `${number}-${n}`;
      const input = { job: 'pair', inputs: { gate: gate.folder, name: key }, options: { idempotencyKey: key } };
      for (let attempt = number; !accepted.has(key); attempt += 1) {
        const reply = await stepcast
          .reply<{ submitJob: { submission: { id: string } | null; userErrors: unknown[] } }>(
            SEND,
            { input },
            attempt % 2,
          )
          .catch(() => null);
        expect(reply?.data?.submitJob.userErrors ?? []).toEqual([]);
        const id = reply?.data?.submitJob.submission?.id;
        if (id !== undefined) accepted.set(key, id);
        else failures += 1;
        await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
      }
    }
  };
  const clients = Array.from({ length: CLIENTS }, (_, number) => client(number));
  const more = async (count = 20): Promise<void> => {
    const goal = accepted.size + count;
    await eventually(`${count} more are accepted`, () => accepted.size >= goal);
  };

  await more();
  await stepcast.workers[0]?.end('SIGKILL');
  await more();
  await stepcast.workers[0]?.restart();
  await stepcast.apis[0]?.end('SIGKILL');
  await more();
  await stepcast.apis[0]?.restart();
  await redis.kill();
  await more();
  await redis.restart();
  await more();
  await postgres.kill();
  const failed = failures;
  await eventually('the clients notice', () => failures > failed);
  await postgres.restart();
  await more();
  expect(await redis.flushAll()).toBeGreaterThan(0);
  await stepcast.workers[1]?.end('SIGKILL');
  await more();
  await stepcast.workers[1]?.restart();
  over = true;
  await Promise.all(clients);

  await eventually(
    'all work is done',
    async () => (await stepcast.sql(`select from submission where state <> 'SUCCEEDED' limit 1`)).length === 0,
    60_000,
  );
  const stored = await stepcast.sql<{ key: string }>(
    `select idempotency_key as key from submission where job_name = 'pair'`,
  );
  expect(stored.map(({ key }) => key).sort()).toEqual([...accepted.keys()].sort());
  // One success for each step, and Events as they must be.
  expect(
    await stepcast.sql(
      `select step_run_id from attempt group by step_run_id having count(*) filter (where state = 'SUCCEEDED') <> 1
         or count(*) filter (where state = 'RUNNING') > 0`,
    ),
  ).toEqual([]);
  expect(
    await stepcast.sql(
      `select s.id from submission s join event e on e.submission_id = s.id where s.job_name = 'pair' group by s.id
       having count(*) <> s.event_seq or min(e.seq) <> 1 or max(e.seq) <> s.event_seq
         or count(*) filter (where e.type = 'SUBMISSION_STATE' and e.state = 'SUCCEEDED') <> 1
         or count(*) filter (where e.type = 'STEP_STATE' and e.state = 'SUCCEEDED') <> 2`,
    ),
  ).toEqual([]);
  // Every step ran; again only where its worker died or Postgres was away.
  const runs = (await gate.runs()).map(([, , name]) => name);
  for (const key of accepted.keys()) expect(runs.filter((name) => name === key).length).toBeGreaterThanOrEqual(2);
  const attempts = await stepcast.sql(
    `select from attempt a join step_run r on r.id = a.step_run_id where r.task_name = 'short'`,
  );
  expect(runs.length).toBeLessThanOrEqual(attempts.length);
  await eventually('nothing is left to send', async () => (await stepcast.sql('select from outbox')).length === 0);
});
