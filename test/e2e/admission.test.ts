/** What one submitter may have open, as callers see it; and a batch that is cancelled with one call. */
import { GATED_JOBS, makeGate, type Gate } from './support/gate';
import { startStepcast, type Stepcast } from './support/stepcast';

let stepcast: Stepcast;
let gate: Gate;

beforeAll(async () => {
  stepcast = await startStepcast({ env: { STEPCAST_LOWER_BEYOND: '2', STEPCAST_REFUSE_BEYOND: '3' } });
  await stepcast.define(GATED_JOBS);
  gate = await makeGate();
}, 60_000);
afterAll(async () => {
  await stepcast.stop();
  await gate.remove();
}, 30_000);

interface Sent {
  readonly submitBatch: {
    readonly batch: { readonly id: string } | null;
    readonly submissions: readonly { readonly priority: string }[];
    readonly userErrors: readonly { readonly code: string; readonly retryAfterSeconds: number | null }[];
  };
}
const send = async (count: number): Promise<Sent['submitBatch']> => {
  const items = Array.from({ length: count }, () => ({ job: 'hold', inputs: { gate: gate.folder } }));
  const { submitBatch } = await stepcast.gql<Sent>(
    `mutation ($items: [SubmitJobInput!]!) { submitBatch(input: { items: $items }) {
       batch { id } submissions { priority } userErrors { code retryAfterSeconds } } }`,
    { items },
  );
  return submitBatch;
};

test('too many are refused with the time to wait; a cancelled batch makes room for others', async () => {
  const first = await send(3);
  expect(first.submissions.map(({ priority }) => priority)).toEqual(['NORMAL', 'NORMAL', 'LOW']);
  await gate.untilRuns(3);
  expect(await send(1)).toEqual({
    batch: null,
    submissions: [],
    userErrors: [{ code: 'LIMIT_EXCEEDED', retryAfterSeconds: 60 }],
  });
  const cancel = `mutation ($id: ID!) { cancelBatch(input: { id: $id, reason: "wrong data" }) {
    batch { submissions(first: 5) { nodes { message } } } cancelled userErrors { code message } } }`;
  const { cancelBatch } = await stepcast.gql<{ cancelBatch: object }>(cancel, { id: first.batch?.id });
  expect(cancelBatch).toEqual({
    batch: { submissions: { nodes: Array.from({ length: 3 }, () => ({ message: 'wrong data' })) } },
    cancelled: 3,
    userErrors: [],
  });
  const { submissions } = await stepcast.gql<{ submissions: { nodes: { id: string }[] } }>(
    `query ($batch: ID!) { submissions(batch: $batch) { nodes { id } } }`,
    { batch: first.batch?.id },
  );
  await Promise.all(submissions.nodes.map(({ id }) => stepcast.untilState(id, ['CANCELLED'])));
  expect(await stepcast.gql(cancel, { id: first.batch?.id })).toMatchObject({
    cancelBatch: { cancelled: 0, userErrors: [{ code: 'CONFLICT' }] },
  });
  expect((await send(1)).userErrors).toEqual([]);
}, 60_000);
