/** Pausing from outside: real processes, and what callers see of it. */
import { GATED_JOBS, makeGate, type Gate } from './support/gate';
import { startStepcast, type Stepcast } from './support/stepcast';

const CHAIN = `
job: chain
inputs: { gate: string }
steps:
  first: { task: hold, in: { gate: gate } }
  second: { task: short, in: { gate: gate }, after: [first] }
`;

const SOME_TIME: unknown = expect.any(String);

let stepcast: Stepcast;
let gate: Gate;

beforeAll(async () => {
  stepcast = await startStepcast({ apis: 2 });
  await stepcast.define(`${GATED_JOBS}\n---\n${CHAIN}`);
}, 60_000);
beforeEach(async () => {
  gate = await makeGate();
});
afterEach(() => gate.remove());
afterAll(() => stepcast.stop(), 30_000);

interface Paused {
  readonly done: { submission: { pausedAt: string | null } | null; userErrors: { code: string; message: string }[] };
}
const setPaused = async (id: string, verb: 'pause' | 'unpause', api = 0): Promise<Paused['done']> => {
  const reply = await stepcast.reply<Paused>(
    `mutation ($id: ID!) { done: ${verb}Submission(input: { id: $id }) {
       submission { pausedAt } userErrors { code message } } }`,
    { id },
    api,
  );
  if (!reply.data) throw new Error(JSON.stringify(reply.errors));
  return reply.data.done;
};

test('a submission that is paused by one API goes on by another, and its subscribers hear of both', async () => {
  const id = await stepcast.submit('chain', { gate: gate.folder });
  await gate.untilRuns(1);
  expect(await setPaused(id, 'pause')).toMatchObject({ submission: { pausedAt: SOME_TIME }, userErrors: [] });
  expect(await setPaused(id, 'pause')).toMatchObject({ submission: null, userErrors: [{ code: 'CONFLICT' }] });
  await gate.open();
  const seen: string[] = [];
  let unpaused = false;
  for await (const { submissionEvents } of stepcast.subscribe<{
    submissionEvents: { type: string; state: string | null; stepName: string | null };
  }>(`subscription ($id: ID!) { submissionEvents(id: $id) { type state stepName } }`, { id })) {
    const { type, state, stepName } = submissionEvents;
    seen.push([type, stepName, state].filter((word) => word !== null).join(' '));
    if (stepName === 'second' && state === 'QUEUED') {
      expect(await gate.runs()).toHaveLength(1);
      unpaused = true;
      expect(await setPaused(id, 'unpause', 1)).toMatchObject({ submission: { pausedAt: null }, userErrors: [] });
    }
  }
  expect(unpaused).toBe(true);
  expect(seen.indexOf('SUBMISSION_PAUSED')).toBeLessThan(seen.indexOf('STEP_STATE second QUEUED'));
  expect(seen.indexOf('SUBMISSION_UNPAUSED')).toBeLessThan(seen.indexOf('STEP_STATE second RUNNING'));
  await stepcast.untilState(id, ['SUCCEEDED']);
}, 30_000);

test('a backend that is paused says so and takes nothing until it goes on', async () => {
  const one = `{ backends { nodes { name pausedPriorities } } queues { nodes { priority queued pausedAt } } }`;
  const toggle = (verb: 'pause' | 'unpause') =>
    stepcast.gql<{ done: { backend: { pausedPriorities: string[] } | null } }>(
      `mutation { done: ${verb}Backend(input: { backend: "local" }) { backend { pausedPriorities } userErrors { message } } }`,
    );
  expect((await toggle('pause')).done.backend?.pausedPriorities).toEqual(['HIGH', 'NORMAL', 'LOW']);
  const id = await stepcast.submit('short', { gate: gate.folder });
  expect(await stepcast.gql(one)).toMatchObject({
    backends: {
      nodes: expect.arrayContaining([{ name: 'local', pausedPriorities: ['HIGH', 'NORMAL', 'LOW'] }]) as unknown,
    },
    queues: { nodes: expect.arrayContaining([{ priority: 'NORMAL', queued: 1, pausedAt: SOME_TIME }]) as unknown },
  });
  expect((await toggle('unpause')).done.backend?.pausedPriorities).toEqual([]);
  await stepcast.untilState(id, ['SUCCEEDED']);
}, 30_000);

test('one queue is paused by name of its priority; an unknown backend is told', async () => {
  const { done } = await stepcast.gql<{ done: { queue: unknown; userErrors: unknown[] } }>(
    `mutation { done: pauseQueue(input: { backend: "local", priority: LOW, reason: "night only" }) {
       queue { priority pausedAt } userErrors { message } } }`,
  );
  expect(done).toMatchObject({ queue: { priority: 'LOW', pausedAt: SOME_TIME }, userErrors: [] });
  const again = await stepcast.gql<object>(
    `mutation { on: unpauseQueue(input: { backend: "local", priority: LOW }) { queue { pausedAt } }
       off: pauseBackend(input: { backend: "locl" }) { userErrors { code field } } }`,
  );
  expect(again).toMatchObject({
    on: { queue: { pausedAt: null } },
    off: { userErrors: [{ code: 'NOT_FOUND', field: ['input', 'backend'] }] },
  });
});
