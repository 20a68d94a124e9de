import type { InputPort } from '../../../src/domain/definitions';
import { scalar } from '../../../src/domain/values';
import { describeEngine, engine as found } from '../../support/engines';
import { list, parameter } from '../query/support';
import { returned, scriptTask } from '../script/programs';
import { createBench, inputPort, type Bench } from '../support';
import { alone, onCluster, patient, PATIENCE_MS } from './support';

describeEngine('SPARK', 'a PySpark script', (engine) => {
  const other = found('PYTHON');
  /** Finds pyspark nowhere but in the folder of Spark. */
  const python = other.here ? other.facts.interpreter : undefined;
  let cluster: Bench;
  let local: Bench;
  beforeAll(() => {
    cluster = createBench(onCluster(engine, { masterPage: engine.page }));
    local = createBench(alone(engine, python === undefined ? {} : { python }));
  });
  afterAll(() => Promise.all([cluster.close(), local.close()]));
  const it = (name: string, run: () => Promise<void>): void => test(name, run, PATIENCE_MS);
  const file = (name: string, format: string) => returned(name, scalar('File'), { format });
  const table = (name: string, more: Partial<InputPort> = {}): InputPort => ({
    ...inputPort(name),
    as: 'table',
    ...more,
  });

  it('on a cluster gets tables as DataFrames, and returns values and one file for each table', async () => {
    const source = `
from pyspark.sql import functions as F
kinds = [type(visits).__module__, type(spark).__name__, type(many).__name__, type(people).__name__]
types = {name: dict(frame.dtypes) for name, frame in {"visits": visits, "people": people}.items()}

def initial(name):
    return name[0]

joined = visits.join(people, "name").where(F.col("day") >= since)
totals = joined.groupBy("name").agg(F.sum("score").alias("score"), F.min("day").alias("first")).orderBy("name")
initials = spark.sparkContext.parallelize(sorted(row.name for row in totals.collect()), 2).map(initial).collect()
best = totals.orderBy(F.desc("score")).first()
as_parquet = totals
again = [frame.count() for frame in many]
text = "total.txt"
open(text, "w").write(str(factor * visits.count()))
`;
    const outcome = await cluster.run(
      scriptTask(source, {
        ...patient,
        inputs: [
          table('visits'),
          table('people', { format: 'json' }),
          { ...inputPort('many', list(scalar('File'))), as: 'table' },
        ],
        parameters: [parameter('since', scalar('string')), parameter('factor', scalar('int'))],
        outputs: [
          ...['kinds', 'types', 'initials', 'best', 'again'].map((name) => returned(name)),
          ...[file('totals', 'csv'), file('as-parquet', 'parquet'), returned('text', scalar('File'))],
        ],
      }),
      {
        visits: await cluster.file(
          '_visits [1].csv',
          'name,score,day\n"Grü, ""ße""",1.5,2024-01-02\nAda,NA,2024-01-03\nAda,2,2024-02-01\n,7,2024-01-01\n',
        ),
        people: await cluster.file('p.txt', '{"name": "Ada", "born": 1815}\n{"name": "Grü, \\"ße\\"", "born": null}\n'),
        many: [await cluster.file('a.tsv', 'x\ty\n1\t2\n'), await cluster.file('b.json', ' [{"x": 1},\n {"x": 2}]')],
        ...{ since: '2024-01-02', factor: 3 },
      },
    );
    expect([outcome.message, outcome.state === 'SUCCEEDED' || outcome.output]).toEqual(['', true]);
    expect(outcome.outputs).toMatchObject({
      kinds: ['pyspark.sql.classic.dataframe', 'SparkSession', 'list', 'DataFrame'],
      types: { visits: { name: 'string', score: 'double', day: 'date' }, people: { born: 'bigint', name: 'string' } },
      initials: ['A', 'G'],
      best: { name: 'Ada', score: 2, first: '2024-01-03' },
      again: [1, 2],
      totals: { name: 'totals.csv', format: 'csv' },
      'as-parquet': { name: 'as-parquet.parquet', format: 'parquet' },
    });
    expect(await cluster.content(outcome.outputs.totals)).toBe(
      'name,score,first\nAda,2.0,2024-01-03\n"Grü, ""ße""",1.5,2024-01-02\n',
    );
    expect(await cluster.content(outcome.outputs.text)).toBe('12');
  });

  it('reads Parquet, and returns tables as values, as JSON and empty', async () => {
    const written = await local.run(
      scriptTask('table = spark.createDataFrame([("Ada", 2.0), ("Grü", None)], "name string, score double")', {
        ...patient,
        outputs: [file('table', 'parquet')],
      }),
    );
    const source = `
rows = table
lines = table.orderBy("name")
none = table.where("score > 9")
moments = spark.sql("""select timestamp '2024-07-01 12:00:00.5' as t, 9007199254740993 as n,
  array(named_struct('a', cast(1.5 as decimal(3, 1)))) as d""")
endless = spark.range(1_000_000_000)
`;
    const outcome = await local.run(
      scriptTask(source, {
        ...patient,
        environment: { TZ: 'Europe/Berlin' },
        inputs: [table('table')],
        outputs: [
          ...['rows', 'moments', 'endless'].map((name) => returned(name)),
          ...[file('lines', 'json'), file('none', 'csv')],
        ],
      }),
      written.outputs,
    );
    expect(outcome).toMatchObject({
      state: 'FAILED',
      failure: 'BAD_OUTPUT',
      message: expect.stringMatching(/Output `endless`: its rows hold more than 8 MB; declare it as a File/) as string,
      outputs: {
        rows: [
          { name: 'Ada', score: 2 },
          { name: 'Grü', score: null },
        ],
        moments: [{ t: '2024-07-01T10:00:00.5Z', n: '9007199254740993', d: [{ a: 1.5 }] }],
      },
    });
    expect(JSON.parse(await local.content(outcome.outputs.lines))).toEqual([
      { name: 'Ada', score: 2 },
      { name: 'Grü', score: null },
    ]);
    expect(await local.content(outcome.outputs.none)).toBe('name,score\n');
  });

  it('reads its standard input, writes both streams, tells its progress and has its exit code', async () => {
    const source = `
import sys, time
progress(42, "halfway")
print("got", sys.stdin.read(), "by", sys.executable)
print("said", file=sys.stderr)
spark.sparkContext.parallelize(range(4), 4).map(lambda x: time.sleep(1)).count()
sys.exit(4)
`;
    const outcome = await local.run(
      {
        ...scriptTask(source, { ...patient, inputs: [inputPort('data')] }),
        command: { kind: 'script', source, stdin: 'data' },
      },
      { data: await local.file('a.txt', 'hello') },
    );
    expect(outcome).toMatchObject({ state: 'FAILED', failure: 'EXIT_CODE', exitCode: 4 });
    expect(outcome.streams.stdout).toMatch(/^::progress 42 halfway\ngot hello by \S+\n$/);
    expect(outcome.streams.stdout).toContain(`by ${python ?? ''}`);
    expect(outcome.streams.stderr).toContain('said\n');
    expect(outcome.reports).toEqual([[42, 'halfway']]);
    expect(outcome.notes.join()).toMatch(/Spark application local-/);
  });

  it('ends by an error with the lines of its source, and keeps what it had set', async () => {
    const source = `x = 1
def broken(value):
    return 1 // value

spark.sparkContext.parallelize([0], 1).map(broken).collect()
`;
    const outcome = await local.run(scriptTask(source, { ...patient, outputs: [returned('x')] }));
    expect(outcome).toMatchObject({ state: 'FAILED', failure: 'EXIT_CODE', exitCode: 1, outputs: { x: 1 } });
    expect(outcome.streams.stderr).toMatch(/File "model.py", line 5, in <module>\n {4}spark\.sparkContext/);
    expect(outcome.streams.stderr).toMatch(/File "model.py", line 3, in broken[\s\S]*ZeroDivisionError/);
    expect(outcome.streams.stderr).not.toContain('drivers/python.py');
  });
});
