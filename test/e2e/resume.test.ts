/** Going on after a failure, from outside: real processes, one of which is killed. */
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { eventually } from './support/wait';
import { keyOf, startStepcast, type Stepcast } from './support/stepcast';

/** Each run notes itself, waits for a file if the word is `slow`, and fails for `bad` until a file says that all is mended. */
const JOB = `
tasks:
  note:
    shell: true
    command: |
      echo run > "$folder/ran-$word-$$"
      if [ "$word" = slow ]; then while [ ! -e "$folder/go" ]; do sleep 0.05; done; fi
      if [ "$word" = bad ] && [ ! -e "$folder/mended" ]; then exit 1; fi
      printf '%s' "$word"
    parameters: { word: string, folder: string }
    outputs: { out: { from: stdout, read: text, type: string } }
jobs:
  notes:
    inputs: { words: 'string[]', folder: string }
    steps:
      each: { task: note, scatter: word, in: { word: words, folder: folder } }
      last: { task: note, in: { word: { value: last }, folder: folder }, after: [each] }
    outputs: { all: each.out }
`;

let stepcast: Stepcast;
let folder: string;

beforeAll(async () => {
  stepcast = await startStepcast({ workers: 2, env: { STEPCAST_LEASE_SECONDS: '5' } });
  await stepcast.define(JOB);
}, 60_000);
beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'stepcast-resume-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));
afterAll(() => stepcast.stop(), 30_000);

const ran = async (): Promise<string[]> =>
  (await readdir(folder)).flatMap((name) => /^ran-(\w+)-/.exec(name)?.[1] ?? []).sort();
const make = (name: string): Promise<void> => writeFile(path.join(folder, name), '');
const resume = async (id: string) =>
  (
    await stepcast.gql<{ resumeSubmission: { submission: object | null; reopened: number; userErrors: object[] } }>(
      `mutation ($id: ID!) { resumeSubmission(input: { id: $id }) {
         submission { generation } reopened userErrors { code message field } } }`,
      { id },
    )
  ).resumeSubmission;

test('after a failure the rest runs, though a worker was killed as well, and a subscriber gets all of both', async () => {
  const id = await stepcast.submit('notes', { words: ['a', 'bad', 'slow'], folder });
  await eventually('all three run', async () => (await ran()).length === 3);
  await eventually(
    'one has failed',
    async () => (await stepcast.sql(`select from step_run where state = 'FAILED' and name = 'each[1]'`)).length === 1,
  );
  expect(await resume(id)).toMatchObject({
    submission: null,
    userErrors: [{ code: 'CONFLICT', field: ['input', 'id'] }],
  });
  // What runs is lost with its worker; the submission has failed already, so it is not tried again.
  await Promise.all(stepcast.workers.map((worker) => worker.end('SIGKILL')));
  await stepcast.startWorker();
  await stepcast.untilState(id, ['FAILED']);
  await make('go');
  await make('mended');
  expect(await resume(id)).toEqual({ submission: { generation: 2 }, reopened: 4, userErrors: [] });
  await stepcast.untilState(id, ['SUCCEEDED']);
  expect(await ran()).toEqual(['a', 'bad', 'bad', 'last', 'slow', 'slow']);

  const seen: { seq: number; type: string; state: string | null }[] = [];
  for await (const { submissionEvents } of stepcast.subscribe<{ submissionEvents: (typeof seen)[number] }>(
    `subscription ($id: ID!) { submissionEvents(id: $id) { seq type state } }`,
    { id },
  ))
    seen.push(submissionEvents);
  expect(seen.map(({ seq }) => seq)).toEqual(seen.map((_, index) => index + 1));
  expect(seen.flatMap(({ type, state }) => (type === 'SUBMISSION_STATE' ? [state] : []))).toEqual([
    'QUEUED',
    'RUNNING',
    'FAILED',
    'QUEUED',
    'RUNNING',
    'SUCCEEDED',
  ]);
  expect(await stepcast.gql(`query ($id: ID!) { submission(id: $id) { generation outputs } }`, { id })).toEqual({
    submission: { generation: 2, outputs: { all: ['a', 'bad', 'slow'] } },
  });
}, 60_000);

test('one element is cancelled while the others go on, and the command resumes what is left', async () => {
  const id = await stepcast.submit('notes', { words: ['a', 'slow', 'b'], folder });
  await eventually('all three run', async () => (await ran()).length === 3);
  await eventually(
    'two are done',
    async () => (await statesOf(id)).filter((state) => state === 'SUCCEEDED').length === 2,
  );
  const [slow] = await stepcast.sql<{ id: string }>(`select id from step_run where name = 'each[1]' order by id desc`);
  const stepRun = Buffer.from(`StepRun:${slow?.id}`).toString('base64url');
  const cancelled = await stepcast.gql(
    `mutation ($id: ID!) { cancelStepRun(input: { id: $id, reason: "Too slow." }) {
       stepRun { name } submission { message } userErrors { message } } }`,
    { id: stepRun },
  );
  expect(cancelled).toEqual({
    cancelStepRun: {
      stepRun: { name: 'each[1]' },
      submission: { message: 'Step "each[1]" failed: It was cancelled. Too slow.' },
      userErrors: [],
    },
  });
  await stepcast.untilState(id, ['FAILED']);
  expect(await statesOf(id)).toEqual(['FAILED', 'CANCELLED', 'SUCCEEDED', 'CANCELLED', 'SUCCEEDED']);
  const command = (...words: string[]) =>
    promisify(execFile)(process.execPath, [path.resolve('dist/src/cli/main.js'), ...words, '--url', stepcast.url]);
  await expect(command('cancel', stepRun)).rejects.toMatchObject({
    stderr: expect.stringContaining('It has ended already, as CANCELLED.') as string,
  });
  await make('go');
  const { stdout } = await command('resume', id, '--watch');
  expect(stdout).toContain('Resumed: 3 step runs go on');
  expect(stdout).toMatch(/^SUCCEEDED/m);
  expect(await ran()).toEqual(['a', 'b', 'last', 'slow', 'slow']);
}, 60_000);

const statesOf = async (id: string): Promise<string[]> =>
  (
    await stepcast.sql<{ state: string }>(`select state from step_run where submission_id = $1 order by id`, [
      keyOf(id),
    ])
  ).map(({ state }) => state);
