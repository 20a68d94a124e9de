import { scalar, type ValueType } from '../../../src/domain/values';
import { inputPort, outputPort, createBench, type Bench } from '../support';
import { list, parameter, query, result, sqlBackend, table } from '../query/support';

let bench: Bench;
beforeAll(() => (bench = createBench(sqlBackend())));
afterAll(() => bench.close());

const PEOPLE = 'name,born,score\nAda,1815-12-10,1.50\nGrüße,1906-12-09,2.25\n';
const people = { inputs: [inputPort('people')] };
const withPeople = async (): Promise<{ people: Awaited<ReturnType<Bench['file']>> }> => ({
  people: await bench.file('people.csv', PEOPLE),
});
const record = (fields: Record<string, ValueType>): ValueType => ({
  kind: 'record',
  fields: Object.entries(fields).map(([name, type]) => ({ name, type })),
});

describe('rows', () => {
  test('of an input file become a file', async () => {
    const task = query('select name, year(born) as year from people order by year desc', {
      ...people,
      outputs: [table('clean', 'csv')],
    });
    const outcome = await bench.run(task, await withPeople());
    expect([outcome.message, outcome.output]).toEqual(['', '']);
    expect(outcome.outputs.clean).toMatchObject({ name: 'clean.csv', format: 'csv' });
    expect(await bench.content(outcome.outputs.clean)).toBe('name,year\nGrüße,1906\nAda,1815\n');
  });

  test.each(['tsv', 'json', 'ndjson', 'parquet'])('go through a file of format %s', async (format) => {
    const write = query('select * from people', { ...people, outputs: [table('copy', format)] });
    const written = await bench.run(write, await withPeople());
    expect(written.message).toBe('');
    const read = query('select name, born, score * 2 as score from copy', {
      inputs: [inputPort('copy')],
      outputs: [table('again', 'csv')],
    });
    const outcome = await bench.run(read, { copy: written.outputs.copy ?? null });
    expect(await bench.content(outcome.outputs.again)).toBe(
      'name,born,score\nAda,1815-12-10,3.0\nGrüße,1906-12-09,4.5\n',
    );
  });

  test('of several files are one table', async () => {
    const files = [await bench.file('a*.csv', 'id,x\n1,a\n'), await bench.file('a b[1].csv', 'x,id\nb,2\n')];
    const task = query('select sum(id) as total, string_agg(x) as names from parts', {
      inputs: [inputPort('parts', list(scalar('File')))],
      outputs: [result('total', scalar('int')), result('names', scalar('string'))],
    });
    expect((await bench.run(task, { parts: files })).outputs).toEqual({ total: 3, names: 'a,b' });
  });

  test('of records that are given as a value are a table, of the declared types', async () => {
    const rows = list(record({ id: scalar('long'), tags: list(scalar('string')), note: scalar('string') }));
    const task = query('select id, len(tags) as n, typeof(id) as kind from items order by id', {
      inputs: [inputPort('items', rows)],
      outputs: [result('all', list(record({ id: scalar('long'), n: scalar('int'), kind: scalar('string') })))],
    });
    const items = [
      { id: 9007199254740991, tags: ['x', 'y'], note: "it's" },
      { id: 1, tags: [], note: '' },
    ];
    expect((await bench.run(task, { items })).outputs.all).toEqual([
      { id: 1, n: 0, kind: 'BIGINT' },
      { id: 9007199254740991, n: 2, kind: 'BIGINT' },
    ]);
  });

  test('of tables with the name of an output become that output, and the last SELECT the others', async () => {
    const sql = `
      create table young as select * from people where born > '1900-01-01';
      create view old_ones as select * from people where born <= '1900-01-01';
      select count(*) as "how-many", max(score) as best from people`;
    const outputs = [
      table('young', 'csv'),
      table('old-ones', 'ndjson'),
      result('how-many', scalar('int')),
      result('best', scalar('double')),
    ];
    const outcome = await bench.run(query(sql, { ...people, outputs }), await withPeople());
    expect(outcome.message).toBe('');
    expect(await bench.content(outcome.outputs.young)).toBe('name,born,score\nGrüße,1906-12-09,2.25\n');
    expect(await bench.content(outcome.outputs['old-ones'])).toContain('"name":"Ada"');
    expect(outcome.outputs).toMatchObject({ 'how-many': 2, best: 2.25 });
  });

  test('become a file and values at once, and a file that is found by its path', async () => {
    const outputs = [
      table('rows', 'csv'),
      outputPort('found', { glob: 'sub/found.json', path: 'sub/found.json' }),
      result('x', list(scalar('int'))),
    ];
    const outcome = await bench.run(query('select range::int as x from range(3)', { outputs }));
    expect(outcome.message).toBe('');
    expect(await bench.content(outcome.outputs.rows)).toBe('x\n0\n1\n2\n');
    expect(JSON.parse(await bench.content(outcome.outputs.found))).toEqual([{ x: 0 }, { x: 1 }, { x: 2 }]);
    expect(outcome.outputs.x).toEqual([0, 1, 2]);
  });

  test('that COPY writes are found, and not written over', async () => {
    const sql = `copy (select 'own' as a) to 'own.csv'; select 'last' as a`;
    const outcome = await bench.run(query(sql, { outputs: [outputPort('own', { glob: 'own.csv' })] }));
    expect(await bench.content(outcome.outputs.own)).toBe('a\nown\n');
    const alone = await bench.run(
      query(`copy (select 'own' as a) to 'own.csv'`, { outputs: [outputPort('own', { glob: 'own.csv' })] }),
    );
    expect([alone.state, alone.output]).toEqual(['SUCCEEDED', '']);
  });

  test('that no output takes are shown, the first of them', async () => {
    const outcome = await bench.run(query('select range as number from range(1000)'));
    expect(outcome.streams.stdout.split('\n').slice(0, 3)).toEqual(['number', '0', '1']);
    expect(outcome.streams.stdout.split('\n')).toHaveLength(102);
  });

  test('go to standard output, all of them, where that is an output', async () => {
    const outputs = [outputPort('printed', { from: 'stdout', path: 'printed.csv' })];
    const outcome = await bench.run(query('select range as number from range(1000)', { outputs }));
    expect((await bench.content(outcome.outputs.printed)).split('\n')).toHaveLength(1002);
  });

  test('of what describes tables are rows as well', async () => {
    const outcome = await bench.run(
      query('describe people', { ...people, outputs: [table('columns', 'csv')] }),
      await withPeople(),
    );
    expect(await bench.content(outcome.outputs.columns)).toContain('born,DATE');
  });

  test('of a pivot, which is several statements to the engine', async () => {
    const sql = `pivot (select 'a' as k, $v as v union all select 'b', 2) on k using sum(v)`;
    const task = query(sql, { parameters: [parameter('v', scalar('int'))], outputs: [table('wide', 'csv')] });
    const outcome = await bench.run(task, { v: 40 });
    expect([outcome.message, outcome.output]).toEqual(['', '']);
    expect(await bench.content(outcome.outputs.wide)).toBe('a,b\n40,2\n');
  });
});

