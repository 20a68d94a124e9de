/** Definitions are live: from files and by mutation, each change a version, each fault told with its place. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { makeGate } from './support/gate';
import { mutationsOf } from './support/mutations';
import { resultsOf } from './support/results';
import { startStepcast, type Stepcast } from './support/stepcast';
import { eventually } from './support/wait';

let folder: string;
let stepcast: Stepcast;

beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'stepcast-jobs-'));
  stepcast = await startStepcast({ jobFolders: [folder] });
}, 60_000);
afterAll(async () => {
  await stepcast.stop();
  await rm(folder, { recursive: true });
}, 30_000);

const version = (text: string): string => `
task: say-it
shell: true
command: |
  while [ ! -e "$gate/open" ]; do sleep 0.05; done
  echo ${text}
parameters: { gate: { type: string } }
stdout: '*.said'
---
job: from-file
description: Says ${text}.
inputs: { gate: string }
steps: { say: { task: say-it, in: { gate: gate } } }
`;
const described = (text: string): Promise<unknown> =>
  eventually(
    `the schema says ${text}`,
    async () => (await mutationsOf(stepcast)).get('runFromFile') === `Says ${text}.`,
  );

test('follow their file; what runs keeps its version; a bad edit is told and changes nothing', async () => {
  const file = path.join(folder, 'from-file.yaml');
  const gate = await makeGate();
  await writeFile(file, version('one'));
  await described('one');
  const running = await stepcast.submit('from-file', { gate: gate.folder });
  await stepcast.untilState(running, ['RUNNING']);
  await writeFile(file, version('two'));
  await described('two');

  const [api] = stepcast.apis;
  const from = api?.output().length ?? 0;
  await writeFile(file, version('three').replace('inputs: { gate: string }', 'inputs: { gate: strin }'));
  const [told] = (await api?.says(/from-file\.yaml:12:17: [^"]*strin\b.*/, from)) ?? [];
  expect(told).toContain('string');
  expect((await mutationsOf(stepcast)).get('runFromFile')).toBe('Says two.');

  const later = await stepcast.submit('from-file', { gate: gate.folder });
  await gate.open();
  for (const [id, text] of [
    [running, 'one\n'],
    [later, 'two\n'],
  ] as const) {
    await stepcast.untilState(id, ['SUCCEEDED']);
    expect((await resultsOf(stepcast, id))[0]?.text).toBe(text);
  }
  await writeFile(file, version('four'));
  await described('four');
  await rm(file);
  await eventually('it is gone', async () => !(await mutationsOf(stepcast)).has('runFromFile'));
  await gate.remove();
});

test('by mutation: faults come with their place, and nothing is changed', async () => {
  const before = await stepcast.sql('select count(*) from definition_version');
  const { applyDefinitions } = await stepcast.gql<{ applyDefinitions: { userErrors: unknown } }>(
    `mutation ($source: String!) { applyDefinitions(input: { source: $source }) { userErrors { code message field } } }`,
    { source: 'task: fine\ncommand: echo\n---\njob: broken\nsteps: { one: { task: fien } }\n' },
  );
  expect(applyDefinitions.userErrors).toEqual([
    {
      code: 'INVALID_DEFINITION',
      field: expect.any(Array) as unknown,
      message: expect.stringMatching(/5:\d+.*fien.*fine/) as unknown,
    },
  ]);
  expect(await stepcast.sql('select count(*) from definition_version')).toEqual(before);
  const { defineTask } = await stepcast.gql<{ defineTask: { tasks: { name: string; version: number }[] } }>(
    `mutation { defineTask(input: { name: "fine", command: "echo fine" }) { tasks { name version } userErrors { message } } }`,
  );
  expect(defineTask.tasks).toEqual([{ name: 'fine', version: 1 }]);
  const { defineJob } = await stepcast.gql<{ defineJob: { jobs: { mutationField: string }[] } }>(
    `mutation { defineJob(input: { name: "fine-job", steps: { one: { task: "fine" } } }) { jobs { mutationField } userErrors { message } } }`,
  );
  expect(defineJob.jobs).toEqual([{ mutationField: 'runFineJob' }]);
  await eventually('it is served', async () => (await mutationsOf(stepcast)).has('runFineJob'));
});
