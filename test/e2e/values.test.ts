/** Every type of the value system, from a typed mutation through tasks to the outputs of the job. */
import { mutationsOf } from './support/mutations';
import { resultsOf } from './support/results';
import { startStepcast, type Stepcast } from './support/stepcast';
import { eventually } from './support/wait';

/** A job that gives each of its inputs back: through a port as a word of the command, read again as JSON. */
const TYPES: Readonly<Record<string, string>> = {
  flag: 'boolean',
  small: 'int',
  large: 'long',
  single: 'float',
  real: 'double',
  words: 'string',
  choice: '{ enum: [most-frequent, rare] }',
  list: "'int[]'",
  grid: "'int[][]'",
  'some-record': '{ record: { first-name: string, sizes: "int[]", kind: { enum: [a-b, c] }, note: "string?" } }',
  records: '{ array: { record: { n: int } } }',
  either: '[int, { record: { n: int } }]',
  anything: 'Any',
  perhaps: "'int?'",
};
const names = Object.keys(TYPES);
const ECHO = `
task: echo-values
shell: true
command: |
  for pair in ${names.map((name) => `"${name}=$${name.replaceAll('-', '_')}"`).join(' ')}; do echo "$pair"; done
inputs: { ${names.map((name) => `${name}: { type: ${TYPES[name]} }`).join(', ')} }
outputs: { seen: { from: stdout, read: text, type: string } }
---
job: echo-all
inputs: { ${names.map((name) => `${name}: { type: ${TYPES[name]} }`).join(', ')} }
steps: { echo: { task: echo-values, in: { ${names.map((name) => `${name}: ${name}`).join(', ')} } } }
---
task: make-values
command: ['printf', '%s', '{ "n": 7, "list": [1, 2], "deep": { "on": true, "none": null } }']
outputs:
  record: { from: stdout, read: json, type: { record: { n: int, list: 'int[]', deep: Any } } }
  any: { from: stdout, read: json }
---
task: make-list
shell: true
command: echo '[{"n":1},{"n":2}]'
outputs: { list: { from: stdout, read: json, type: { array: { record: { n: long } } } } }
---
task: make-single
shell: true
command: echo rare; echo 9007199254740991 > n; echo 1e300 > d; echo true > b
outputs:
  choice: { from: stdout, read: text, enum: [most-frequent, rare] }
  long: { glob: n, read: text, type: long }
  double: { glob: d, read: text, type: double }
  flag: { glob: b, read: text, type: boolean }
  missing: { glob: nothing, read: text, type: 'int?' }
---
task: take-values
command: ['printf', '%s|', $I1, $I2, $I3, $P1]
inputs: { record: { type: { record: { n: int, list: 'int[]', deep: Any } } }, list: { array: { record: { n: long } } }, choice: string }
parameters: { long: long }
outputs: { seen: { from: stdout, read: text } }
---
job: pass-values
steps:
  values: { task: make-values }
  list: { task: make-list }
  single: { task: make-single }
  take: { task: take-values, in: { record: values.record, list: list.list, choice: single.choice, long: single.long } }
outputs:
  record: values.record
  any: values.any
  list: list.list
  choice: single.choice
  long: single.long
  double: single.double
  flag: single.flag
  missing: single.missing
  seen: take.seen
---
job: with-defaults
inputs:
  some-record: { type: { record: { first-name: string, n: int } }, default: { first-name: Ada, n: 3 } }
  list: { type: 'double[]', default: [0.5, 2] }
  large: { type: long, default: 4294967296 }
  choice: { enum: [a-b, c], default: a-b }
steps: { show: { task: show-defaults, in: { some-record: some-record, list: list, large: large, choice: choice } } }
---
task: show-defaults
command: ['printf', '%s|', $I1, $I2, $I3, $I4]
inputs: { some-record: { record: { first-name: string, n: int } }, list: 'double[]', large: long, choice: { enum: [a-b, c] } }
outputs: { seen: { from: stdout, read: text } }
`;

