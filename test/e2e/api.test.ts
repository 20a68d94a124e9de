/** What a client can ask for: typed mutations, checked data, files in and out. */
import { mutationsOf } from './support/mutations';
import { resultsOf } from './support/results';
import { startStepcast, type Stepcast } from './support/stepcast';
import { eventually } from './support/wait';

const JOBS = `
task: take
command: head -n $VALUE $I1
inputs: { text: File }
parameters: { lines: { type: int } }
stdout: taken
outputs: { taken: '*.taken' }
---
task: order
shell: true
command: if [ "$order" = by-name ]; then sort "$text"; else cat "$text"; fi
inputs: { text: File }
parameters: { order: { type: string } }
stdout: ordered
outputs: { ordered: '*.ordered' }
---
job: take-lines
description: Takes the first lines of a table.
inputs:
  text:
    type: File
    description: A table.
    validate: [csv: { columns: { name: string, age: { type: int } } }]
  lines: { type: int, description: How many., default: 2, min: 1, max: 9 }
  order: { enum: [as-given, by-name], description: The order., default: as-given }
steps:
  order: { task: order, in: { text: text, order: order } }
  take: { task: take, in: { text: order.ordered, lines: lines } }
outputs: { taken: take.taken }
---
job: cut
inputs: { text: File, lines: int }
steps: { take: { task: take, in: { text: text, lines: lines } } }
`;
const TABLE = 'name,age\nada,36\nbob,40\n';
const ROWS = `select (select count(*)::int from submission) as submissions, (select count(*)::int from step_run) as steps,
  (select count(*)::int from batch) as batches, (select count(*)::int from artifact where step_run_id is null) as inputs`;

interface Payload {
  readonly submission: { readonly id: string; readonly inputs: Record<string, unknown> } | null;
  readonly userErrors: readonly { readonly code: string; readonly message: string; readonly field: string[] }[];
}

let stepcast: Stepcast;

beforeAll(async () => {
  stepcast = await startStepcast();
  await stepcast.define(JOBS);
  await eventually('the typed mutations are there', async () => (await mutationsOf(stepcast)).has('runCut'));
}, 60_000);
afterAll(() => stepcast.stop(), 30_000);

async function take(input: string, options = ''): Promise<Payload> {
  const { runTakeLines } = await stepcast.gql<{ runTakeLines: Payload }>(
    `mutation ($text: String!) { runTakeLines(input: ${input}, ${options}) {
      submission { id inputs } userErrors { code message field } } }`,
    { text: TABLE },
  );
  return runTakeLines;
}

async function refusal(job: string, inputs: object): Promise<Payload['userErrors']> {
  const before = await stepcast.sql(ROWS);
  const { submitJob } = await stepcast.gql<{ submitJob: Payload }>(
    `mutation ($input: SubmitJobInput!) { submitJob(input: $input) {
      submission { id inputs } userErrors { code message field } } }`,
    { input: { job, inputs } },
  );
  expect(submitJob.submission).toBeNull();
  expect(await stepcast.sql(ROWS)).toEqual(before);
  return submitJob.userErrors;
}

describe('a typed mutation', () => {
  test('has its own input type with what is required, enums, defaults, ranges and descriptions', async () => {
    const { input, order } = await stepcast.gql<{ input: { inputFields: unknown[] }; order: unknown }>(`{
      input: __type(name: "RunTakeLinesInput") {
        inputFields { name description defaultValue type { kind name ofType { name } } }
      }
      order: __type(name: "RunTakeLinesInputOrder") { kind enumValues { name } }
    }`);
    expect((await mutationsOf(stepcast)).get('runTakeLines')).toBe('Takes the first lines of a table.');
    expect(order).toEqual({ kind: 'ENUM', enumValues: [{ name: 'as_given' }, { name: 'by_name' }] });
    expect(input.inputFields).toEqual([
      {
        name: 'text',
        description: 'A table.',
        defaultValue: null,
        type: { kind: 'NON_NULL', name: null, ofType: { name: 'FileInput' } },
      },
      {
        name: 'lines',
        description: 'How many. From 1 to 9.',
        defaultValue: '2',
        type: { kind: 'SCALAR', name: 'Int', ofType: null },
      },
      {
        name: 'order',
        description: 'The order.',
        defaultValue: 'as_given',
        type: { kind: 'ENUM', name: 'RunTakeLinesInputOrder', ofType: null },
      },
    ]);
  });

  test('runs with defaults and enum values, and the job gets its own words for them', async () => {
    const { submission, userErrors } = await take('{ text: { text: $text }, order: by_name }');
    expect(userErrors).toEqual([]);
    expect(submission?.inputs).toMatchObject({ lines: 2, order: 'by-name' });
    await stepcast.untilState(submission?.id ?? '', ['SUCCEEDED']);
    const results = await resultsOf(stepcast, submission?.id ?? '');
    expect(results.find(({ port }) => port === 'taken')?.text).toBe('ada,36\nbob,40\n');
  });

  test('says what is out of bounds, and where', async () => {
    const { submission, userErrors } = await take('{ text: { text: $text }, lines: 12 }');
    expect(submission).toBeNull();
    expect(userErrors).toEqual([
      { code: 'BAD_INPUT', field: ['input', 'lines'], message: expect.stringMatching(/lines.*9/) as unknown },
    ]);
  });

  test('is refused by its types before anything runs', async () => {
    const { status, errors } = await stepcast.reply(
      `mutation { runTakeLines(input: { text: { text: "a" }, lines: "many", order: UPSIDE_DOWN }) { userErrors { code } } }`,
    );
    expect(status).toBe(400);
    expect(errors?.map(({ message }) => message)).toEqual([
      expect.stringContaining('Int cannot represent non-integer value: "many"'),
      expect.stringContaining('UPSIDE_DOWN'),
    ]);
    expect(errors?.[0]?.extensions?.['code']).toBe('GRAPHQL_VALIDATION_FAILED');
  });
});