describe('values', () => {
  const types: [string, ValueType, unknown][] = [
    ["date '2020-02-29'", scalar('string'), '2020-02-29'],
    ["timestamp '2020-02-29 12:30:00.25'", scalar('string'), '2020-02-29T12:30:00.25'],
    ["timestamptz '2020-02-29 12:30:00+02'", scalar('string'), '2020-02-29T10:30:00Z'],
    ['9007199254740993::bigint', scalar('string'), '9007199254740993'],
    ['9007199254740991::bigint', scalar('long'), 9007199254740991],
    ['sum(range)', scalar('int'), 6],
    ['1.10::decimal(10, 2)', scalar('string'), '1.10'],
    ['1.10::decimal(10, 2)', scalar('double'), 1.1],
    ['true', scalar('boolean'), true],
    ["'ü'", scalar('Any'), 'ü'],
    ['null::int', { kind: 'union', types: [scalar('null'), scalar('int')] }, null],
    ['list(range order by range)', list(scalar('int')), [0, 1, 2, 3]],
    ["{'a': 1, 'b': [date '2020-01-01']}", scalar('Any'), { a: 1, b: ['2020-01-01'] }],
    ["map {'k': 1.5::decimal(3, 1)}", scalar('Any'), { k: 1.5 }],
    [`'{"a": [1]}'::json`, scalar('Any'), { a: [1] }],
  ];
  test.each(types)('%s is given as it is', async (expression, type, value) => {
    const sql = `select ${expression} as v${/range/.test(expression) ? ' from range(4)' : ''}`;
    const outcome = await bench.run(query(sql, { outputs: [result('v', type)] }));
    expect([outcome.message, outcome.outputs.v]).toEqual(['', value]);
  });

  test('that a number cannot hold are not changed but refused', async () => {
    const outcome = await bench.run(query('select 9007199254740993 as v', { outputs: [result('v', scalar('long'))] }));
    expect(outcome).toMatchObject({ state: 'FAILED', failure: 'BAD_OUTPUT' });
  });

  test('of which there are several rows, or no column of that name, are refused in words', async () => {
    const rows = await bench.run(query('select 1 as v from range(2)', { outputs: [result('v', scalar('int'))] }));
    expect(rows.output).toContain('Output `v` is one value, and the result has 2 rows');
    const names = await bench.run(query('select 1 as a, 2 as b', { outputs: [result('v', scalar('int'))] }));
    expect(names.output).toContain('It has a, b: add `… AS v`');
  });

  test('too many for a value are refused', async () => {
    const sql = 'select repeat(range::varchar, 100) as v from range(100000)';
    const outcome = await bench.run(query(sql, { outputs: [result('v', list(scalar('string')))] }));
    expect(outcome).toMatchObject({ state: 'FAILED', exitCode: 1 });
    expect(outcome.output).toContain('hold more than 1 MB');
  });
});