const DATA = `
task: index
shell: true
command: sort "$text" > "$sorted"; wc -l < "$sorted" > "$sorted.idx"
inputs: { text: { type: File, format: text } }
outputs: { sorted: { path: sorted.txt, format: sorted-text, secondary: [.idx, '^.log?'] } }
---
task: use-index
shell: true
command: cat "$sorted.idx" "$sorted"
inputs: { sorted: { type: File, format: sorted-text, secondary: .idx } }
stdout: shown.txt
---
job: index-and-use
inputs: { text: File }
steps: { index: { task: index, in: { text: text } }, use: { task: use-index, in: { sorted: index.sorted } } }
outputs: { sorted: index.sorted, shown: use.stdout }
---
job: use-sorted
inputs: { sorted: File }
steps: { use: { task: use-index, in: { sorted: sorted } } }
---
task: build-site
shell: true
command: mkdir site; cp -r "$source" site/source; (cd site && find . -type f | sort) > site/list.txt
inputs: { source: Directory }
outputs: { site: { glob: site, type: Directory } }
---
task: read-site
shell: true
command: cat "$site/list.txt" "$site/source/sub/b.txt"
inputs: { site: Directory }
stdout: seen.txt
---
job: copy-site
inputs: { source: Directory }
steps: { build: { task: build-site, in: { source: source } }, read: { task: read-site, in: { site: build.site } } }
outputs: { site: build.site, seen: read.stdout }
---
task: name-files
shell: true
command: printf '%s\\n' "$data"
inputs: { data: Any }
stdout: seen.json
---
job: any-data
inputs: { data: Any }
steps: { name: { task: name-files, in: { data: data } } }
---
job: file-or-text
inputs: { data: { type: [string, File] } }
steps: { name: { task: name-files, in: { data: data } } }
`;

interface Payload {
  readonly submission: { readonly id: string } | null;
  readonly userErrors: readonly { readonly code: string; readonly message: string; readonly field: string[] }[];
}

let stepcast: Stepcast;
beforeAll(async () => {
  stepcast = await startStepcast();
  await stepcast.define(ECHO);
  await stepcast.define(DATA);
  await eventually('the typed mutations are there', async () => (await mutationsOf(stepcast)).has('runFileOrText'));
}, 60_000);
afterAll(() => stepcast.stop(), 30_000);

async function run(job: string, input: object | null): Promise<Payload> {
  const reply = await stepcast.gql<Record<string, Payload>>(
    input === null
      ? `mutation { run${job} { submission { id } userErrors { code message field } } }`
      : `mutation ($input: Run${job}Input!) { run${job}(input: $input) { submission { id } userErrors { code message field } } }`,
    { input },
  );
  const payload = reply[`run${job}`];
  if (!payload) throw new Error(`no answer for ${job}`);
  return payload;
}

/** The outputs of a run that succeeds. */
async function outputsOf(job: string, input: object | null): Promise<{ id: string; outputs: Record<string, unknown> }> {
  const { submission, userErrors } = await run(job, input);
  expect(userErrors).toEqual([]);
  const id = submission?.id ?? '';
  await stepcast.untilState(id, ['SUCCEEDED']);
  const read = await stepcast.gql<{ submission: { outputs: Record<string, unknown> } }>(
    'query ($id: ID!) { submission(id: $id) { outputs } }',
    { id },
  );
  return { id, outputs: read.submission.outputs };
}

test('a value of every type passes a typed mutation and reaches the command', async () => {
  const { outputs } = await outputsOf('EchoAll', {
    flag: true,
    small: -3,
    large: 9007199254740991,
    single: 0.5,
    real: 1e300,
    words: 'a "b" $c',
    choice: 'most_frequent',
    list: [1, 2],
    grid: [[1], [2, 3]],
    someRecord: { firstName: 'Ada', sizes: [4], kind: 'a_b' },
    records: [{ n: 1 }, { n: 2 }],
    either: { n: 5 },
    anything: { deep: [null, { x: 1 }] },
  });
  const seen = String(outputs['seen']).split('\n');
  expect(seen).toEqual([
    'flag=true',
    'small=-3',
    'large=9007199254740991',
    'single=0.5',
    'real=1e+300',
    'words=a "b" $c',
    'choice=most-frequent',
    'list=1',
    '2',
    'grid=[1]',
    '[2,3]',
    expect.stringMatching(/^some-record=/),
    'records={"n":1}',
    '{"n":2}',
    'either={"n":5}',
    'anything={"deep":[null,{"x":1}]}',
    'perhaps=',
  ]);
  const record = seen.find((line) => line.startsWith('some-record='))?.slice('some-record='.length) ?? '';
  expect(JSON.parse(record)).toEqual({ 'first-name': 'Ada', sizes: [4], kind: 'a-b' });
});

