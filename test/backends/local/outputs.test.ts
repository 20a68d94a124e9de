import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { MAX_READ_BYTES } from '../../../src/backends/attempt/collectOutputs';
import type { OutputPort } from '../../../src/domain/definitions';
import { filesIn, optionalType, scalar, type ValueType } from '../../../src/domain/values';
import { createBench, outputPort, task, type Bench } from '../support';

let bench: Bench;
beforeEach(() => (bench = createBench()));
afterEach(() => bench.close());

const FILES: ValueType = { kind: 'array', items: scalar('File') };
const sh = (script: string, outputs: readonly OutputPort[], more = {}) =>
  task(['sh', '-c', script], { outputs, ...more });
const text = (name: string, type: ValueType = scalar('string')) => outputPort(name, { read: 'text', type });

describe('outputs', () => {
  test('are found by glob, also in folders, in order', async () => {
    const { outputs } = await bench.run(
      sh('mkdir -p a/b; echo 2 > b.txt; echo 1 > a.txt; echo 3 > a/b/c.txt; echo 4 > .hidden.txt; echo 5 > x.md', [
        outputPort('top', { glob: '*.txt', type: FILES }),
        outputPort('all', { glob: '**/*.txt', type: FILES }),
      ]),
    );
    expect(filesIn(outputs.top).map((file) => file.name)).toEqual(['.hidden.txt', 'a.txt', 'b.txt']);
    expect(filesIn(outputs.all)).toHaveLength(4);
  });

  test('of one base name both live', async () => {
    const { outputs } = await bench.run(
      sh('mkdir a b; echo one > a/x.txt; echo two > b/x.txt', [outputPort('all', { glob: '*/x.txt', type: FILES })]),
    );
    expect(await Promise.all(filesIn(outputs.all).map((file) => bench.content(file)))).toEqual(['one\n', 'two\n']);
  });

  test('keep names with spaces, Unicode and shell text', async () => {
    const { outputs } = await bench.run(
      task(['touch', 'a b.txt', '$(id).txt', 'Größe 🧬.txt'], {
        outputs: [outputPort('all', { glob: '*.txt', type: FILES })],
      }),
    );
    expect(filesIn(outputs.all).map((file) => file.name)).toEqual(['$(id).txt', 'Größe 🧬.txt', 'a b.txt']);
  });

  test('are taken from the streams, which stay in the log', async () => {
    const { outputs, output } = await bench.run(
      sh('echo out; echo err >&2', [
        outputPort('out', { from: 'stdout', path: 'table.csv' }),
        outputPort('err', { from: 'stderr', read: 'text', type: scalar('string') }),
        outputPort('again', { from: 'stdout', read: 'text', type: scalar('string') }),
      ]),
    );
    expect(outputs).toMatchObject({ out: { name: 'table.csv', mediaType: 'text/csv' }, err: 'err', again: 'out' });
    expect(await bench.content(outputs.out)).toBe('out\n');
    expect(output).toContain('out\n');
  });

  test('are written where the command is told, also into folders, under the id of the run', async () => {
    const spec = task(['tee', { kind: 'output', port: 'o' }], {
      outputs: [outputPort('o', { path: 'deep/folder/$ID.txt', glob: 'deep/folder/$ID.txt' })],
    });
    const { outputs, state } = await bench.run(spec);
    expect([state, filesIn(outputs.o)[0]?.name]).toEqual(['SUCCEEDED', expect.stringMatching(/^run-\d+\.txt$/)]);
  });

  test('that one port holds alone prefer the promised path, and are refused when unclear', async () => {
    const one = outputPort('one', { glob: '*.txt', path: 'b.txt' });
    const { outputs } = await bench.run(sh('touch a.txt b.txt', [one]));
    expect(outputs.one).toMatchObject({ name: 'b.txt' });
    const unclear = await bench.run(sh('touch a.txt c.txt', [one]));
    expect(unclear).toMatchObject({ state: 'FAILED', retryable: false });
    expect(unclear.message).toMatch(/2 files match `\*\.txt` \(`a\.txt`, `c\.txt`\)/);
  });

  test('that are folders come whole', async () => {
    const { outputs } = await bench.run(
      sh('mkdir -p d/sub/empty; echo 1 > d/sub/x; echo 2 > d/y', [outputPort('d', { type: scalar('Directory') })]),
    );
    expect(outputs.d).toMatchObject({
      class: 'Directory',
      name: 'd',
      entries: [
        { class: 'Directory', name: 'sub', entries: [{ name: 'empty', entries: [] }, { name: 'x' }] },
        { class: 'File', name: 'y', size: 2 },
      ],
    });
  });

  test('of two ports may be the same file', async () => {
    const { outputs } = await bench.run(
      sh('echo x > a.txt; ln -s a.txt b.txt; ln a.txt c.txt', [
        outputPort('a', { glob: 'a.txt' }),
        outputPort('all', { glob: '*.txt', type: FILES }),
      ]),
    );
    expect(new Set(filesIn(outputs.all).map((file) => file.sha256)).size).toBe(1);
    expect(filesIn(outputs.all)).toHaveLength(3);
  });

  test('have a media type by content, and by name where the content does not say', async () => {
    const { outputs } = await bench.run(
      sh(
        'printf "\\211PNG\\r\\n\\032\\n\\0\\0\\0\\015IHDR\\0\\0\\0\\1\\0\\0\\0\\1\\10\\2\\0\\0\\0\\220wS\\336\\0\\0\\0\\14IDAT" > image; echo text > plain; printf "\\1\\2\\3\\0\\5" > data; echo {} > a.json; echo ">x" > b.fa',
        [outputPort('all', { glob: '*', type: FILES })],
      ),
    );
    expect(Object.fromEntries(filesIn(outputs.all).map((file) => [file.name, file.mediaType]))).toEqual({
      image: 'image/png',
      plain: 'text/plain',
      data: 'application/octet-stream',
      'a.json': 'application/json',
      'b.fa': 'text/x-fasta',
    });
  });
});