describe('variables', () => {
  test('are never text of the query', async () => {
    const parameters = [parameter('name', scalar('string')), parameter('ids', list(scalar('int')))];
    const task = query("select $name as name, '$name' as same, len($ids) as n", {
      parameters,
      outputs: [result('name', scalar('string')), result('same', scalar('string')), result('n', scalar('int'))],
    });
    const name = `x'; drop table people; -- "`;
    expect((await bench.run(task, { name, ids: [1, 2] })).outputs).toEqual({ name, same: '$name', n: 2 });
  });

  test('compare with what a column holds, count rows, and stand in views', async () => {
    const sql = `
      create view late as select * from people where born >= $since;
      select name from late where score > $least limit $n`;
    const parameters = [
      parameter('since', scalar('string')),
      parameter('least', scalar('double')),
      parameter('n', scalar('int')),
    ];
    const task = query(sql, { ...people, parameters, outputs: [result('name', scalar('string'))] });
    const outcome = await bench.run(task, { ...(await withPeople()), since: '1900-01-01', least: 2, n: 1 });
    expect([outcome.message, outcome.output, outcome.outputs.name]).toEqual(['', '', 'Grüße']);
  });

  test('of files are their paths, for files that need to be read in a way of their own', async () => {
    const task = query(`select sum(column1) as total from read_csv($data, header = false, delim = '|')`, {
      inputs: [inputPort('data')],
      outputs: [result('total', scalar('int'))],
    });
    expect((await bench.run(task, { data: await bench.file('data.txt', 'a|1\nb|2\n') })).outputs.total).toBe(3);
  });
});

describe('what is wrong', () => {
  test('is told with the line of the query', async () => {
    const outcome = await bench.run(query('select 1;\n\nselect 1,\n  nosuch\nfrom (values (1)) t(a)'));
    expect(outcome).toMatchObject({ state: 'FAILED', failure: 'EXIT_CODE', exitCode: 1 });
    expect(outcome.streams.stderr).toMatch(/Referenced column "nosuch" not found[\s\S]*LINE 4: {3}nosuch/);
  });

  test('while it runs is told with the statement', async () => {
    const outcome = await bench.run(query("select 1;\nselect error('boo')"));
    expect(outcome.streams.stderr).toMatch(/boo[\s\S]*statement that begins on line 2/);
  });

  test('with an input that is no table is told as such', async () => {
    const task = query('select * from people', people);
    const outcome = await bench.run(task, { people: await bench.file('people.txt', 'x') });
    expect(outcome.output).toContain('There is no table people: the input `people` (`people.txt`) is not known to be');
    const broken = await bench.run(task, { people: await bench.file('people.parquet', 'x') });
    expect(broken.output).toContain('The input `people` cannot be read as a table');
  });

  test('with the Task itself is told before anything runs', async () => {
    const outcome = await bench.run(query('select $x'));
    expect(outcome).toMatchObject({ state: 'FAILED', failure: 'NOT_STARTED', retryable: false });
  });

  test('leaves what was produced before', async () => {
    const sql = "copy (select 'half' as a) to 'first.csv'; select error('enough')";
    const outputs = [outputPort('first', { glob: 'first.csv' }), outputPort('second')];
    const outcome = await bench.run(query(sql, { outputs }));
    expect(outcome).toMatchObject({ state: 'FAILED', exitCode: 1 });
    expect(await bench.content(outcome.outputs.first)).toBe('a\nhalf\n');
  });

  test('when nothing is left for an output', async () => {
    const outcome = await bench.run(query('create table a as select 1', { outputs: [table('b')] }));
    expect(outcome).toMatchObject({ state: 'FAILED', failure: 'MISSING_OUTPUT' });
    expect(outcome.output).toContain('End the query with a SELECT, or create a table of that name');
  });
});