test('values that a command gives pass to the next step and become outputs of the job', async () => {
  const { outputs } = await outputsOf('PassValues', null);
  const made = { n: 7, list: [1, 2], deep: { on: true, none: null } };
  const { seen, ...others } = outputs;
  expect(others).toEqual({
    record: made,
    any: made,
    list: [{ n: 1 }, { n: 2 }],
    choice: 'rare',
    long: 9007199254740991,
    double: 1e300,
    flag: true,
    missing: null,
  });
  const [record, first, second, choice, long] = String(seen).split('|');
  expect(JSON.parse(record ?? '')).toEqual(made);
  expect([first, second, choice, long]).toEqual(['{"n":1}', '{"n":2}', 'rare', '9007199254740991']);
});

test('defaults of every kind are shown in the schema and used', async () => {
  const { __type } = await stepcast.gql<{ __type: { inputFields: { name: string; defaultValue: string }[] } }>(
    '{ __type(name: "RunWithDefaultsInput") { inputFields { name defaultValue } } }',
  );
  expect(Object.fromEntries(__type.inputFields.map(({ name, defaultValue }) => [name, defaultValue]))).toEqual({
    someRecord: '{firstName: "Ada", n: 3}',
    list: '[0.5, 2]',
    large: '4294967296',
    choice: 'a_b',
  });
  const { outputs } = await outputsOf('WithDefaults', {});
  const [record, ...rest] = String(outputs['seen']).split('|');
  expect(JSON.parse(record ?? '')).toEqual({ 'first-name': 'Ada', n: 3 });
  expect(rest).toEqual(['0.5', '2', '4294967296', 'a-b', '']);
});

test('a file keeps its format and what belongs to it, from step to step, in the API, and as an input again', async () => {
  const { id } = await outputsOf('IndexAndUse', { text: { text: 'b\na\n', name: 'in.txt' } });
  const { submission } = await stepcast.gql<{
    submission: {
      outputFiles: { nodes: { output: string; sha256: string; checksum: string; secondaryFiles: { url: string }[] }[] };
    };
  }>(
    `query ($id: ID!) { submission(id: $id) { outputFiles { nodes {
       output basename format sha256 checksum secondaryFiles { name url } } } } }`,
    { id },
  );
  const [shown, sorted] = [...submission.outputFiles.nodes].sort((a, b) => (a.output < b.output ? -1 : 1));
  expect(shown).toMatchObject({ output: 'shown', format: null, secondaryFiles: [] });
  expect(sorted).toMatchObject({
    output: 'sorted',
    basename: 'sorted.txt',
    format: 'sorted-text',
    checksum: `sha256$${sorted?.sha256}`,
    secondaryFiles: [{ name: 'sorted.txt.idx' }],
  });
  const index = await fetch(sorted?.secondaryFiles[0]?.url ?? '');
  expect((await index.text()).trim()).toBe('2');

  const results = await resultsOf(stepcast, id);
  expect(results.map(({ name, text }) => [name, text.trim()])).toEqual([
    ['sorted.txt', 'a\nb'],
    ['sorted.txt.idx', '2'],
    ['shown.txt', '2\na\nb'],
  ]);
  // The earlier result brings its index along.
  await outputsOf('UseSorted', { sorted: { result: results[0]?.id } });
  const given = { text: 'x\n', name: 'x.txt', secondaryFiles: [{ text: 'given', name: 'x.txt.idx' }] };
  const { outputs } = await outputsOf('UseSorted', { sorted: given });
  expect(outputs).toMatchObject({ stdout: { size: 'givenx\n'.length } });
});

