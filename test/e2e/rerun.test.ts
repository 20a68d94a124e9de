/** Running a submission again from outside: what is valid is taken, what is not runs. */
import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { startStepcast, type Stepcast } from './support/stepcast';

const DEFINITIONS = `
tasks:
  say:
    shell: true
    command: cat "$I1"; printf '%s' "$word"
    inputs: { text: File }
    parameters: { word: string }
    outputs: { out: { from: stdout, path: out.txt } }
jobs:
  talk:
    inputs: { text: File, first: string, second: { type: string, default: b } }
    steps:
      one: { task: say, in: { text: text, word: first } }
      two: { task: say, in: { text: one.out, word: second } }
      aside: { task: say, in: { text: text, word: { value: aside } } }
    outputs: { told: two.out }
`;

let stepcast: Stepcast;
let earlier: string;

beforeAll(async () => {
  stepcast = await startStepcast({ workers: 2 });
  await stepcast.define(DEFINITIONS);
  earlier = await stepcast.submit('talk', { text: { text: 'x' }, first: 'a' }, { label: 'mine' });
  await stepcast.untilState(earlier, ['SUCCEEDED']);
}, 60_000);
afterAll(() => stepcast.stop(), 30_000);

interface Rerun {
  readonly submission: { readonly id: string } | null;
  readonly userErrors: readonly { code: string; message: string; field: string[] }[];
}
const rerun = async (more: object): Promise<Rerun> =>
  (
    await stepcast.gql<{ rerunSubmission: Rerun }>(
      `mutation ($input: RerunSubmissionInput!) { rerunSubmission(input: $input) {
         submission { id } userErrors { code message field } } }`,
      { input: { id: earlier, ...more } },
    )
  ).rerunSubmission;

/** Which of its steps ran, and what file came of it. */
async function endOf(id: string): Promise<{ ran: string[]; bytes: number | undefined }> {
  await stepcast.untilState(id, ['SUCCEEDED']);
  const { submission } = await stepcast.gql<{
    submission: { steps: { nodes: { name: string; cached: boolean }[] }; outputs: { told: { size: number } } };
  }>(`query ($id: ID!) { submission(id: $id) { outputs steps { nodes { name cached } } } }`, { id });
  const ran = submission.steps.nodes.filter(({ cached }) => !cached).map(({ name }) => name);
  return { ran, bytes: submission.outputs.told.size };
}

test('with a changed input only what it reaches runs, on the files of the earlier one', async () => {
  const { submission } = await rerun({ inputs: { second: 'longer' } });
  expect(await endOf(submission?.id ?? '')).toEqual({ ran: ['two'], bytes: 'xalonger'.length });
  const links = await stepcast.gql(
    `query ($id: ID!) { submission(id: $id) { label rerunOf { id reruns { nodes { id } } } inputs } }`,
    { id: submission?.id },
  );
  expect(links).toMatchObject({
    submission: {
      label: 'mine',
      rerunOf: { id: earlier, reruns: { nodes: [{ id: submission?.id }] } },
      inputs: { first: 'a', second: 'longer', text: { size: 1 } },
    },
  });
});

test('from a step on, it and what stands after it run, and deleting the earlier one takes nothing away', async () => {
  const { submission } = await rerun({ from: ['one'], label: 'again', idempotencyKey: 'k' });
  const id = submission?.id ?? '';
  expect(await rerun({ from: ['one'], label: 'again', idempotencyKey: 'k' })).toMatchObject({ submission: { id } });
  expect(await endOf(id)).toEqual({ ran: ['one', 'two'], bytes: 3 });
  const copy = (await rerun({ id, label: 'copy' })).submission?.id ?? '';
  expect(await endOf(copy)).toEqual({ ran: [], bytes: 3 });
  await stepcast.gql(`mutation ($id: ID!) { deleteSubmission(input: { id: $id }) { deletedId } }`, { id });
  const left = await stepcast.gql(
    `query ($id: ID!) { submission(id: $id) { rerunOf { id } inputFiles { nodes { name } } results { nodes { name } } } }`,
    { id: copy },
  );
  expect(left).toMatchObject({
    submission: { rerunOf: null, inputFiles: { nodes: [{}] }, results: { nodes: [{}, {}, {}] } },
  });
});

test('without reuse every step runs', async () => {
  const { submission } = await rerun({ reuse: false });
  expect(await endOf(submission?.id ?? '')).toEqual({ ran: ['one', 'two', 'aside'], bytes: 3 });
});

test('the command runs it again', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [
    path.resolve('dist/src/cli/main.js'),
    ...['rerun', earlier, '--from', 'two', '-i', 'second=zz', '--url', stepcast.url],
  ]);
  expect(await endOf(stdout.trim())).toEqual({ ran: ['two'], bytes: 4 });
});

test('what cannot be is told: a step or an input that is not there, a part of a step, a submission that is gone', async () => {
  expect(await rerun({ from: ['three', 'one[2]'] })).toEqual({
    submission: null,
    userErrors: [
      {
        code: 'BAD_INPUT',
        message: 'Job "talk" has no step "three"; it has: one, two, aside.',
        field: ['input', 'from', '0'],
      },
      {
        code: 'BAD_INPUT',
        message: '"one[2]" is a part of step "one"; name the step itself.',
        field: ['input', 'from', '1'],
      },
    ],
  });
  expect(await rerun({ inputs: { third: 1, first: 7 } })).toMatchObject({
    submission: null,
    userErrors: [{ field: ['input', 'inputs', 'third'] }, { field: ['input', 'inputs', 'first'] }],
  });
  expect(await rerun({ inputs: { first: null } })).toMatchObject({
    userErrors: [{ message: 'Input "first" is required.' }],
  });
});

test('the current version of the job runs when it is asked for, and what did not change is taken', async () => {
  await stepcast.define(
    DEFINITIONS.replace('word: second }', "word: { value: '!!' } }").replace(
      ', second: { type: string, default: b }',
      '',
    ),
  );
  const old = (await rerun({})).submission?.id ?? '';
  expect(await endOf(old)).toEqual({ ran: [], bytes: 3 });
  const latest = (await rerun({ latest: true })).submission?.id ?? '';
  expect(await endOf(latest)).toEqual({ ran: ['two'], bytes: 4 });
});
