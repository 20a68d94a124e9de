import type { BackendSpec } from '../../../src/domain/definitions';
import { scalar } from '../../../src/domain/values';
import { describeEngine } from '../../support/engines';
import { conformance } from '../conformance/suite';
import { createBench, inputPort, type Bench } from '../support';
import { returned, scriptPrograms, scriptTask } from './programs';
import { LIST, RECORD, returnsWhatItGets } from './values';

const octave = (options: BackendSpec<'OCTAVE'>['options']): BackendSpec<'OCTAVE'> => ({
  ...{ name: 'octave', kind: 'OCTAVE', description: '', environment: {} },
  options,
});

const programs = scriptPrograms({
  copy: `
copyfile(text, "copied.txt");
copy = "copied.txt";
facts = struct("who", who, "lines", numel(strfind(fileread(text), "\\n")));
`,
  carry: 'copyfile(data, outputs.big);',
  say: (stdout, stderr) => `printf("${stdout}\\n");\nfprintf(stderr, "${stderr}\\n");`,
  shell: (script, token) => `system(["sh -c '", '${script}', "' ${token}"]);`,
  progress: 'progress(42, "halfway")',
  exit: (code) => `exit(${code})`,
  partial: 'file = fopen("first", "w"); fputs(file, "half"); fclose(file);\nexit(3)',
  greet: 'printf("%s", getenv("GREETING"))',
  // Octave's own copyfile() gives the names to a shell.
  rename: (name) => `
file = fopen("${name}", "w"); fputs(file, fileread(text)); fclose(file);
[folder, base, extension] = fileparts(text);
printf("%s%s", base, extension)
`,
});

describeEngine('OCTAVE', 'OCTAVE', ({ interpreter }) => {
  conformance({
    spec: () => octave({ interpreter }),
    programs,
    cancelSeconds: 5,
    survivesWorker: false,
    missing: {
      spec: () => octave({ interpreter: 'no-such-octave' }),
      message: /Octave is not installed on this worker: there is no `no-such-octave`.*apt-get install octave/,
    },
    refused: { task: () => scriptTask('x = (1\n'), message: /Exit code 1/ },
  });
});