describe('a missing output', () => {
  const missing = [outputPort('table', { glob: '*.csv' })];

  test('fails, unless the task says otherwise', async () => {
    const outcome = await bench.run(sh('true', missing));
    expect(outcome).toMatchObject({ state: 'FAILED', retryable: false, exitCode: 0 });
    expect(outcome.message).toContain('`table` (nothing matches `*.csv`)');
  });

  test('is null when the task goes on', async () => {
    const outcome = await bench.run(sh('true', missing, { missingOutput: 'CONTINUE' }));
    expect(outcome).toMatchObject({ state: 'SUCCEEDED', terminate: false, outputs: { table: null } });
  });

  test('ends the submission early when the task says so', async () => {
    const outcome = await bench.run(sh('true', missing, { missingOutput: 'TERMINATE' }));
    expect(outcome).toMatchObject({ state: 'SUCCEEDED', terminate: true });
  });

  test('of an optional port is no matter', async () => {
    const outcome = await bench.run(sh('true', [outputPort('table', { type: optionalType(scalar('File')) })]));
    expect(outcome).toMatchObject({ state: 'SUCCEEDED', message: '', outputs: { table: null } });
  });
});

describe('a failure', () => {
  test('keeps the outputs that are there', async () => {
    const outcome = await bench.run(sh('echo half > a.txt; exit 4', [outputPort('a.txt'), outputPort('b.txt')]));
    expect(outcome).toMatchObject({ state: 'FAILED', exitCode: 4, message: 'Exit code 4.' });
    expect(await bench.content(outcome.outputs['a.txt'])).toBe('half\n');
    expect(outcome.outputs['b.txt']).toBeNull();
  });
});

describe('an output that cannot be taken', () => {
  test.each([
    [
      'leads out of the directory',
      (home: string) => `ln -s ${home}/secret a.txt`,
      /link out of the command's directory/,
    ],
    ['leads out by a folder', (home: string) => `ln -s ${home} d; ln -s d/secret a.txt`, /link out/],
    ['leads nowhere', () => 'ln -s nothing a.txt', /leads nowhere/],
    ['is a pipe', () => 'mkfifo a.txt', /neither a file nor a folder/],
    ['is a device', () => 'ln -s /dev/zero a.txt', /link out/],
  ])('because it %s fails with the reason', async (_, script, message) => {
    writeFileSync(join(bench.home, 'secret'), 'secret');
    const outcome = await bench.run(
      sh(`${script(bench.home)}; echo fine > b.txt`, [
        outputPort('a', { glob: 'a.txt' }),
        outputPort('b', { glob: 'b.txt' }),
      ]),
    );
    expect(outcome).toMatchObject({ state: 'FAILED', retryable: false });
    expect(outcome.message).toMatch(message);
    expect(await bench.content(outcome.outputs.b)).toBe('fine\n');
  });

  test('because its folder holds a link out fails with the reason', async () => {
    const outcome = await bench.run(
      sh('mkdir d; ln -s /etc/passwd d/x', [outputPort('d', { type: scalar('Directory') })]),
    );
    expect(outcome.message).toMatch(/`d\/x` is a link out/);
  });
});

