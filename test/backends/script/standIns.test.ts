/** MATLAB and SAS are tested by what they are started with: a stand-in records it, and leaves what they would leave. */
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BackendSpec } from '../../../src/domain/definitions';
import { scalar } from '../../../src/domain/values';
import { describeEngine } from '../../support/engines';
import { createBench, inputPort, outputPort, type Bench } from '../support';
import { returned, scriptTask } from './programs';
import { LIST, temporaryFolder } from './values';

/** An executable that writes its words to the file `words`, one a line, and goes on with `body`. */
function standIn(folder: string, name: string, body: string): string {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, name);
  writeFileSync(path, `#!/bin/sh\nprintf '%s\\n' "$@" > '${join(folder, 'words')}'\n${body}\n`);
  chmodSync(path, 0o755);
  return path;
}
const words = (folder: string): string[] => readFileSync(join(folder, 'words'), 'utf8').trimEnd().split('\n');

// Octave understands what the driver is written in, so it stands in for MATLAB's interpreter, too.
describeEngine('OCTAVE', 'a script of MATLAB (by a stand-in)', ({ interpreter }) => {
  const folder = temporaryFolder();
  let bench: Bench;
  beforeAll(() => {
    const path = standIn(folder, 'matlab', `exec '${interpreter}' --no-gui --no-history --quiet --eval "$2"`);
    bench = createBench({
      ...{ name: 'matlab', kind: 'MATLAB', description: '', environment: {} },
      options: { interpreter: path, libraryPath: ['/srv/toolbox'] },
    });
  });
  afterAll(() => bench.close());

  it('is started by -batch, with the folders of its libraries', async () => {
    const task = scriptTask("folders = getenv('MATLABPATH');", { outputs: [returned('folders')] });
    expect(await bench.run(task)).toMatchObject({ message: '', outputs: { folders: '/srv/toolbox' } });
    expect(words(folder)).toEqual([
      '-batch',
      expect.stringMatching(/^addpath\('.*\/drivers\/matlab'\); stepcast_run\('.*\/script\/\.request'\)$/) as string,
    ]);
  });

  it('gets and returns values and files', async () => {
    const source = `
total = sum(numbers) + min_count;
upper_text = upper(some_text);
single = 1.5;
progress(50, 'half  way');
file = fopen('out.txt', 'w'); fprintf(file, '%s', fileread(data)); fclose(file);
copy = 'out.txt';
file = fopen(outputs.log, 'w'); fprintf(file, 'x'); fclose(file);
`;
    const task = scriptTask(source, {
      name: 'fit-model',
      inputs: [
        inputPort('numbers', LIST(scalar('double'))),
        inputPort('min-count', scalar('int')),
        inputPort('some-text', scalar('string')),
        inputPort('data'),
      ],
      outputs: [
        returned('total', scalar('double')),
        returned('upper-text', scalar('string')),
        returned('single', LIST(scalar('double'))),
        returned('copy', scalar('File')),
        outputPort('log', { glob: '*.log', path: 'x.log' }),
      ],
    });
    const values = { numbers: [1, 2, 3.5], 'min-count': 2, 'some-text': "it's", data: await bench.file('a.txt', 'A') };
    const outcome = await bench.run(task, values);
    expect(outcome).toMatchObject({
      message: '',
      outputs: { total: 8.5, 'upper-text': "IT'S", single: [1.5] },
      reports: [[50, 'half way']],
    });
    expect(await bench.content(outcome.outputs.copy)).toBe('A');
  });

  it('keeps what it had set when it ends by an error', async () => {
    const outcome = await bench.run(scriptTask('x = 1;\nerror("sorry")', { outputs: [returned('x')] }));
    expect(outcome).toMatchObject({ state: 'FAILED', exitCode: 1, outputs: { x: 1 } });
    expect(outcome.output).toContain('sorry');
  });
});

