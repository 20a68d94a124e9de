/** One job on every combination of some values. */
import { startStepcast, type Stepcast } from './support/stepcast';

const JOBS = `
task: take
command: head -n $VALUE $I1
inputs: { text: File }
parameters: { lines: { type: int }, mark: { type: string } }
stdout: taken
outputs: { taken: '*.taken' }
---
job: cut
inputs:
  text: { type: File, validate: [regex: '^a'] }
  lines: { type: int, min: 1, max: 9 }
  mark: { type: string, default: none }
steps: { take: { task: take, in: { text: text, lines: lines, mark: mark } } }
outputs: { taken: take.taken }
`;
const TEXT = { text: 'a\na\na\n', name: 'abc.txt' };

interface Reply {
  readonly batch: { readonly id: string; readonly matrixInputs: string[] } | null;
  readonly submissions: readonly { readonly id: string; readonly label: string }[];
  readonly userErrors: readonly { readonly code: string; readonly message: string; readonly field: string[] }[];
}

let stepcast: Stepcast;
beforeAll(async () => {
  stepcast = await startStepcast({ env: { STEPCAST_MAX_BATCH: '6' } });
  await stepcast.define(JOBS);
}, 60_000);
afterAll(() => stepcast.stop(), 30_000);

async function submitMatrix(input: object): Promise<Reply> {
  const { submitMatrix: reply } = await stepcast.gql<{ submitMatrix: Reply }>(
    `mutation ($input: SubmitMatrixInput!) { submitMatrix(input: $input) {
      batch { id matrixInputs } submissions { id label } userErrors { code message field } } }`,
    { input: { job: 'cut', ...input } },
  );
  return reply;
}
const counts = () =>
  stepcast.sql('select (select count(*)::int from batch) as batches, (select count(*)::int from submission) as rows');

test('every combination is a submission of its own, and the batch is a table of them', async () => {
  const { batch, submissions, userErrors } = await submitMatrix({
    label: 'a try',
    inputs: { text: TEXT },
    matrix: { lines: [1, 2], mark: ['x', 'y'] },
    exclude: [{ lines: 2, mark: 'y' }],
    include: [{ lines: 3 }],
    options: { label: 'cut', priority: 'HIGH' },
  });
  expect(userErrors).toEqual([]);
  expect(batch?.matrixInputs).toEqual(['lines', 'mark']);
  expect(submissions.map(({ label }) => label)).toEqual([
    'cut: lines=1, mark=x',
    'cut: lines=1, mark=y',
    'cut: lines=2, mark=x',
    'cut: lines=3, mark=none',
  ]);
  for (const { id } of submissions) await stepcast.untilState(id, ['SUCCEEDED']);

  const rows = [];
  let after: string | null = null;
  do {
    const read: Table = await stepcast.gql<Table>(TABLE, { id: batch?.id, after });
    expect(read.batch).toMatchObject({ label: 'a try', states: [{ state: 'SUCCEEDED', count: 4 }] });
    rows.push(...read.batch.combinations.nodes);
    const { hasNextPage, endCursor } = read.batch.combinations.pageInfo;
    after = hasNextPage ? endCursor : null;
  } while (after !== null);
  const sizes = rows.map(({ values, state, submission }) => [
    values['lines'],
    values['mark'],
    state,
    submission.outputFiles.nodes[0]?.size,
  ]);
  expect(sizes).toEqual([
    [1, 'x', 'SUCCEEDED', 2],
    [1, 'y', 'SUCCEEDED', 2],
    [2, 'x', 'SUCCEEDED', 4],
    [3, 'none', 'SUCCEEDED', 6],
  ]);
});

interface Table {
  readonly batch: {
    readonly label: string;
    readonly states: readonly object[];
    readonly combinations: {
      readonly nodes: readonly {
        readonly values: Readonly<Record<string, unknown>>;
        readonly state: string;
        readonly submission: { readonly outputFiles: { readonly nodes: readonly { readonly size: number }[] } };
      }[];
      readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null };
    };
  };
}
const TABLE = `query ($id: ID!, $after: String) { batch(id: $id) { label states { state count }
  combinations(first: 3, after: $after) {
    nodes { values state submission { outputFiles { nodes { size } } } } pageInfo { hasNextPage endCursor } } } }`;

test('files may vary too, and show by their names', async () => {
  const { submissions, userErrors } = await submitMatrix({
    inputs: { lines: 1 },
    matrix: { text: [TEXT, { text: 'a2', name: 'a2.txt' }] },
  });
  expect(userErrors).toEqual([]);
  expect(submissions.map(({ label }) => label)).toEqual(['text=abc.txt', 'text=a2.txt']);
});

test('what is wrong is told once for each value, where it stands, and nothing is stored', async () => {
  const before = await counts();
  const refused = async (input: object): Promise<[string, string, string][]> => {
    const { batch, userErrors } = await submitMatrix(input);
    expect(batch).toBeNull();
    return userErrors.map(({ code, message, field }) => [code, field.join('.'), message]);
  };
  expect(await refused({ inputs: { text: { text: 'b' } }, matrix: { lines: [1, 2], mark: ['x', 'y', 'z'] } })).toEqual([
    ['REJECTED_DATA', 'input.inputs.text', expect.stringContaining('text.txt')],
  ]);
  expect(await refused({ matrix: { lines: [1, 99], mark: ['x', 'y'] } })).toEqual([
    ['BAD_INPUT', 'input.inputs.text', 'Input "text" is required.'],
    ['BAD_INPUT', 'input.matrix.lines', 'Input "lines": 99 is more than the maximum 9.'],
  ]);
  expect(await refused({ inputs: { text: TEXT }, matrix: { lines: [1], nope: [1, 2] } })).toEqual([
    ['BAD_INPUT', 'input.matrix.nope', 'Job "cut" has no input "nope"; it has: text, lines, mark.'],
  ]);
  expect(await refused({ inputs: { text: TEXT }, matrix: { lines: 3 } })).toMatchObject([
    ['BAD_INPUT', 'input.matrix.lines', expect.anything()],
  ]);
  expect(await refused({ inputs: { lines: 1 }, matrix: { lines: [3] } })).toMatchObject([
    ['BAD_INPUT', 'input.inputs.lines', expect.anything()],
  ]);
  expect(await refused({ matrix: { lines: [1, 2, 3, 4], mark: ['x', 'y'] } })).toEqual([
    ['LIMIT_EXCEEDED', 'input.matrix', 'The matrix has 8 combinations; the limit is 6.'],
  ]);
  expect(await refused({ matrix: { lines: [1] }, exclude: [{ nope: 1 }] })).toMatchObject([
    ['BAD_INPUT', 'input.exclude.0', expect.anything()],
  ]);
  expect(await refused({ job: 'nope', matrix: { lines: [1] } })).toMatchObject([
    ['NOT_FOUND', 'input.job', expect.anything()],
  ]);
  expect(await counts()).toEqual(before);
});

test('the same key again gives the same batch and stores nothing', async () => {
  const input = { inputs: { text: TEXT }, matrix: { lines: [1, 2] }, options: { idempotencyKey: 'once' } };
  const first = await submitMatrix(input);
  const before = await counts();
  expect(await submitMatrix(input)).toEqual(first);
  expect(await counts()).toEqual(before);
  const { userErrors } = await submitMatrix({ ...input, matrix: { lines: [1, 3] } });
  expect(userErrors).toMatchObject([{ code: 'CONFLICT' }]);
});
