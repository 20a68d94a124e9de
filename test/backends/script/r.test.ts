import type { BackendSpec } from '../../../src/domain/definitions';
import { scalar } from '../../../src/domain/values';
import { describeEngine } from '../../support/engines';
import { conformance } from '../conformance/suite';
import { createBench, inputPort, outputPort, type Bench } from '../support';
import { returned, scriptTask } from './programs';
import { rPrograms } from './rPrograms';
import { LIST, RECORD, returnsWhatItGets } from './values';

const r = (options: BackendSpec<'R'>['options']): BackendSpec<'R'> => ({
  ...{ name: 'r', kind: 'R', description: '', environment: {} },
  options,
});

describeEngine('R', 'R', ({ interpreter }) => {
  conformance({
    spec: () => r({ interpreter }),
    programs: rPrograms,
    cancelSeconds: 5,
    survivesWorker: false,
    missing: {
      spec: () => r({ interpreter: 'no-such-rscript' }),
      message: /R is not installed on this worker: there is no `no-such-rscript`.*apt-get install r-base-core/,
    },
    refused: { task: () => scriptTask('x <- (1\n'), message: /Exit code 1/ },
  });
});

describeEngine('R', 'a script of R', ({ interpreter }) => {
  let bench: Bench;
  beforeAll(() => (bench = createBench(r({ interpreter }))));
  afterAll(() => bench.close());

  returnsWhatItGets(
    () => r({ interpreter }),
    (to, from) => `${to} <- ${from}`,
  );

  it('gets vectors, lists and NULL', async () => {
    const source = `
kinds <- c(class(nothing), class(truth), class(whole), class(long), class(ratio), class(some_text), class(ints), class(strings), class(record), class(mixed), class(inputs[["if"]]))
missing <- is.na(gaps)
lengths <- c(length(ints), length(none))
there <- exists("nothing")
`;
    const types = {
      nothing: scalar('Any'),
      truth: scalar('boolean'),
      whole: scalar('int'),
      long: scalar('long'),
      ratio: scalar('double'),
      'some-text': scalar('string'),
      ints: LIST(scalar('int')),
      strings: LIST(scalar('string')),
      record: RECORD({ a: scalar('int') }),
      mixed: scalar('Any'),
      gaps: scalar('Any'),
      none: LIST(scalar('int')),
      if: scalar('int'),
    };
    const values = {
      ...{ nothing: null, truth: true, whole: 3, long: 2 ** 40, ratio: 0.1, 'some-text': 'ä"\\\n\t' },
      ...{ ints: [1, 2], strings: ['a'], record: { a: 1 }, mixed: [1, 'a'], gaps: [1, null], none: [], if: 1 },
    };
    const outcome = await bench.run(
      scriptTask(source, {
        inputs: Object.entries(types).map(([name, type]) => inputPort(name, type)),
        outputs: ['kinds', 'missing', 'lengths', 'there'].map((name) => returned(name)),
      }),
      values,
    );
    expect(outcome).toMatchObject({
      message: '',
      outputs: {
        kinds: [
          'NULL',
          'logical',
          'integer',
          'numeric',
          'numeric',
          'character',
          'integer',
          'character',
          'list',
          'list',
          'integer',
        ],
        missing: [false, true],
        lengths: [2, 0],
        there: true,
      },
    });
  });

  it('returns what R has, as its types say', async () => {
    const source = `
one <- 1.5
list_of_one <- 1.5
named <- c(a = 1, b = 2)
matrix <- matrix(1:4, 2, byrow = TRUE)
factors <- factor(c("x", "y"))
day <- as.Date("2024-02-29")
gaps <- c(1, NA)
frame <- data.frame(a = 1:2, b = c("x", NA))
nested <- list(list(k = TRUE), NULL)
`;
    const names = ['one', 'named', 'matrix', 'factors', 'day', 'gaps', 'frame', 'nested'];
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
        named: { a: 1, b: 2 },
        matrix: [
          [1, 2],
          [3, 4],
        ],
        factors: ['x', 'y'],
        day: '2024-02-29',
        gaps: [1, null],
        frame: [
          { a: 1, b: 'x' },
          { a: 2, b: null },
        ],
        nested: [{ k: true }, null],
      },
    });
  });

  it('is told which value cannot be passed on, and why', async () => {
    const source = 'nan <- 0/0\nendless <- c(1, Inf)\ncode <- quote(x + y)\nfine <- 1';
    const outputs = ['nan', 'endless', 'code', 'fine'].map((name) => returned(name));
    const outcome = await bench.run(scriptTask(source, { outputs }));
    expect(outcome).toMatchObject({ state: 'FAILED', failure: 'BAD_OUTPUT', outputs: { fine: 1 } });
    expect(outcome.message).toContain('Output `nan`: NaN is no value that can be passed on');
    expect(outcome.message).toContain('Output `endless`: Inf is no value');
    expect(outcome.message).toContain('Output `code`: a value of type language cannot be passed on');
  });

  it.each([
    ['d.csv', 'city,visits,score,open,note\nÅrhus,1,0.5,true,"a, b"\nBerlin,2,,false,\n'],
    ['d.tsv', 'city\tvisits\tscore\topen\tnote\nÅrhus\t1\t0.5\ttrue\ta, b\nBerlin\t2\t\tfalse\t\n'],
    [
      'd.json',
      '[{"city":"Århus","visits":1,"score":0.5,"open":true,"note":"a, b"},{"city":"Berlin","visits":2,"open":false}]',
    ],
  ])('reads %s as a data frame with typed columns', async (name, content) => {
    const source = 'kinds <- unname(vapply(data, class, ""))\nrows <- data';
    const task = scriptTask(source, {
      inputs: [{ ...inputPort('data'), as: 'table' }],
      outputs: [returned('kinds'), returned('rows')],
    });
    expect(await bench.run(task, { data: await bench.file(name, content) })).toMatchObject({
      message: '',
      outputs: {
        kinds: ['character', 'integer', 'numeric', 'logical', 'character'],
        rows: [
          { city: 'Århus', visits: 1, score: 0.5, open: true, note: 'a, b' },
          { city: 'Berlin', visits: 2, score: null, open: false, note: null },
        ],
      },
    });
  });

  it('says what to install for Parquet', async () => {
    const task = scriptTask('', { inputs: [{ ...inputPort('data'), as: 'table' }] });
    const outcome = await bench.run(task, { data: await bench.file('d.parquet', 'PAR1') });
    expect(outcome).toMatchObject({ state: 'FAILED', exitCode: 1 });
    expect(outcome.output).toContain('install.packages("nanoparquet")');
  });

  it('returns data frames, plots and paths as files', async () => {
    const source = `
table <- data.frame(a = 1:2, b = c("x, y", NA))
rows <- table
png("plot.png"); plot(1:3); invisible(dev.off())
picture <- "plot.png"
many <- list("plot.png", table)
`;
    const file = scalar('File');
    const outcome = await bench.run(
      scriptTask(source, {
        outputs: [
          returned('table', file, { format: 'csv' }),
          returned('rows', file, { format: 'json' }),
          returned('picture', file),
          returned('many', LIST(file)),
        ],
      }),
    );
    expect(outcome.message).toBe('');
    expect(await bench.content(outcome.outputs.table)).toBe('"a","b"\n1,"x, y"\n2,\n');
    expect(await bench.content(outcome.outputs.rows)).toBe('[{"a":1,"b":"x, y"},{"a":2,"b":null}]\n');
    expect(outcome.outputs).toMatchObject({
      picture: { name: 'plot.png', mediaType: 'image/png' },
      many: [{ name: 'plot.png' }, { name: 'many-2.csv' }],
    });
  });

  it('ends by an error with the lines of its source', async () => {
    const source = 'g <- function(a) {\n  b <- a + 1\n  b + "z"\n}\nf <- function(a) g(a)\nf(3)\n';
    const outcome = await bench.run(scriptTask(source));
    expect(outcome).toMatchObject({ state: 'FAILED', failure: 'EXIT_CODE', exitCode: 1 });
    expect(outcome.output).toBe(
      'Error in b + "z" (from model.R#3) : non-numeric argument to binary operator\nTraceback:\n2: g(a) at model.R#5\n1: f(3) at model.R#6\n',
    );
  });

  it('tells a stop at its top and a warning by the line', async () => {
    const outcome = await bench.run(scriptTask('warning("careful")\nas.integer("x")\nstop("sorry: ä")\n'));
    expect(outcome.output).toContain('Warning: careful\n');
    expect(outcome.output).toContain('[1] NA\n');
    expect(outcome.output).toContain('Error (from model.R#3) : sorry: ä\n');
  });

  it('ends by a mistake in its syntax', async () => {
    const outcome = await bench.run(scriptTask('x <- 1\nif x\n'));
    expect(outcome).toMatchObject({ exitCode: 1 });
    expect(outcome.output).toMatch(/^Error: model\.R:2:4: unexpected symbol\n/);
  });

  it.each([
    ['quit(status = 4)', 4],
    ['q("no", 5, FALSE)', 5],
    ['f <- function() quit(status = 6)\nf()', 6],
    ['f <- function(n) f(n + 1)\nf(1)', 1],
  ])('ends by %s with exit code %i, and what it had returned', async (statement, code) => {
    const outcome = await bench.run(scriptTask(`x <- 1\n${statement}`, { outputs: [returned('x')] }));
    expect(outcome).toMatchObject({ exitCode: code, outputs: { x: 1 } });
  });

  it('may clear its workspace and catch its errors, and prints what it says', async () => {
    const source = `
rm(list = ls())
caught <- tryCatch(stop("inner"), error = function(e) conditionMessage(e))
caught
invisible(3)
progress(50, "on  the\\nway")
writeLines(names(inputs))
`;
    const outcome = await bench.run(
      scriptTask(source, {
        inputs: [inputPort('a', scalar('int'))],
        outputs: [returned('caught'), outputPort('x')],
        missingOutput: 'CONTINUE',
      }),
      { a: 1 },
    );
    expect(outcome).toMatchObject({
      outputs: { caught: 'inner' },
      output: '[1] "inner"\n::progress 50 on the way\na\n',
    });
    expect(outcome.reports).toEqual([[50, 'on the way']]);
  });

  it('needs no package', async () => {
    const source = 'packages <- setdiff(loadedNamespaces(), rownames(installed.packages(priority = "base")))';
    const outcome = await bench.run(scriptTask(source, { outputs: [returned('packages', LIST(scalar('string')))] }));
    expect(outcome.outputs.packages).toEqual([]);
  });
});