describe('a value that is read', () => {
  test.each([
    ['text less its final newline', 'two\nlines\n', text('v'), 'two\nlines'],
    ['a whole number', ' 42\n', text('v', scalar('int')), 42],
    ['a fraction', '1e-3', text('v', scalar('double')), 0.001],
    ['a boolean', 'true\n', text('v', scalar('boolean')), true],
    ['JSON', '{"a": [1, null, "x"]}', outputPort('v', { read: 'json', type: scalar('Any') }), { a: [1, null, 'x'] }],
    ['a JSON list', '[1, 2]', outputPort('v', { read: 'json', type: { kind: 'array', items: scalar('int') } }), [1, 2]],
  ])('is %s', async (_, content, port, value) => {
    const outcome = await bench.run(task(['sh', '-c', 'printf "%s" "$1" > v', 'sh', content], { outputs: [port] }));
    expect([outcome.message, outcome.outputs.v]).toEqual(['', value]);
  });

  test.each([
    ['no number', 'echo many > v', text('v', scalar('int')), /"many", which is no int/],
    ['no JSON', 'echo "{" > v', outputPort('v', { read: 'json', type: scalar('Any') }), /not JSON/],
    ['not UTF-8', 'printf "\\377" > v', text('v'), /not UTF-8/],
    ['with a NUL', 'printf "a\\0b" > v', text('v'), /NUL/],
    ['too large', `head -c ${MAX_READ_BYTES + 1} /dev/zero > v`, text('v'), /Declare the output as a File/],
  ])('is refused when it is %s', async (_, script, port, message) => {
    const outcome = await bench.run(sh(script, [port]));
    expect(outcome).toMatchObject({ state: 'FAILED', retryable: false });
    expect(outcome.message).toMatch(message);
  });

  const json = (name: string, type: ValueType) => outputPort(name, { read: 'json', type, from: 'stdout' });
  const record: ValueType = { kind: 'record', fields: [{ name: 'size', type: scalar('int') }] };

  test.each([
    ['an int', scalar('int'), '"3"', 'Output `o`: expected int, got the text "3".'],
    ['an int, and too large', scalar('int'), '3000000000', 'Output `o`: expected int, got 3000000000.'],
    ['a record', record, '{"size": "big"}', `Output \`o\`: field 'size': expected int, got the text "big".`],
    ['a list', { kind: 'array', items: scalar('int') }, '[1, null]', 'Output `o`: item 2: expected int, got nothing.'],
    ['a File', scalar('File'), '{"name": "x"}', 'Output `o`: expected File, got an object.'],
  ] as [string, ValueType, string, string][])(
    'of JSON must be %s where that is declared',
    async (_, type, printed, told) => {
      const { state, failure, retryable, message, outputs } = await bench.run(
        sh(`echo '${printed}'`, [json('o', type)]),
      );
      expect({ state, failure, retryable, message }).toEqual({
        state: 'FAILED',
        failure: 'BAD_OUTPUT',
        retryable: false,
        message: told,
      });
      expect(outputs).toEqual({});
    },
  );

  test('of JSON that fit are taken, null where it is allowed', async () => {
    const ports = [json('r', record), json('n', optionalType(scalar('Any')))];
    const { state, outputs } = await bench.run(sh(`echo '{"size": 3}'`, ports));
    expect({ state, outputs }).toEqual({ state: 'SUCCEEDED', outputs: { r: { size: 3 }, n: { size: 3 } } });
    const nothing = await bench.run(sh('echo null', [json('n', optionalType(scalar('int')))]));
    expect(nothing).toMatchObject({ state: 'SUCCEEDED', outputs: { n: null } });
  });

  test('of JSON never stand for a file that the command does not have', async () => {
    const forged = JSON.stringify({
      class: 'File',
      name: 'x',
      sha256: 'a'.repeat(64),
      size: 1,
      mediaType: 'text/plain',
    });
    const { failure, message } = await bench.run(sh(`echo '[${forged}]'`, [json('o', scalar('Any'))]));
    expect(failure).toBe('BAD_OUTPUT');
    expect(message).toContain('an object of class File');
  });
});
