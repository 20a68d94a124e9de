import { scalar } from '../../../src/domain/values';
import { describeEngine } from '../../support/engines';
import { createBench, inputPort, outputPort, type Bench } from '../support';
import { scriptBackend, scriptLanguage } from './language';
import { returned, scriptTask } from './programs';
import { rPrograms } from './rPrograms';
import { LIST, RECORD } from './values';

scriptLanguage({
  kind: 'R',
  title: 'R',
  programs: rPrograms,
  install: 'apt-get install r-base-core',
  broken: { source: 'x <- 1\nif x\n', told: /^Error: model\.R:2:4: unexpected symbol\n/ },
  fails: {
    source: 'g <- function(a) {\n  b <- a + 1\n  b + "z"\n}\nf <- function(a) g(a)\nf(3)\n',
    told: /^Error in b \+ "z" \(from fit-model.R#3\) : non-numeric argument to binary operator\nTraceback:\n2: g\(a\) at fit-model.R#5\n1: f\(3\) at fit-model.R#6\n$/,
  },
  ends: [
    ['quit(status = 4)', 4],
    ['q("no", 5, FALSE)', 5],
    ['f <- function() quit(status = 6)\nf()', 6],
    ['f <- function(n) f(n + 1)\nf(1)', 1],
  ],
  assign: (to, from) => `${to} <- ${from}`,
  unfit: {
    source: 'nan <- 0/0\nendless <- c(1, Inf)\ncode <- quote(x + y)\nfine <- 1',
    told: {
      nan: 'NaN is no value that can be passed on',
      endless: 'Inf is no value',
      code: 'a value of type language cannot be passed on',
    },
  },
  tables: {
    source: `
kinds <- unname(vapply(data, class, ""))
city <- data$city; visits <- data$visits; open <- data$open; missing <- is.na(data$score)
`,
    kinds: ['character', 'integer', 'numeric', 'logical'],
    notes: 'rows <- data$note',
    noParquet: 'install.packages("nanoparquet")',
  },
  files: {
    source: `
table <- data.frame(a = 1:2, b = c("x, y", NA))
rows <- table
cat("x", file = "x.txt")
many <- list("x.txt", table)
`,
    content: {
      csv: '"a","b"\n1,"x, y"\n2,\n',
      tsv: '"a"\t"b"\n1\t"x, y"\n2\t\n',
      json: '[{"a":1,"b":"x, y"},{"a":2,"b":null}]\n',
    },
  },
});

describeEngine('R', 'a script of R', ({ interpreter }) => {
  let bench: Bench;
  beforeAll(() => (bench = createBench(scriptBackend('R', { interpreter }))));
  afterAll(() => bench.close());

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

  it('returns a picture by its path', async () => {
    const source = 'png("plot.png"); plot(1:3); invisible(dev.off())\npicture <- "plot.png"';
    const outcome = await bench.run(scriptTask(source, { outputs: [returned('picture', scalar('File'))] }));
    expect(outcome).toMatchObject({
      message: '',
      outputs: { picture: { name: 'plot.png', mediaType: 'image/png' } },
    });
  });

  it('tells a stop at its top and a warning by the line', async () => {
    const outcome = await bench.run(scriptTask('warning("careful")\nas.integer("x")\nstop("sorry: ä")\n'));
    expect(outcome.output).toContain('Warning: careful\n');
    expect(outcome.output).toContain('[1] NA\n');
    expect(outcome.output).toContain('Error (from model.R#3) : sorry: ä\n');
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
