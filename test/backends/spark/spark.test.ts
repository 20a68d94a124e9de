import type { SparkOptions } from '../../../src/domain/backends/spark';
import type { BackendSpec } from '../../../src/domain/definitions';
import { join } from 'node:path';
import { scalar } from '../../../src/domain/values';
import { describeEngine } from '../../support/engines';
import { createBench, inputPort, outputPort, task, type Bench } from '../support';
import { alone, onCluster, patient, PATIENCE_MS } from './support';
import { list, parameter, query, result, table } from '../query/support';

interface MasterPage {
  readonly activeapps: readonly { readonly id: string; readonly state: string }[];
}

describeEngine('SPARK', 'SPARK, on a standalone cluster', (engine) => {
  const { page } = engine;
  const spec = (more: Partial<SparkOptions> = {}): BackendSpec => onCluster(engine, { masterPage: page, ...more });
  let bench: Bench;
  beforeAll(() => (bench = createBench(spec())));
  afterAll(() => bench.close());
  const it = (name: string, run: () => Promise<void>): void => test(name, run, PATIENCE_MS);
  const active = async (): Promise<readonly string[]> =>
    ((await (await fetch(`${page}/json/`)).json()) as MasterPage).activeapps.map(({ id }) => id);

  it('a query reads files and values, and leaves files and values', async () => {
    const sql = `
      -- what a view or table is called is an output
      create view young as select * from people where born >= $since;
      create table notes as select note, size(tags) as n from items;
      select count(*) as \`how_many\`, max(score) as best, cast(max(score) as string) as exact,
             max(born) as latest, '$since' as same, 9007199254740993 as large, collect_list(name) as names,
             timestamp '2020-02-29 12:30:00.25' as moment, named_struct('a', array(1, 2)) as nested
      from people`;
    const record = {
      kind: 'record' as const,
      fields: [
        { name: 'note', type: scalar('string') },
        { name: 'tags', type: list(scalar('string')) },
      ],
    };
    const spec = query(sql, {
      ...patient,
      inputs: [inputPort('people', list(scalar('File'))), inputPort('items', list(record))],
      parameters: [parameter('since', scalar('string'))],
      outputs: [
        table('young', 'csv'),
        outputPort('notes', { glob: 'sub/notes.json', path: 'sub/notes.json' }),
        result('how-many', scalar('int')),
        result('best', scalar('double')),
        result('exact', scalar('string')),
        result('latest', scalar('string')),
        result('same', scalar('string')),
        result('large', scalar('string')),
        result('names', list(scalar('string'))),
        result('moment', scalar('string')),
        result('nested', scalar('Any')),
      ],
    });
    const people = [
      await bench.file('people {1}.csv', 'name,born,score\nAda,1815-12-10,1.5\n"Grü, ""ße""",1906-12-09,2.25\n'),
      await bench.file('_more*.csv', 'born,name,score\n1912-06-23,Alan,0.5\n'),
    ];
    const items = [{ note: "it's", tags: ['x', 'y'] }];
    const outcome = await bench.run(spec, { people, items, since: '1900-01-01' });
    expect([outcome.message, outcome.state === 'SUCCEEDED' || outcome.output]).toEqual(['', true]);
    expect(await bench.content(outcome.outputs.young)).toBe(
      'name,born,score\n"Grü, ""ße""",1906-12-09,2.25\nAlan,1912-06-23,0.5\n',
    );
    expect(JSON.parse(await bench.content(outcome.outputs.notes))).toEqual([{ note: "it's", n: 2 }]);
    expect(outcome.outputs).toMatchObject({
      ...{ 'how-many': 3, best: 2.25, exact: '2.25', latest: '1912-06-23', same: '$since', large: '9007199254740993' },
      ...{ moment: '2020-02-29T12:30:00.25Z', nested: { a: [1, 2] } },
    });
    expect([...(outcome.outputs.names as string[])].sort()).toEqual(['Ada', 'Alan', 'Grü, "ße"']);
    expect(outcome.notes.join()).toMatch(/Spark application app-/);
  });

  it('a query that fails tells the line', async () => {
    const outcome = await bench.run(query('select 1;\n\nselect 1,\n  nosuch\nfrom values (1) as t(a)', patient));
    expect(outcome).toMatchObject({ state: 'FAILED', failure: 'EXIT_CODE', exitCode: 1 });
    expect(outcome.streams).toMatchObject({
      stdout: '',
      stderr: expect.stringMatching(/UNRESOLVED_COLUMN[\s\S]*nosuch[\s\S]*line 4/) as string,
    });
    // That of the Java machine, too.
    expect(outcome.cpuMs).toBeGreaterThan(2_000);
  });

  it('a query whose output is what it shows gives a whole table', async () => {
    const other = createBench(alone(engine));
    const sql = 'select array(1, 2) as `a``b`, \'x, "y"\' as c from range(150)';
    const shown = outputPort('shown', { from: 'stdout', glob: '', path: 'shown.csv' });
    const outcome = await other.run(query(sql, { ...patient, outputs: [shown] }));
    expect([outcome.message, outcome.state]).toEqual(['', 'SUCCEEDED']);
    expect(await other.content(outcome.outputs.shown)).toBe(`a\`b,c\n${'"[1,2]","x, ""y"""\n'.repeat(150)}`);
    await other.close();
  });

  const app = `
import sys, time
from pyspark.sql import SparkSession
spark = SparkSession.builder.getOrCreate()
print("argument", sys.argv[1], flush=True)
seconds = float(sys.argv[2])
def slow(x):
    time.sleep(seconds)
    return x
print("sum", spark.sparkContext.parallelize(range(8), 8).map(slow).sum(), flush=True)
sys.exit(int(sys.argv[3]))
`;
  const application = (text: string, seconds: string, code: string) =>
    task([{ kind: 'input', port: 'app' }, text, seconds, code], { inputs: [inputPort('app')], ...patient });

  it('an application runs with its arguments, reports its progress, and its exit code counts', async () => {
    const outcome = await bench.run(application('ä b $(id)', '1', '7'), { app: await bench.file('my app.py', app) });
    expect(outcome).toMatchObject({ state: 'FAILED', failure: 'EXIT_CODE', exitCode: 7 });
    expect(outcome.streams.stdout).toContain('argument ä b $(id)\n');
    expect(outcome.streams.stdout).toContain('sum 28\n');
    expect(outcome.reports.map(([, message]) => message).join()).toMatch(/of 8 Spark tasks/);
  });

  it('a cancel ends driver and executors', async () => {
    const attempt = bench.start(application('x', '1000', '0'), { app: await bench.file('app.py', app) });
    await attempt.until('argument x');
    while (attempt.notes.length === 0) await new Promise((resolve) => setTimeout(resolve, 200));
    const id = /app-[\w-]+/.exec(attempt.notes.join())?.[0] ?? '';
    expect(await active()).toContain(id);
    attempt.cancel('cancelled');
    expect(await attempt.outcome).toMatchObject({ state: 'CANCELLED' });
    while ((await active()).includes(id)) await new Promise((resolve) => setTimeout(resolve, 200));
  });

  it('its health tells version, a master that does not answer, and what is not installed', async () => {
    expect(await bench.host.health(spec())).toMatchObject({ state: 'READY', message: '' });
    const away = spec({ master: 'spark://127.0.0.1:1' });
    expect(await bench.host.health(away)).toMatchObject({
      state: 'UNAVAILABLE',
      version: expect.stringMatching(/^\d/) as string,
    });
    expect(await bench.host.health(spec({ home: '/nowhere' }))).toMatchObject({ state: 'MISSING', version: null });
    const { home: _, ...options } = onCluster(engine).options;
    const bin = join(engine.home, '../../../../bin');
    const inPath: BackendSpec<'SPARK'> = {
      ...onCluster(engine),
      environment: { PATH: `${bin}:${process.env.PATH}` },
      options,
    };
    expect(await bench.host.health(inPath)).toMatchObject({
      state: 'READY',
      version: expect.stringMatching(/^\d/) as string,
    });
    const other = createBench(away);
    await expect(other.run(query('select 1'))).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await other.close();
  });
});
