/** The seven things that users of Analytics Automated try first, through the API, with real commands. */
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { resultsOf } from './support/results';
import { keyOf, startStepcast, type Stepcast } from './support/stepcast';

const FASTA = '>one\nMKVL\nAA\n';
const FILE = { text: FASTA, name: 'upload.fasta' };

let stepcast: Stepcast;

beforeAll(async () => {
  stepcast = await startStepcast({ jobFolders: [path.join(__dirname, '../scenarios')] });
}, 60_000);
afterAll(() => stepcast.stop(), 30_000);

/** Texts of the results by `step.port`. */
async function run(job: string, inputs: Parameters<Stepcast['submit']>[1]): Promise<Record<string, string>> {
  const id = await stepcast.submit(job, inputs);
  await stepcast.untilState(id, ['SUCCEEDED']);
  return Object.fromEntries((await resultsOf(stepcast, id)).map((one) => [`${one.stepName}.${one.port}`, one.text]));
}

interface StepTimes {
  readonly name: string;
  readonly state: string;
  readonly startedAt: Date | null;
  readonly finishedAt: Date | null;
}

async function steps(id: string): Promise<Map<string, StepTimes>> {
  const rows = await stepcast.sql<StepTimes>(
    `select name, state, started_at as "startedAt", finished_at as "finishedAt" from step_run
     where submission_id = $1 order by node`,
    [keyOf(id)],
  );
  return new Map(rows.map((row) => [row.name, row]));
}

test('1, count: a listing and its count are two results', async () => {
  const results = await run('count', { folder: '/' });
  const entries = readdirSync('/').filter((name) => !name.startsWith('.'));
  expect(Object.keys(results).sort()).toEqual(['count-entries.stdout', 'list-folder.stdout']);
  expect(results['list-folder.stdout']?.trim().split('\n').sort()).toEqual(entries.sort());
  expect(results['count-entries.stdout']).toMatch(new RegExp(`^ *${entries.length} `));
});

test.each([
  [true, ['-z', '12', '-u', '123', '-la', '-lm', '-input']],
  [false, ['-z', '12', '-u', '123', '-la', '-input']],
])('2, interpolation: the argv of the command, with the switch %s', async (p2, words) => {
  const results = await run('interpolation', { input: { ...FILE, name: 'a b;c.in' }, p2 });
  const lines = Object.values(results)[0]?.trim().split('\n') ?? [];
  expect(lines.slice(0, -3)).toEqual(words);
  expect(lines.at(-3)).toMatch(/\/a b;c\.in$/);
  expect(lines.at(-2)).toBe('-out');
  expect(lines.at(-1)).toMatch(/\.out$/);
});

test('3, psipred: seven steps in a line, and the last reads what the fourth wrote', async () => {
  const id = await stepcast.submit('psipred', { input: FILE });
  await stepcast.untilState(id, ['SUCCEEDED']);
  const order = [...(await steps(id)).values()];
  expect(order).toHaveLength(7);
  order.slice(1).forEach((step, index) => {
    expect(Number(step.startedAt)).toBeGreaterThanOrEqual(Number(order[index]?.finishedAt));
  });
  const picture = (await resultsOf(stepcast, id)).find(({ stepName }) => stepName === 'draw-picture');
  expect(picture?.text).toBe('A\nA\nK\nL\nM\nV\n');
});

test('4, disopred: nine steps, one joins three, one has an environment variable', async () => {
  const results = await run('disopred', { sequence: FILE });
  expect(Object.keys(results)).toHaveLength(9);
  expect(results['combine.combined']?.split('\n')[0]).toBe('* M\tMM\tm');
  expect(results['format.result']).toContain('* M\tMM\tm');
});

test('5, parallel: equal numbers wait for the lower ones and not for each other', async () => {
  const id = await stepcast.submit('parallel-middle', { input: FILE });
  await stepcast.untilState(id, ['SUCCEEDED']);
  const found = await steps(id);
  const [copy, upper, lower, both] = ['copy', 'upper', 'lower', 'both'].map((name) => found.get(name));
  for (const middle of [upper, lower]) {
    expect(Number(middle?.startedAt)).toBeGreaterThanOrEqual(Number(copy?.finishedAt));
    expect(Number(both?.startedAt)).toBeGreaterThanOrEqual(Number(middle?.finishedAt));
  }
  const joined = (await resultsOf(stepcast, id)).find(({ stepName }) => stepName === 'both');
  expect(joined?.text).toBe(FASTA.toUpperCase() + FASTA.toLowerCase());
  const ending = await run('parallel-end', { input: FILE });
  expect(Object.keys(ending).sort()).toEqual(['copy.stdout', 'lower.stdout', 'upper.stdout']);
});

describe('6, batch', () => {
  const SEND = `mutation ($items: [SubmitJobInput!]!) {
    submitBatch(input: { items: $items, label: "both" }) {
      batch { id label submissions { nodes { id } } } submissions { id jobName } userErrors { code message field }
    }
  }`;
  interface Sent {
    readonly submitBatch: {
      readonly batch: { id: string; label: string; submissions: { nodes: { id: string }[] } } | null;
      readonly submissions: { id: string; jobName: string }[];
      readonly userErrors: { code: string; message: string; field: string[] }[];
    };
  }
  const send = (...jobs: string[]): Promise<Sent> =>
    stepcast.gql<Sent>(SEND, { items: jobs.map((job) => ({ job, inputs: { input: FILE } })) });

  test('two jobs run on one file', async () => {
    const { submitBatch } = await send('batch-lines', 'batch-words');
    expect(submitBatch.userErrors).toEqual([]);
    expect(submitBatch.submissions.map(({ jobName }) => jobName)).toEqual(['batch-lines', 'batch-words']);
    expect(submitBatch.batch?.submissions.nodes).toHaveLength(2);
    const counts = await Promise.all(
      submitBatch.submissions.map(async ({ id }) => {
        await stepcast.untilState(id, ['SUCCEEDED']);
        return Number((await resultsOf(stepcast, id))[0]?.text);
      }),
    );
    expect(counts).toEqual([3, 3]);
  });

  test('with an unknown job among them nothing is stored', async () => {
    const count = `select (select count(*) from submission) as submissions, (select count(*) from batch) as batches`;
    const before = await stepcast.sql(count);
    const { submitBatch } = await send('batch-lines', 'batch-nothing');
    expect(submitBatch).toMatchObject({
      batch: null,
      submissions: [],
      userErrors: [{ code: 'NOT_FOUND', field: ['input', 'items', '1', 'job'] }],
    });
    expect(submitBatch.userErrors[0]?.message).toContain('batch-nothing');
    expect(await stepcast.sql(count)).toEqual(before);
  });
});

test.each([
  ['AA', ['found', 'after-found'], ['missing']],
  ['whale', ['missing'], ['found', 'after-found']],
])('7, conditional: a search for %s runs %s and skips %s', async (pattern, ran, skipped) => {
  const id = await stepcast.submit('conditional', { text: FILE, pattern });
  await stepcast.untilState(id, ['SUCCEEDED']);
  const found = await steps(id);
  expect(ran.map((name) => found.get(name)?.state)).toEqual(ran.map(() => 'SUCCEEDED'));
  expect(skipped.map((name) => found.get(name)?.state)).toEqual(skipped.map(() => 'SKIPPED'));
  const { submission } = await stepcast.gql<{ submission: { outputs: Record<string, unknown> } }>(
    `query ($id: ID!) { submission(id: $id) { outputs } }`,
    { id },
  );
  const given = Object.entries(submission.outputs).filter(([, value]) => value !== null);
  expect(given).toHaveLength(ran.length);
});
