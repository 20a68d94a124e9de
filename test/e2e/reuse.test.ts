import path from 'node:path';
import { stepcast as command } from '../cli/support';
import { keyOf, startStepcast, type Stepcast } from './support/stepcast';
import { GATED_JOBS, makeGate, type Gate } from './support/gate';
import { eventually } from './support/wait';

let stepcast: Stepcast;
let gate: Gate;

beforeAll(async () => {
  stepcast = await startStepcast({ workers: 2, env: { STEPCAST_REUSE: 'on', STEPCAST_LEASE_SECONDS: '5' } });
  await stepcast.define(GATED_JOBS);
}, 60_000);
afterAll(() => stepcast.stop());
beforeEach(async () => {
  gate = await makeGate();
});
afterEach(() => gate.remove());

interface StepAnswer {
  readonly id: string;
  readonly state: string;
  readonly cached: boolean;
  readonly fingerprint: string | null;
  readonly reusedFrom: { readonly id: string; readonly submissionId: string } | null;
  readonly reuse: {
    readonly decision: string;
    readonly reason: string;
    readonly differences: readonly string[];
    readonly comparedWith: { readonly id: string } | null;
  } | null;
  readonly results: { readonly nodes: readonly { readonly url: string }[] };
  readonly log: { readonly nodes: readonly { readonly text: string }[] };
}

async function stepOf(id: string): Promise<StepAnswer> {
  const { submission } = await stepcast.gql<{ submission: { steps: { nodes: [StepAnswer] } } }>(
    `query ($id: ID!) { submission(id: $id) { steps { nodes { id state cached fingerprint
       reusedFrom { id submissionId } reuse { decision reason differences comparedWith { id } }
       results { nodes { url } } log { nodes { text } } } } } }`,
    { id },
  );
  return submission.steps.nodes[0];
}

const hold = (options = {}) => stepcast.submit('hold', { gate: gate.folder }, options);

test('equal work runs once, on whichever worker, and everybody sees why', async () => {
  const first = await hold();
  await gate.untilRuns(1);
  const others = await Promise.all(Array.from({ length: 6 }, () => hold()));
  await eventually('the others wait', async () => {
    const rows = await stepcast.sql(`select id from step_run where state = 'RETRYING' and waits_for is not null`);
    return rows.length === others.length;
  });
  const waiting = await stepOf(others[0] ?? '');
  expect(waiting.reuse).toMatchObject({
    decision: 'WAITS',
    reason: 'Waits for step "hold" of another submission of "hold", which does the same work.',
  });
  await gate.open();
  for (const id of [first, ...others]) await stepcast.untilState(id, ['SUCCEEDED']);
  const original = await stepOf(first);
  expect(original).toMatchObject({ cached: false, reusedFrom: null, reuse: { decision: 'RAN', differences: [] } });
  expect(original.fingerprint).toMatch(/^[0-9a-f]{64}$/);
  const text = await (await fetch(original.results.nodes[0]?.url ?? '')).text();
  for (const id of others) {
    const step = await stepOf(id);
    expect(step).toMatchObject({
      cached: true,
      fingerprint: original.fingerprint,
      reusedFrom: { id: original.id, submissionId: first },
      reuse: { decision: 'REUSED', comparedWith: { id: original.id } },
    });
    expect(step.log.nodes.map((chunk) => chunk.text).join('')).toBe(
      'Reused: step "hold" of another submission of "hold" did the same work.\n',
    );
    expect(await (await fetch(step.results.nodes[0]?.url ?? '')).text()).toBe(text);
  }
  expect(await gate.runs()).toHaveLength(1);
}, 60_000);

test('when the worker that does the work is killed, one of those that wait does it', async () => {
  const ids = [await hold()];
  const [[pid = '']] = (await gate.untilRuns(1)) as [string[]];
  ids.push(await hold(), await hold());
  const [row] = await stepcast.sql<{ pid: number }>(
    `select w.pid from worker w join step_run r on r.worker_id = w.id where r.submission_id = $1`,
    [keyOf(ids[0] ?? '')],
  );
  const victim = stepcast.workers.find((worker) => worker.pid() === row?.pid);
  expect(Number(pid)).toBeGreaterThan(0);
  await victim?.end('SIGKILL');
  await gate.untilRuns(2);
  await gate.open();
  for (const id of ids) await stepcast.untilState(id, ['SUCCEEDED']);
  expect(await gate.runs()).toHaveLength(2);
  await victim?.restart();
}, 60_000);

test('what differs from the nearest earlier run is told, and a submission may ask for a run of its own', async () => {
  const short = (name: string, options = {}) => stepcast.submit('short', { gate: gate.folder, name }, options);
  const first = await short('one');
  await stepcast.untilState(first, ['SUCCEEDED']);
  const second = await short('two');
  await stepcast.untilState(second, ['SUCCEEDED']);
  const step = await stepOf(second);
  expect(step.reuse).toMatchObject({
    decision: 'RAN',
    differences: ['parameter `name`'],
    reason:
      'No earlier run did the same work. Nearest is step "short" of another submission of "short": ' +
      'parameter `name` differs; the rest is the same.',
    comparedWith: { id: (await stepOf(first)).id },
  });
  const third = await short('one', { reuse: false });
  await stepcast.untilState(third, ['SUCCEEDED']);
  expect((await stepOf(third)).reuse).toMatchObject({
    decision: 'NOT_SHARED',
    reason: 'Its submission was made with reuse switched off.',
  });
  expect((await gate.runs()).map(([, , name]) => name)).toEqual(['one', 'two', 'one']);
}, 60_000);

test('a second run of an example says in the terminal that it was reused, and --no-reuse runs it', async () => {
  const text = path.join(__dirname, '../../examples/word-count/data/moby-dick.txt');
  const submit = (...more: string[]) => command(stepcast.url, 'submit', 'word-count', '-i', `text=${text}`, ...more);
  const reused = 'Reused: step "count" of another submission of "word-count" did the same work.';
  expect((await submit('--watch')).out).not.toContain('Reused');
  const again = await submit('--watch');
  expect(again).toMatchObject({ code: 0, out: expect.stringContaining(reused) as string });
  expect((await submit('--watch', '--no-reuse')).out).not.toContain('Reused');
}, 60_000);
