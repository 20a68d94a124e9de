import { scalar } from '../../../src/domain/values';
import { describeEngine } from '../../support/engines';
import { createBench, inputPort, type Bench } from '../support';
import { scriptBackend, scriptLanguage } from './language';
import { returned, scriptPrograms, scriptTask } from './programs';
import { LIST, RECORD } from './values';

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

scriptLanguage({
  kind: 'OCTAVE',
  title: 'Octave',
  programs,
  install: 'apt-get install octave',
  broken: { source: 'x = 1;\ny = (1;\n', told: /parse error near line 2 of file .*model\.m/ },
  fails: {
    source: 'function r = g(a)\n  r = a + undefined_thing;\nend\nx = 1;\ng(x)\n',
    // A script is called as a function could be.
    told: /^error: 'undefined_thing' undefined.*\nerror: called from\n {4}g at line 2 column 5\n {4}fit_model at line 5 column 1\n/,
  },
  ends: [
    ['exit(4)', 4],
    ['error("sorry")', 1],
    ['clear all\nx = 1;\nexit(5)', 5],
  ],
  assign: (to, from) => `${to} = ${from};`,
  unfit: {
    source: 'nan = NaN;\nendless = [1, Inf];\nhandle = @sin;\nfine = 1;',
    told: {
      nan: 'NaN is no value that can be passed on',
      endless: 'Inf is no value',
      handle: 'a value of class function_handle cannot be passed on',
    },
  },
  tables: {
    source: `
kinds = cellfun(@class, struct2cell(data), "UniformOutput", false);
city = data.city; visits = data.visits; open = data.open; missing = isnan(data.score);
`,
    kinds: ['cell', 'double', 'double', 'logical'],
    notes: 'rows = data.note;',
    noParquet: 'Octave cannot read parquet files',
  },
  files: {
    source: `
table = struct("a", [1; 2.5], "b", {{"x, ""y"""; ""}});
rows = table;
mkdir("below"); cd("below");
file = fopen("x.txt", "w"); fputs(file, "x"); fclose(file);
many = {"x.txt", table};
`,
    content: {
      csv: 'a,b\n1,"x, ""y"""\n2.5,\n',
      tsv: 'a\tb\n1\t"x, ""y"""\n2.5\t\n',
      json: '[{"a":1,"b":"x, \\"y\\""},{"a":2.5,"b":""}]',
    },
  },
});

describeEngine('OCTAVE', 'a script of Octave', ({ interpreter }) => {
  let bench: Bench;
  beforeAll(() => (bench = createBench(scriptBackend('OCTAVE', { interpreter }))));
  afterAll(() => bench.close());

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

  it('reads JSON of columns as a table', async () => {
    const task = scriptTask('city = data.city; visits = data.visits;', {
      inputs: [{ ...inputPort('data'), as: 'table' }],
      outputs: [returned('city'), returned('visits')],
    });
    const json = '{"city":["Århus","Berlin"],"visits":[1,2]}';
    expect(await bench.run(task, { data: await bench.file('d.json', json) })).toMatchObject({
      message: '',
      outputs: { city: ['Århus', 'Berlin'], visits: [1, 2] },
    });
  });

  it('draws a figure', async () => {
    const source = 'picture = figure("visible", "off"); plot(1:10, (1:10).^2); title("größe");';
    const outcome = await bench.run(scriptTask(source, { outputs: [returned('picture', scalar('File'))] }));
    expect(outcome).toMatchObject({
      message: '',
      outputs: { picture: { name: 'picture.png', mediaType: 'image/png' } },
    });
  });

  it('may clear everything, and has its exit codes', async () => {
    const source = 'clear all\nx = 2;\nprogress(50, "on  the way")\nexit(4)';
    const outcome = await bench.run(scriptTask(source, { outputs: [returned('x')] }));
    expect(outcome).toMatchObject({ exitCode: 4, outputs: { x: 2 }, reports: [[50, 'on the way']] });
  });
});
