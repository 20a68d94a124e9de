/** One slot, three priorities: the more urgent goes first, and waiting makes urgent. */
import { AGING_SECONDS } from '../../src/store/statements/lanes';
import { GATED_JOBS, makeGate, type Gate } from './support/gate';
import { keyOf, startStepcast, type Stepcast } from './support/stepcast';

let stepcast: Stepcast;
let gate: Gate;
let front: Gate;
let blocker: string;

beforeAll(async () => {
  stepcast = await startStepcast({ env: { STEPCAST_CONCURRENCY: '1' } });
  await stepcast.define(GATED_JOBS);
}, 60_000);
beforeEach(async () => {
  [gate, front] = await Promise.all([makeGate(), makeGate()]);
  blocker = await stepcast.submit('hold', { gate: front.folder });
  await front.untilRuns(1);
});
afterEach(async () => {
  await Promise.all([gate, front].map((one) => one.remove()));
});
afterAll(() => stepcast.stop(), 30_000);

const send = (name: string, priority: 'HIGH' | 'NORMAL' | 'LOW'): Promise<string> =>
  stepcast.submit('short', { gate: gate.folder, name }, { priority });

/** As if it had been submitted so long ago. */
async function age(id: string, seconds: number): Promise<void> {
  await stepcast.sql(
    `update step_run set ready_at = ready_at - make_interval(secs => $2), rank_at = rank_at - make_interval(secs => $2)
     where submission_id = $1`,
    [keyOf(id), seconds],
  );
}

async function order(ids: readonly string[]): Promise<(string | undefined)[]> {
  await front.open();
  await Promise.all([blocker, ...ids].map((id) => stepcast.untilState(id, ['SUCCEEDED'])));
  return (await gate.runs()).map(([, , name]) => name);
}

test('HIGH overtakes NORMAL, NORMAL overtakes LOW, and equals keep their order', async () => {
  const ids = [];
  for (const round of [1, 2]) {
    for (const priority of ['LOW', 'NORMAL', 'HIGH'] as const) ids.push(await send(`${priority}-${round}`, priority));
  }
  const { queues } = await stepcast.gql<{ queues: { nodes: { priority: string; queued: number }[] } }>(
    `{ queues { nodes { priority queued } } }`,
  );
  expect(queues.nodes.filter(({ queued }) => queued === 2)).toHaveLength(3);
  expect(await order(ids)).toEqual(['HIGH-1', 'HIGH-2', 'NORMAL-1', 'NORMAL-2', 'LOW-1', 'LOW-2']);
});

test('a LOW step that has waited its time goes before a HIGH one that has just come', async () => {
  const old = await send('old-low', 'LOW');
  const young = await send('young-low', 'LOW');
  await age(old, 2 * AGING_SECONDS + 1);
  await age(young, 2 * AGING_SECONDS - 30);
  const high = await send('high', 'HIGH');
  expect(await order([old, young, high])).toEqual(['old-low', 'high', 'young-low']);
});

test('a NORMAL step that has waited its time goes before a HIGH one', async () => {
  const normal = await send('old-normal', 'NORMAL');
  await age(normal, AGING_SECONDS + 1);
  const high = await send('high', 'HIGH');
  expect(await order([normal, high])).toEqual(['old-normal', 'high']);
});