test('a file without what must be beside it, or of another format, is refused', async () => {
  const lacking = await run('UseSorted', { sorted: { text: 'x\n', name: 'x.txt' } });
  expect(lacking.userErrors).toEqual([
    {
      code: 'BAD_INPUT',
      message: `Input "sorted": beside 'x.txt', x.txt.idx must be given (secondaryFiles).`,
      field: ['input', 'sorted'],
    },
  ]);
  const { id } = await outputsOf('IndexAndUse', { text: { text: 'b\na\n', name: 'in.txt' } });
  const [sorted] = await resultsOf(stepcast, id);
  const other = await run('IndexAndUse', { text: { result: sorted?.id } });
  expect(other.userErrors[0]?.message).toContain("'sorted.txt' is sorted-text, and text is expected");
  const twice = { text: '', name: 'x', secondaryFiles: [{ text: '', name: 'x' }] };
  expect((await run('UseSorted', { sorted: twice })).userErrors[0]?.message).toContain("beside 'x' have one name");
});

test('a folder is an input, a result of a step, an input of the next, and an output of the job', async () => {
  const source = {
    name: 'pages',
    files: [{ text: 'a', name: 'a.txt' }],
    directories: [{ name: 'sub', files: [{ text: 'b\n', name: 'b.txt' }] }],
  };
  const { id, outputs } = await outputsOf('CopySite', { source });
  expect(outputs['site']).toMatchObject({
    class: 'Directory',
    name: 'site',
    entries: [
      { name: 'list.txt' },
      { class: 'Directory', name: 'source', entries: [{ name: 'a.txt' }, { name: 'sub' }] },
    ],
  });
  const results = await resultsOf(stepcast, id);
  const seen = results.find(({ name }) => name === 'seen.txt');
  expect(seen?.text).toBe('./list.txt\n./source/a.txt\n./source/sub/b.txt\nb\n');
  expect(results.map(({ name }) => name).sort()).toEqual(['a.txt', 'b.txt', 'list.txt', 'seen.txt']);
});

test('a folder that cannot be is refused, where it is wrong', async () => {
  const errors = async (source: object) => (await run('CopySite', { source })).userErrors;
  const two = [
    { text: '1', name: 'a' },
    { text: '2', name: 'a' },
  ];
  expect(await errors({ files: two })).toMatchObject([{ message: expect.stringContaining('have one name') as string }]);
  const nameless = { directories: [{ files: [{ name: 'x' }] }] };
  expect(await errors(nameless)).toMatchObject([{ field: ['input', 'source', 'directories', '0', 'files', '0'] }]);
  const deep = Array.from({ length: 20 }).reduce<object>((inner) => ({ name: 'd', directories: [inner] }), {});
  expect(await errors(deep)).toMatchObject([{ code: 'LIMIT_EXCEEDED' }]);
});

test('where anything may stand, a file says that it is one, and no content can be named by its hash', async () => {
  const data = { list: [{ class: 'File', text: 'hello', name: 'h.txt' }], text: 'no file' };
  const { id } = await outputsOf('AnyData', { data });
  const [seen] = await resultsOf(stepcast, id);
  expect(JSON.parse(seen?.text ?? '')).toMatchObject({
    list: [{ class: 'File', name: 'h.txt', path: expect.stringMatching(/\/h\.txt$/) as string }],
    text: 'no file',
  });
  const named = { class: 'File', name: 'x', sha256: 'a'.repeat(64), size: 1, mediaType: 'text/plain' };
  for (const given of [named, [named], { class: 'Directory', name: 'd', entries: [named] }]) {
    expect((await run('AnyData', { data: given })).userErrors).toMatchObject([{ code: 'BAD_INPUT' }]);
  }
});

test('where a file or a text may stand, each is taken for what it is', async () => {
  const text = await outputsOf('FileOrText', { data: 'plain' });
  expect((await resultsOf(stepcast, text.id))[0]?.text).toBe('plain\n');
  const file = await outputsOf('FileOrText', { data: { text: 'x', name: 'x.txt' } });
  expect((await resultsOf(stepcast, file.id))[0]?.text).toMatch(/\/x\.txt\n$/);
  expect((await run('FileOrText', { data: 3 })).userErrors).toMatchObject([{ code: 'BAD_INPUT' }]);
});
