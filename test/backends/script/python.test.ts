import { mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { InputPort } from '../../../src/domain/definitions';
import { scalar } from '../../../src/domain/values';
import { describeEngine } from '../../support/engines';
import { createBench, inputPort, outputPort, type Bench } from '../support';
import { scriptBackend, scriptLanguage } from './language';
import { returned, scriptPrograms, scriptTask } from './programs';
import { LIST } from './values';

const programs = scriptPrograms({
  copy: `
import shutil
copy = shutil.copyfile(text, "copied.txt")
facts = {"who": who, "lines": sum(1 for _ in open(text))}
`,
  carry: 'import shutil\nshutil.copyfile(data, outputs["big"])',
  say: (stdout, stderr) => `import sys\nprint("${stdout}")\nprint("${stderr}", file=sys.stderr)`,
  shell: (script, token) => `import subprocess\nsubprocess.run(["sh", "-c", '${script}', "${token}"])`,
  progress: 'progress(42, "halfway")',
  exit: (code) => `import sys\nsys.exit(${code})`,
  partial: 'open("first", "w").write("half")\nraise SystemExit(3)',
  greet: 'import os\nprint(os.environ["GREETING"], end="")',
  rename: (name) => `import os, shutil\nshutil.copy(text, "${name}")\nprint(os.path.basename(text))`,
});

scriptLanguage({
  kind: 'PYTHON',
  title: 'Python',
  programs,
  install: 'apt-get install python3',
  broken: { source: 'x = 1\nif x\n', told: /File "model.py", line 2\n {4}if x\n/ },
  fails: {
    source: 'def inner(x):\n    return 1 / x\n\ninner(0)\n',
    told: /^Traceback \(most recent call last\):\n {2}File "fit-model.py", line 4, in <module>\n {4}inner\(0\)\n {2}File "fit-model.py", line 2, in inner\n {4}return 1 \/ x(?![^]*python\.py)[^]*ZeroDivisionError: division by zero\n$/,
  },
  ends: [
    ['import sys; sys.exit()', 0],
    ['import sys; sys.exit(4)', 4],
    ['import sys; sys.exit("sorry")', 1],
    ['exit(5)', 5],
    ['raise KeyError("x")', 1],
  ],
  assign: (to, from) => `${to} = ${from}`,
  unfit: {
    source: 'nan = [float("nan")]\ncircle = []\ncircle.append(circle)\nraw = b"x"\nfine = 1',
    told: {
      nan: 'nan is no value that can be passed on',
      circle: 'it is nested too deeply, or holds itself.',
      raw: 'a value of type bytes cannot be passed on',
    },
  },
  tables: {
    source: `
kinds = [str(kind) for kind in data.dtypes]
city, visits, open, missing = (list(column) for column in (data["city"], data["visits"], data["open"], data["score"].isna()))
`,
    kinds: ['object', 'int64', 'float64', 'bool'],
    notes: 'rows = list(data["note"])',
    noParquet: 'pyarrow',
  },
  files: {
    source: `
import os, pandas
table = pandas.DataFrame({"a": [1, 2], "b": ["x", None]})
os.mkdir("below")
os.chdir("below")
with open("x.txt", "w") as file: file.write("x")
many = ["x.txt", {"a": [1]}]
`,
    content: {
      csv: 'a,b\n1,x\n2,\n',
      tsv: 'a\tb\n1\tx\n2\t\n',
      json: '[{"a":1,"b":"x"},{"a":2,"b":null}]',
    },
  },
});

describeEngine('PYTHON', 'a script of Python', ({ interpreter }) => {
  let bench: Bench;
  beforeAll(() => (bench = createBench(scriptBackend('PYTHON', { interpreter }))));
  afterAll(() => bench.close());

  const table = (name: string, more: Partial<InputPort> = {}): InputPort => ({
    ...inputPort(name),
    as: 'table',
    ...more,
  });

  it('gets native values and returns them unchanged', async () => {
    const values = {
      nothing: null,
      truth: true,
      'large-number': 9007199254740991,
      ratio: -1.5e-300,
      'some-text': 'größe 🧬 "quoted" \\ and\nlines',
      list: [1, 2, 3],
      record: { name: 'x', parts: [{ size: 1 }, null] },
      class: 'a keyword',
    };
    const ports = Object.keys(values);
    const source = ports
      .map((name) =>
        name === 'class' ? `out_class = inputs["class"]` : `out_${name.replace('-', '_')} = ${name.replace('-', '_')}`,
      )
      .concat('types = [type(one).__name__ for one in (nothing, truth, large_number, ratio, some_text, list, record)]')
      .join('\n');
    const outcome = await bench.run(
      scriptTask(source, {
        inputs: ports.map((name) => inputPort(name, scalar('Any'))),
        outputs: [...ports.map((name) => returned(`out-${name}`)), returned('types')],
      }),
      values,
    );
    expect([outcome.message, outcome.output]).toEqual(['', '']);
    const { types, ...outputs } = outcome.outputs;
    expect(outputs).toEqual(Object.fromEntries(Object.entries(values).map(([name, value]) => [`out-${name}`, value])));
    expect(types).toEqual(['NoneType', 'bool', 'int', 'float', 'str', 'list', 'dict']);
  });

  it('gets files as paths, in lists and records too', async () => {
    const [a, b] = [await bench.file('a.txt', 'A'), await bench.file('b.txt', 'B')];
    const source = `
read = lambda path: open(path).read()
text = read(one) + "".join(map(read, many)) + read(nested[0][1]) + read(record["deep"]["file"]) + str(record["size"])
`;
    const outcome = await bench.run(
      scriptTask(source, {
        inputs: ['one', 'many', 'nested', 'record'].map((name) => inputPort(name, scalar('Any'))),
        outputs: [returned('text')],
      }),
      { one: a, many: [a, b], nested: [[a, b], []], record: { deep: { file: b }, size: 3 } },
    );
    expect(outcome).toMatchObject({ message: '', outputs: { text: 'AABBB3' } });
  });

  it('returns the numbers, arrays and dates of libraries', async () => {
    const source = `
import datetime, decimal, enum, fractions, pathlib, dataclasses
import numpy as np, pandas as pd
Colour = enum.Enum("Colour", "RED")
@dataclasses.dataclass
class Point:
    x: int
    y: float
whole, number, flag = np.int64(7), np.float32(0.5), np.bool_(True)
matrix = np.arange(4).reshape(2, 2)
series = pd.Series([1.5, None])
frame = pd.DataFrame({"a": [1, 2], "b": ["x", None]})
others = [datetime.date(2024, 2, 29), decimal.Decimal("1.5"), pathlib.Path("a/b"), Point(1, 2.0), (1, 2), pd.NaT]
`;
    const names = ['whole', 'number', 'flag', 'matrix', 'series', 'frame', 'others'];
    const outcome = await bench.run(scriptTask(source, { outputs: names.map((name) => returned(name)) }));
    expect(outcome).toMatchObject({
      message: '',
      outputs: {
        whole: 7,
        number: 0.5,
        flag: true,
        matrix: [
          [0, 1],
          [2, 3],
        ],
        series: [1.5, null],
        frame: [
          { a: 1, b: 'x' },
          { a: 2, b: null },
        ],
        others: ['2024-02-29', 1.5, 'a/b', { x: 1, y: 2 }, [1, 2], null],
      },
    });
  });

  it('is told of a number that its type cannot hold', async () => {
    const large = await bench.run(scriptTask('big = 2**70', { outputs: [returned('big', scalar('long'))] }));
    expect(large.message).toContain('expected long');
  });

  it('cannot return a File by naming a content', async () => {
    const stored = await bench.file('secret.txt', 'secret');
    const source = `stolen = ${JSON.stringify(stored)}`;
    const outcome = await bench.run(scriptTask(source, { outputs: [returned('stolen')] }));
    expect(outcome).toMatchObject({ state: 'FAILED', failure: 'BAD_OUTPUT', outputs: {} });
  });

  describe('reads tables', () => {
    const CSV = 'city,visits,score,open,note\nÅrhus,1,0.5,true,"a, b"\nBerlin,2,,false,\n';
    const SOURCE = `
kinds = [str(kind) for kind in data.dtypes]
rows = data
total = data["visits"].sum()
`;
    const outputs = [returned('kinds'), returned('rows'), returned('total')];

    it('from CSV as a DataFrame with typed columns', async () => {
      const task = scriptTask(SOURCE, { inputs: [table('data')], outputs });
      const outcome = await bench.run(task, { data: await bench.file('d.csv', CSV) });
      expect(outcome).toMatchObject({
        message: '',
        outputs: {
          kinds: ['object', 'int64', 'float64', 'bool', 'object'],
          rows: [
            { city: 'Århus', visits: 1, score: 0.5, open: true, note: 'a, b' },
            { city: 'Berlin', visits: 2, score: null, open: false, note: null },
          ],
          total: 3,
        },
      });
    });

    it('in the format that the port declares, whatever the file is called', async () => {
      const task = scriptTask(SOURCE, { inputs: [table('data', { format: 'tsv' })], outputs });
      const outcome = await bench.run(task, { data: await bench.file('d.txt', 'a\tvisits\nx\t4\n') });
      expect(outcome).toMatchObject({ message: '', outputs: { total: 4 } });
    });

    it.each([
      ['rows', '[{"a": "x", "visits": 4}, {"visits": 1}]'],
      ['columns', '{"a": ["x", null], "visits": [4, 1]}'],
      ['lines', '{"a": "x", "visits": 4}\n{"visits": 1}\n'],
    ])('from JSON of %s', async (_, json) => {
      const task = scriptTask(SOURCE, { inputs: [table('data')], outputs });
      const outcome = await bench.run(task, { data: await bench.file('d.json', json) });
      const rows = [
        { a: 'x', visits: 4 },
        { a: null, visits: 1 },
      ];
      expect(outcome).toMatchObject({ message: '', outputs: { total: 5, rows } });
    });

    it('as columns where there is no pandas', async () => {
      const source = `
columns = sorted(data)
kinds = [data["visits"].dtype.kind, data["score"].dtype.kind, type(data["city"][0]).__name__]
`;
      const outcome = await withoutModules(['pandas'], source, CSV);
      expect(outcome).toMatchObject({
        message: '',
        outputs: { columns: ['city', 'note', 'open', 'score', 'visits'], kinds: ['i', 'f', 'str_'] },
      });
    });

    it('as lists where there is no NumPy either', async () => {
      const source = 'columns = data\nkinds = [type(data["visits"]).__name__]';
      const outcome = await withoutModules(['pandas', 'numpy'], source, CSV);
      expect(outcome).toMatchObject({
        message: '',
        outputs: {
          columns: {
            city: ['Århus', 'Berlin'],
            visits: [1, 2],
            score: [0.5, null],
            open: [true, false],
            note: ['a, b', null],
          },
          kinds: ['list'],
        },
      });
    });

    /** Runs with a library path whose modules refuse to be imported. */
    async function withoutModules(names: readonly string[], source: string, csv: string) {
      const folder = mkdtempSync(join(bench.home, 'modules-'));
      for (const name of names) writeFileSync(join(folder, `${name}.py`), 'raise ImportError("hidden")');
      const other = createBench(scriptBackend('PYTHON', { interpreter, libraryPath: [folder] }));
      try {
        const task = scriptTask(source, { inputs: [table('data')], outputs: [returned('columns'), returned('kinds')] });
        return await other.run(task, { data: await other.file('d.csv', csv) });
      } finally {
        await other.close();
      }
    }
  });

  describe('returns files', () => {
    it('of columns, of rows, and by paths, one or several', async () => {
      const source = `
import os
columns = {"a": [1, 2]}
rows = [{"a": 1}, {"a": 2, "b": None}]
os.mkdir("below")
os.chdir("below")
open("x.txt", "w").write("x")
several = ["x.txt", {"a": [1]}]
`;
      const file = scalar('File');
      const outcome = await bench.run(
        scriptTask(source, {
          outputs: [returned('columns', file), returned('rows', file), returned('several', LIST(file))],
        }),
      );
      expect(outcome.message).toBe('');
      expect(await bench.content(outcome.outputs.columns)).toBe('a\n1\n2\n');
      expect(await bench.content(outcome.outputs.rows)).toBe('a,b\n1,\n2,\n');
      expect(outcome.outputs.several).toMatchObject([{ name: 'x.txt' }, { name: 'several-2.csv' }]);
    });

    it('but none from outside of its folder', async () => {
      const outcome = await bench.run(
        scriptTask('stolen = "/etc/passwd"', { outputs: [returned('stolen', scalar('File'))] }),
      );
      expect(outcome).toMatchObject({ state: 'FAILED', failure: 'BAD_OUTPUT', outputs: {} });
    });

    it('that it found promised paths for', async () => {
      const source = 'import os\nassert os.path.isabs(outputs["log-file"])\nopen(outputs["log-file"], "w").write("x")';
      const outputs = [outputPort('log-file', { glob: 'deep/*.log', path: 'deep/$ID.log' })];
      expect(await bench.run(scriptTask(source, { outputs }))).toMatchObject({ message: '', state: 'SUCCEEDED' });
    });
  });

  describe('ends', () => {
    it('by a mistake in its syntax, named by the file that it came from', async () => {
      const task = scriptTask('');
      const source = 'x = 1\nif x\n';
      const outcome = await bench.run({ ...task, command: { kind: 'script', source, file: 'fit-model.py' } });
      expect(outcome.output).toMatch(/File "fit-model.py", line 2\n {4}if x\n/);
      expect(outcome).toMatchObject({ exitCode: 1 });
    });

    it('whatever the file is called that it came from', async () => {
      for (const file of ['.request', '.result', '..']) {
        const command = { kind: 'script' as const, source: 'x = 1', file };
        const outcome = await bench.run({ ...scriptTask('', { outputs: [returned('x')] }), command });
        expect(outcome).toMatchObject({ state: 'SUCCEEDED', outputs: { x: 1 } });
      }
    });

    it('at once by os._exit, with nothing returned', async () => {
      const task = scriptTask('import os\nx = 1\nos._exit(6)', { outputs: [returned('x')] });
      expect(await bench.run(task)).toMatchObject({ exitCode: 6, outputs: {} });
    });

    it('with what it had returned, whatever its exit code', async () => {
      const rules = { success: [0, 3], temporary: [], terminate: [] };
      const more = { outputs: [returned('x'), returned('y', scalar('int'))] };
      expect(await bench.run(scriptTask('x = 1; raise SystemExit(3)', { ...more, exitRules: rules }))).toMatchObject({
        failure: 'MISSING_OUTPUT',
        outputs: { x: 1 },
      });
      expect(await bench.run(scriptTask('x = 1; y = 1 / 0', more))).toMatchObject({ exitCode: 1, outputs: { x: 1 } });
    });

    it('when its threads have, and with files that it never closed', async () => {
      const source = `
import threading, time, atexit
def later():
    global done
    time.sleep(0.2)
    done = True
threading.Thread(target=later).start()
file = open(outputs["text"], "w")
file.write("not flushed")
atexit.register(lambda: print("at exit"))
`;
      const outcome = await bench.run(scriptTask(source, { outputs: [returned('done'), outputPort('text')] }));
      expect(outcome).toMatchObject({ message: '', outputs: { done: true }, output: 'at exit\n' });
      expect(await bench.content(outcome.outputs.text)).toBe('not flushed');
    });
  });

  it('is an ordinary main program', async () => {
    const source = `
import sys, os, multiprocessing, pickle
class Thing: pass
def square(x): return x * x
if __name__ == "__main__":
    with multiprocessing.get_context("fork").Pool(2) as pool: squares = pool.map(square, [1, 2, 3])
    facts = [sys.argv, os.path.basename(__file__), os.getcwd() == os.path.dirname(outputs["x"]), type(pickle.loads(pickle.dumps(Thing()))).__name__]
    open("x", "w")
`;
    const outcome = await bench.run(
      scriptTask(source, { outputs: [returned('squares'), returned('facts'), outputPort('x')] }),
    );
    expect(outcome).toMatchObject({
      message: '',
      outputs: { squares: [1, 4, 9], facts: [['model.py'], 'model.py', true, 'Thing'] },
    });
  });

  it('reads its standard input', async () => {
    const task = scriptTask('import sys\ntext = sys.stdin.read()', {
      inputs: [inputPort('data')],
      outputs: [returned('text')],
    });
    const outcome = await bench.run(
      { ...task, command: { kind: 'script', source: 'import sys\ntext = sys.stdin.read()', stdin: 'data' } },
      { data: await bench.file('a.txt', 'hello') },
    );
    expect(outcome).toMatchObject({ message: '', outputs: { text: 'hello' } });
  });
});