describe('a refused submission stores nothing and says why', () => {
  test.each([
    ['an unknown job', 'no-such-job', {}, 'NOT_FOUND', ['input', 'job'], /no-such-job/],
    ['a missing input', 'cut', { lines: 1 }, 'BAD_INPUT', ['input', 'inputs', 'text'], /required/],
    ['a wrong type', 'cut', { text: { text: 'a' }, lines: 'x' }, 'BAD_INPUT', ['input', 'inputs', 'lines'], /int/],
    [
      'an unknown input',
      'cut',
      { text: { text: 'a' }, lines: 1, size: 2 },
      'BAD_INPUT',
      ['input', 'inputs', 'size'],
      /size.*text, lines/,
    ],
    ['data in no form', 'cut', { text: 'a', lines: 1 }, 'BAD_INPUT', ['input', 'inputs', 'text'], /\{text: "…"\}/],
    [
      'two forms at once',
      'cut',
      { text: { text: 'a', upload: 'b' }, lines: 1 },
      'BAD_INPUT',
      ['input', 'inputs', 'text'],
      /exactly one/,
    ],
    [
      'an unknown upload',
      'cut',
      { text: { upload: 'b' }, lines: 1 },
      'NOT_FOUND',
      ['input', 'inputs', 'text'],
      /no such upload/,
    ],
    [
      'an unknown result',
      'cut',
      { text: { result: 'b' }, lines: 1 },
      'NOT_FOUND',
      ['input', 'inputs', 'text'],
      /no such result/,
    ],
    [
      'bad data',
      'take-lines',
      { text: { text: 'name,age\nada,young\n' } },
      'REJECTED_DATA',
      ['input', 'inputs', 'text'],
      /line 2.*age/i,
    ],
  ])('%s', async (_name, job, inputs, code, field, message) => {
    expect(await refusal(job, inputs)).toEqual([{ code, field, message: expect.stringMatching(message) as unknown }]);
  });
});

test('the same idempotency key gives the same submission, and belongs to one request', async () => {
  const send = (lines: number): Promise<Payload> =>
    take(`{ text: { text: $text }, lines: ${lines} }`, 'options: { idempotencyKey: "once" }');
  const [first, ...others] = await Promise.all([1, 2, 3, 4, 5].map(() => send(1)));
  expect(first?.submission).not.toBeNull();
  for (const other of others) expect(other.submission?.id).toBe(first?.submission?.id);
  const before = await stepcast.sql('select count(*) from submission');
  expect(await send(1)).toEqual(first);
  const { submission, userErrors } = await send(2);
  expect(submission).toBeNull();
  expect(userErrors).toEqual([
    { code: 'CONFLICT', field: ['options', 'idempotencyKey'], message: expect.stringContaining('once') as unknown },
  ]);
  expect(await stepcast.sql('select count(*) from submission')).toEqual(before);
});

test('a file is sent by PUT, used, its result used again, and fetched in ranges by a signed address', async () => {
  const { createUpload } = await stepcast.gql<{ createUpload: { upload: { id: string; url: string } } }>(
    `mutation { createUpload(input: { name: "people.csv" }) { upload { id url } userErrors { message } } }`,
  );
  const { id: uploadId, url } = createUpload.upload;
  expect(await refusal('cut', { text: { upload: uploadId }, lines: 2 })).toMatchObject([
    { code: 'BAD_INPUT', message: expect.stringContaining('no data yet') as unknown },
  ]);
  expect((await fetch(url, { method: 'PUT', body: TABLE })).status).toBeLessThan(300);
  const first = await stepcast.submit('cut', { text: { upload: uploadId }, lines: 2 });
  await stepcast.untilState(first, ['SUCCEEDED']);
  const [taken] = await resultsOf(stepcast, first);
  if (!taken) throw new Error('no result');
  expect(taken.text).toBe('name,age\nada,36\n');

  const second = await stepcast.submit('cut', { text: { result: taken.id }, lines: 1 });
  await stepcast.untilState(second, ['SUCCEEDED']);
  expect((await resultsOf(stepcast, second))[0]?.text).toBe('name,age\n');

  const range = await fetch(taken.url, { headers: { range: 'bytes=5-7' } });
  expect([range.status, range.headers.get('content-range'), await range.text()]).toEqual([206, 'bytes 5-7/16', 'age']);
  expect(range.headers.get('content-disposition')).toContain('attachment');
  const tampered = [
    taken.url.replace(/signature=(.)/, (_whole, first: string) => `signature=${first === 'A' ? 'B' : 'A'}`),
    taken.url.replace(/expires=\d+/, 'expires=9999999999'),
    taken.url.replace(/[?].*/, ''),
  ];
  for (const address of tampered) {
    expect(address).not.toBe(taken.url);
    expect((await fetch(address)).status).toBe(403);
  }
});
