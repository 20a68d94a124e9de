import type { InputPort } from '../../../src/domain/definitions';
import { scalar, type Value, type ValueType } from '../../../src/domain/values';
import { createBench, inputPort, outputPort, task, type Bench } from '../support';

let bench: Bench;
beforeEach(() => (bench = createBench()));
afterEach(() => bench.close());

const FILES: ValueType = { kind: 'array', items: scalar('File') };
const INDEX = [{ pattern: '.idx', required: true }];
const withIndex = (port: InputPort): InputPort => ({ ...port, secondaryFiles: INDEX });
const indexed = async (name: string, content: string) => ({
  ...(await bench.file(name, content)),
  secondaryFiles: [await bench.file(`${name}.idx`, `index of ${content}`)],
});

describe('files that belong to an output', () => {
  const sorted = (secondaryFiles: { pattern: string; required: boolean }[]) =>
    outputPort('sorted', { glob: '*.txt', format: 'sorted-text', secondaryFiles });

  test('are collected with it, and stored', async () => {
    const { outputs } = await bench.run(
      task(['sh', '-c', 'echo a > a.txt; echo i > a.txt.idx; echo d > a.dict; mkdir a.parts; echo p > a.parts/p'], {
        outputs: [sorted([...INDEX, { pattern: '^.dict', required: true }, { pattern: '^.parts', required: true }])],
      }),
    );
    expect(outputs.sorted).toMatchObject({
      name: 'a.txt',
      format: 'sorted-text',
      secondaryFiles: [{ name: 'a.txt.idx' }, { name: 'a.dict' }, { class: 'Directory', name: 'a.parts' }],
    });
    const { secondaryFiles } = outputs.sorted as { secondaryFiles: Value[] };
    expect(await bench.content(secondaryFiles[1])).toBe('d\n');
  });

  test('are found beside each file of a list, in its own folder', async () => {
    const list = outputPort('all', { glob: '**/*.txt', type: FILES, secondaryFiles: INDEX });
    const { outputs } = await bench.run(
      task(['sh', '-c', 'mkdir d; for f in x.txt d/x.txt; do echo $f > $f; echo of $f > $f.idx; done'], {
        outputs: [list],
      }),
    );
    const contents = (outputs.all as { secondaryFiles: Value[] }[]).map(({ secondaryFiles }) =>
      bench.content(secondaryFiles[0]),
    );
    expect(await Promise.all(contents)).toEqual(['of d/x.txt\n', 'of x.txt\n']);
  });

  test('fail the step when they must be there and are not', async () => {
    const spec = task(['touch', 'a.txt'], { outputs: [sorted([...INDEX, { pattern: '.old', required: false }])] });
    const outcome = await bench.run(spec);
    expect(outcome.state).toBe('FAILED');
    expect(outcome.message).toContain('`sorted` (beside `a.txt` there is no `a.txt.idx`)');
    expect(await bench.run({ ...spec, missingOutput: 'CONTINUE' })).toMatchObject({
      state: 'SUCCEEDED',
      outputs: { sorted: { name: 'a.txt' } },
    });
  });
});

describe('files that belong to an input', () => {
  test('lie beside it', async () => {
    const { output } = await bench.run(
      task({ script: 'cat "$in" "$in.idx"' }, { inputs: [withIndex(inputPort('in'))] }),
      { in: await indexed('a b.txt', 'one\n') },
    );
    expect(output).toBe('one\nindex of one\n');
  });

  test('stay with their own file where several have one name', async () => {
    const port = { ...inputPort('in', FILES), secondaryFiles: [{ pattern: '.idx', required: false }] };
    const script = 'for f in $in; do cat $f; if [ -e $f.idx ]; then cat $f.idx; fi; done';
    const { output } = await bench.run(task({ script }, { inputs: [port] }), {
      in: [await indexed('x', '1\n'), await indexed('x', '2\n'), await bench.file('x.idx', '3\n')],
    });
    expect(output).toBe('1\nindex of 1\n2\nindex of 2\n3\n');
  });

  test('fail the step before it starts when they must be there and are not', async () => {
    const outcome = await bench.run(task(['echo', 'started'], { inputs: [withIndex(inputPort('in'))] }), {
      in: await bench.file('a.txt', ''),
    });
    expect(outcome).toMatchObject({ state: 'FAILED', retryable: false, output: '' });
    expect(outcome.message).toContain('Input `in` needs `a.txt.idx` beside `a.txt`');
  });
});

describe('data with files inside', () => {
  const sample: ValueType = {
    kind: 'record',
    fields: [
      { name: 'name', type: scalar('string') },
      { name: 'reads', type: scalar('File') },
    ],
  };
  const show = { kind: 'input', port: 'in' } as const;

  test('is JSON in which each file has its path', async () => {
    const { output } = await bench.run(task(['printf', '%s\n', show], { inputs: [inputPort('in', sample)] }), {
      in: { name: 's1', reads: await bench.file('r.txt', 'ACGT') },
    });
    expect(JSON.parse(output)).toMatchObject({
      name: 's1',
      reads: { class: 'File', path: expect.stringMatching(/\/r\.txt$/) as string },
    });
  });

  test('in a list is one text for each item', async () => {
    const list: ValueType = { kind: 'array', items: sample };
    const { output } = await bench.run(task(['printf', '%s\n', show], { inputs: [inputPort('in', list)] }), {
      in: [
        { name: 's1', reads: await bench.file('r.txt', 'A') },
        { name: 's2', reads: await bench.file('r.txt', 'C') },
      ],
    });
    const items = output
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { name: string; reads: { path: string } });
    expect(items.map(({ name }) => name)).toEqual(['s1', 's2']);
    expect(new Set(items.map(({ reads }) => reads.path)).size).toBe(2);
  });

  test('without files stays as it was written', async () => {
    const values = { kind: 'array', items: { kind: 'union', types: [scalar('null'), scalar('int')] } } as const;
    const { output } = await bench.run(task(['echo', show], { inputs: [inputPort('in', values)] }), { in: [1, 2] });
    expect(output).toBe('1 2\n');
  });
});

test('a folder that one step makes is a folder for the next', async () => {
  const made = await bench.run(
    task(
      ['sh', '-c', 'mkdir -p site/img; echo page > site/index.html; echo dot > site/img/dot.gif; mkdir site/empty'],
      {
        outputs: [outputPort('site', { type: scalar('Directory') })],
      },
    ),
  );
  expect(made).toMatchObject({ state: 'SUCCEEDED', outputs: { site: { class: 'Directory', name: 'site' } } });
  const used = await bench.run(
    task(
      { script: 'cd "$site"; find . | sort; cat img/dot.gif' },
      { inputs: [inputPort('site', scalar('Directory'))] },
    ),
    made.outputs,
  );
  expect(used.output).toBe('.\n./empty\n./img\n./img/dot.gif\n./index.html\ndot\n');
});