describeEngine('OCTAVE', 'a script of Octave', ({ interpreter }) => {
  let bench: Bench;
  beforeAll(() => (bench = createBench(octave({ interpreter }))));
  afterAll(() => bench.close());

  returnsWhatItGets(
    () => octave({ interpreter }),
    (to, from) => `${to} = ${from};`,
  );

  it('gets matrices, cells and structs', async () => {
    const source = `
kinds = {class(nothing), class(truth), class(long), class(some_text), class(ints), class(strings), class(record), class(mixed), class(inputs.("end"))};
sizes = {size(nothing), size(ints), size(table), size(strings), size(none)};
missing = isna(gaps);
`;
    const types = {
      nothing: scalar('Any'),
      truth: scalar('boolean'),
      long: scalar('long'),
      'some-text': scalar('string'),
      ints: LIST(scalar('int')),
      table: LIST(LIST(scalar('int'))),
      strings: LIST(scalar('string')),
      record: RECORD({ a: scalar('int') }),
      mixed: scalar('Any'),
      gaps: scalar('Any'),
      none: LIST(scalar('int')),
      end: scalar('int'),
    };
    const values = {
      ...{ nothing: null, truth: true, long: 2 ** 40, 'some-text': 'ä"\\\n\t' },
      ...{
        ints: [1, 2, 3],
        table: [
          [1, 2],
          [3, 4],
          [5, 6],
        ],
        strings: ['a', ''],
        record: { a: 1 },
      },
      ...{ mixed: [1, 'a'], gaps: [1, null], none: [], end: 1 },
    };
    const outcome = await bench.run(
      scriptTask(source, {
        inputs: Object.entries(types).map(([name, type]) => inputPort(name, type)),
        outputs: ['kinds', 'sizes', 'missing'].map((name) => returned(name)),
      }),
      values,
    );
    expect(outcome).toMatchObject({
      message: '',
      outputs: {
        kinds: ['double', 'logical', 'double', 'char', 'double', 'cell', 'struct', 'cell', 'double'],
        sizes: [
          [0, 0],
          [1, 3],
          [3, 2],
          [1, 2],
          [1, 0],
        ],
        missing: [false, true],
      },
    });
  });

  it('returns what Octave has, as its types say', async () => {
    const source = `
one = 1.5;
list_of_one = 1.5;
matrix = [1 2; 3 4];
whole = int64(9007199254740991);
column = [1; NA];
map = containers.Map({"a", "b"}, {1, true});
records = struct("k", {1, 2});
words = {"x", ""};
`;
    const names = ['one', 'matrix', 'whole', 'column', 'map', 'records', 'words'];
    const outcome = await bench.run(
      scriptTask(source, {
        outputs: [...names.map((name) => returned(name)), returned('list-of-one', LIST(scalar('double')))],
      }),
    );
    expect(outcome).toMatchObject({
      message: '',
      outputs: {
        one: 1.5,
        'list-of-one': [1.5],
        matrix: [
          [1, 2],
          [3, 4],
        ],
        whole: 9007199254740991,
        column: [1, null],
        map: { a: 1, b: true },
        records: [{ k: 1 }, { k: 2 }],
        words: ['x', ''],
      },
    });
  });

  it('is told which value cannot be passed on, and why', async () => {
    const source = 'nan = NaN;\nendless = [1, Inf];\nhandle = @sin;\nfine = 1;';
    const outputs = ['nan', 'endless', 'handle', 'fine'].map((name) => returned(name));
    const outcome = await bench.run(scriptTask(source, { outputs }));
    expect(outcome).toMatchObject({ state: 'FAILED', failure: 'BAD_OUTPUT', outputs: { fine: 1 } });
    expect(outcome.message).toContain('Output `nan`: NaN is no value that can be passed on');
    expect(outcome.message).toContain('Output `endless`: Inf is no value');
    expect(outcome.message).toContain('Output `handle`: a value of class function_handle cannot be passed on');
  });

  it.each([
    ['d.csv', 'city,visits,score,open\nÅrhus,1,0.5,true\nBerlin,2,,false\n'],
    ['d.csv', '"city","visits","score","open"\r\n"Århus",1,0.5,true\r\nBerlin,2,,false'],
    ['d.tsv', 'city\tvisits\tscore\topen\nÅrhus\t1\t0.5\ttrue\nBerlin\t2\t\tfalse\n'],
    [
      'd.json',
      '[{"city":"Århus","visits":1,"score":0.5,"open":true},{"city":"Berlin","visits":2,"score":null,"open":false}]',
    ],
    ['d.json', '{"city":["Århus","Berlin"],"visits":[1,2],"score":[0.5,null],"open":[true,false]}'],
  ])('reads %s as a struct of typed columns', async (name, content) => {
    const source = `
kinds = cellfun(@class, struct2cell(data), "UniformOutput", false);
city = data.city; visits = data.visits; open = data.open; missing = isnan(data.score);
`;
    const outputs = ['kinds', 'city', 'visits', 'open', 'missing'].map((output) => returned(output));
    const task = scriptTask(source, { inputs: [{ ...inputPort('data'), as: 'table' }], outputs });
    expect(await bench.run(task, { data: await bench.file(name, content) })).toMatchObject({
      message: '',
      outputs: {
        kinds: ['cell', 'double', 'double', 'logical'],
        city: ['Århus', 'Berlin'],
        visits: [1, 2],
        open: [true, false],
        missing: [false, true],
      },
    });
  });

  it('reads commas, quotes and lines in quotes', async () => {
    const task = scriptTask('rows = data.note;', {
      inputs: [{ ...inputPort('data'), as: 'table' }],
      outputs: [returned('rows')],
    });
    const csv = '"a, b",note\n1,"x, ""y""\nz"\n2,plain\n';
    expect(await bench.run(task, { data: await bench.file('d.csv', csv) })).toMatchObject({
      message: '',
      outputs: { rows: ['x, "y"\nz', 'plain'] },
    });
  });

  it('says that it reads no Parquet', async () => {
    const task = scriptTask('', { inputs: [{ ...inputPort('data'), as: 'table' }] });
    const outcome = await bench.run(task, { data: await bench.file('d.parquet', 'PAR1') });
    expect(outcome).toMatchObject({ state: 'FAILED', exitCode: 1 });
    expect(outcome.output).toContain('Octave cannot read parquet files');
  });

  it('returns structs of columns and paths as files', async () => {
    const source = `
table = struct("a", [1; 2.5], "b", {{"x, ""y"""; ""}});
rows = table;
mkdir("below"); cd("below");
file = fopen("x.txt", "w"); fputs(file, "x"); fclose(file);
many = {"x.txt", table};
`;
    const file = scalar('File');
    const outcome = await bench.run(
      scriptTask(source, {
        outputs: [
          returned('table', file, { format: 'csv' }),
          returned('rows', file, { format: 'json' }),
          returned('many', LIST(file)),
        ],
      }),
    );
    expect(outcome.message).toBe('');
    expect(await bench.content(outcome.outputs.table)).toBe('a,b\n1,"x, ""y"""\n2.5,\n');
    expect(await bench.content(outcome.outputs.rows)).toBe('[{"a":1,"b":"x, \\"y\\""},{"a":2.5,"b":""}]');
    expect(outcome.outputs).toMatchObject({ many: [{ name: 'x.txt' }, { name: 'many-2.csv' }] });
  });

  it('draws a figure', async () => {
    const source = 'picture = figure("visible", "off"); plot(1:10, (1:10).^2); title("größe");';
    const outcome = await bench.run(scriptTask(source, { outputs: [returned('picture', scalar('File'))] }));
    expect(outcome).toMatchObject({
      message: '',
      outputs: { picture: { name: 'picture.png', mediaType: 'image/png' } },
    });
  });

  it('ends by an error with the lines of its source, which it names as a function could be called', async () => {
    const source = 'function r = g(a)\n  r = a + undefined_thing;\nend\nx = 1;\ng(x)\n';
    const task = scriptTask(source, { name: 'fit-model', outputs: [returned('x')] });
    const outcome = await bench.run(task);
    expect(outcome).toMatchObject({ state: 'FAILED', failure: 'EXIT_CODE', exitCode: 1, outputs: { x: 1 } });
    expect(outcome.output).toMatch(
      /^error: 'undefined_thing' undefined.*\nerror: called from\n {4}g at line 2 column 5\n {4}fit_model at line 5 column 1\n/,
    );
  });

  it('ends by a mistake in its syntax', async () => {
    const outcome = await bench.run(scriptTask('x = 1;\ny = (1;\n'));
    expect(outcome).toMatchObject({ exitCode: 1 });
    expect(outcome.output).toMatch(/parse error near line 2 of file .*model\.m/);
  });

  it('may clear everything, and has its exit codes', async () => {
    const source = 'clear all\nx = 2;\nprogress(50, "on  the way")\nexit(4)';
    const outcome = await bench.run(scriptTask(source, { outputs: [returned('x')] }));
    expect(outcome).toMatchObject({ exitCode: 4, outputs: { x: 2 }, reports: [[50, 'on the way']] });
  });
});
