/** Limits with real workers: two processes, one licence, and callers who are told what their steps wait for. */
import { GATED_JOBS, makeGate, type Gate } from './support/gate';
import { startStepcast, type Stepcast } from './support/stepcast';
import { eventually } from './support/wait';

const LICENSED = `
resource: licence
amount: 1
---
task: licensed
shell: true
command: |
  echo "$$ begins" >> "$gate/ran"
  while [ ! -e "$gate/open" ]; do sleep 0.05; done
  sleep 0.1
  echo "$$ ends" >> "$gate/ran"
parameters: { gate: { type: string } }
uses: licence
---
job: licensed
inputs: { gate: string }
steps: { licensed: { task: licensed, in: { gate: gate } } }
`;

let stepcast: Stepcast;
let gate: Gate;

beforeAll(async () => {
  stepcast = await startStepcast({ workers: 2 });
  await stepcast.define(`${GATED_JOBS}\n---\n${LICENSED}`);
}, 60_000);
beforeEach(async () => {
  gate = await makeGate();
});
afterEach(() => gate.remove());
afterAll(() => stepcast.stop(), 30_000);

const waitsFor = async (): Promise<string[][]> => {
  const { submissions } = await stepcast.gql<{
    submissions: { nodes: { steps: { nodes: { state: string; waitsFor: string[] }[] } }[] };
  }>(`{ submissions(first: 10, job: "licensed") { nodes { steps { nodes { state waitsFor } } } } }`);
  return submissions.nodes
    .flatMap(({ steps }) => steps.nodes)
    .filter(({ state }) => state === 'QUEUED')
    .map((step) => step.waitsFor);
};

test('one licence is held by one step at a time over all workers, and the others are told what they wait for', async () => {
  const ids = await Promise.all(Array.from({ length: 4 }, () => stepcast.submit('licensed', { gate: gate.folder })));
  await gate.untilRuns(1);
  expect(await waitsFor()).toEqual(Array.from({ length: 3 }, () => ['1 of 1 licence in use']));
  expect(await stepcast.gql(`{ resources { nodes { name amount used } } }`)).toEqual({
    resources: { nodes: [{ name: 'licence', amount: 1, used: 1 }] },
  });
  expect(await gate.runs()).toHaveLength(1);
  const other = await stepcast.submit('short', { gate: gate.folder });
  await stepcast.untilState(other, ['SUCCEEDED']);
  await gate.open();
  await Promise.all(ids.map((id) => stepcast.untilState(id, ['SUCCEEDED', 'FAILED'])));
  const order = (await gate.runs()).map(([, word]) => word).filter((word) => word === 'begins' || word === 'ends');
  expect(order).toEqual(Array.from({ length: 4 }, () => ['begins', 'ends']).flat());
}, 60_000);

test('more of a resource lets waiting steps start at once', async () => {
  const ids = await Promise.all([1, 2].map(() => stepcast.submit('licensed', { gate: gate.folder })));
  await gate.untilRuns(1);
  const { defineResource } = await stepcast.gql<{ defineResource: object }>(
    `mutation { defineResource(input: { name: "licence", amount: 2 }) { resources { amount } userErrors { message } } }`,
  );
  expect(defineResource).toEqual({ resources: [{ amount: 2 }], userErrors: [] });
  await gate.untilRuns(2);
  await gate.open();
  await Promise.all(ids.map((id) => stepcast.untilState(id, ['SUCCEEDED', 'FAILED'])));
}, 60_000);

test('a step of a paused submission and of a paused queue says so', async () => {
  await stepcast.gql(
    `mutation { pauseQueue(input: { backend: "local", priority: LOW, reason: "by day" }) { userErrors { code } } }`,
  );
  const id = await stepcast.submit('short', { gate: gate.folder }, { priority: 'LOW' });
  await stepcast.gql(`mutation ($id: ID!) { pauseSubmission(input: { id: $id }) { userErrors { code } } }`, { id });
  const { submission } = await stepcast.gql<{ submission: object }>(
    `query ($id: ID!) { submission(id: $id) { steps { nodes { waitsFor } } } }`,
    { id },
  );
  expect(submission).toEqual({
    steps: { nodes: [{ waitsFor: ['The submission is paused', 'local is paused at priority LOW: by day'] }] },
  });
});

test('a resource that a task uses cannot be taken away; one that none uses can', async () => {
  const remove = (name: string) =>
    stepcast.gql<{ done: { removedId: string | null; userErrors: { message: string }[] } }>(
      `mutation ($name: String!) { done: removeDefinition(input: { kind: RESOURCE, name: $name }) { removedId userErrors { message } } }`,
      { name },
    );
  const { done } = await remove('licence');
  expect(done.removedId).toBeNull();
  expect(done.userErrors[0]?.message).toContain('there is no resource "licence"');
  await stepcast.define('resource: spare\namount: 1\n');
  expect((await remove('spare')).done.userErrors).toEqual([]);
  await eventually('the resource is gone', async () => {
    const { resources } = await stepcast.gql<{ resources: { nodes: { name: string }[] } }>(
      `{ resources { nodes { name } } }`,
    );
    return resources.nodes.map(({ name }) => name).join() === 'licence' ? true : null;
  });
});