describe('a program of SAS (by a stand-in)', () => {
  const folder = temporaryFolder();
  const spec = (body: string): BackendSpec => ({
    ...{ name: 'sas', kind: 'SAS', description: '', environment: {} },
    options: { interpreter: standIn(folder, 'sas', body) },
  });
  /** Leaves a result where the program says, and a copy of the program. */
  const LEAVES = (result: string): string => `
for last in "$@"; do :; done
cp "$last" '${folder}/program'
hex=$(sed -n 's/^%stepcast_open(\\(.*\\))$/\\1/p' "$last")
[ -z "$hex" ] || printf '%s' '${result}' > "$(node -e 'process.stdout.write(Buffer.from(process.argv[1], "hex"))' "$hex")"
echo 'NOTE: from the log' >&2
`;
  const program = (): string => readFileSync(join(folder, 'program'), 'utf8');

  it('is started by -sysin, with its log and its output as the two streams', async () => {
    const bench = createBench(spec(LEAVES('')));
    const outcome = await bench.run(scriptTask('proc options; run;'));
    await bench.close();
    expect(outcome).toMatchObject({ message: '', output: 'NOTE: from the log\n' });
    expect(words(folder)).toEqual([
      ...['-nodms', '-noterminal', '-nonews', '-encoding', 'utf8'],
      ...[
        '-log',
        '/dev/stderr',
        '-print',
        '/dev/stdout',
        '-sysin',
        expect.stringMatching(/\/script\/\.request$/) as string,
      ],
    ]);
  });

  it('gets its inputs as data that cannot become code, includes its source and names its outputs', async () => {
    const bench = createBench(spec(LEAVES('{"values":{"total":3,"note":"fine"},"faults":{}}')));
    const task = scriptTask('%let total = 3;', {
      inputs: [
        inputPort('title', scalar('string')),
        inputPort('sizes', LIST(scalar('int'))),
        { ...inputPort('data'), as: 'table' },
      ],
      outputs: [returned('total', scalar('int')), returned('note', scalar('string'))],
    });
    const data = await bench.file('a.csv', 'x\n1\n');
    const outcome = await bench.run(task, { title: "'); %macro & größe", sizes: [1, 22], data });
    await bench.close();
    expect(outcome).toMatchObject({ message: '', outputs: { total: 3, note: 'fine' } });
    const hex = Buffer.from("'); %macro & größe").toString('hex').toUpperCase();
    expect(program()).toContain(`%global title; data _null_; call symput('title', '${hex}'x); run;\n`);
    expect(program()).toContain("call symput('sizes_n', '2')");
    expect(program()).toContain("call symput('sizes_2', '22')");
    expect(program()).toMatch(/^%stepcast_import\([0-9a-f]+, data, csv\)$/m);
    expect(program()).toMatch(/^%include '.*model\.sas' \/ source2;$/m);
    expect(program()).toMatch(/^%stepcast_output\(total, total, number, csv, [0-9a-f]+\)$/m);
    expect(program()).toMatch(/^%stepcast_output\(note, note, text, csv, [0-9a-f]+\)$/m);
  });

  it('refuses what SAS cannot hold', async () => {
    const bench = createBench(spec(LEAVES('')));
    const long = scriptTask('', { inputs: [inputPort('a'.repeat(33), scalar('int'))] });
    const list = scriptTask('', { outputs: [returned('many', LIST(scalar('int')))] });
    const outcomes = [await bench.run(long, { ['a'.repeat(33)]: 1 }), await bench.run(list)];
    await bench.close();
    expect(outcomes.map(({ failure }) => failure)).toEqual(['NOT_STARTED', 'NOT_STARTED']);
    expect(outcomes[0]?.message).toContain('SAS has names of 32 characters');
  });

  it('ends with the exit code of SAS', async () => {
    const bench = createBench(spec('exit 2'));
    expect(await bench.run(scriptTask('x'))).toMatchObject({ state: 'FAILED', exitCode: 2 });
    await bench.close();
  });
});

it.each(['MATLAB', 'SAS'] as const)('where %s is not installed, its health says so', async (kind) => {
  const spec = { ...{ name: 'x', kind, description: '', environment: {} }, options: {} } as BackendSpec;
  const bench = createBench(spec);
  expect(await bench.host.health(spec)).toMatchObject({
    state: 'MISSING',
    message: expect.stringMatching(`^${kind} is not installed on this worker`) as string,
  });
  await bench.close();
});
