import { planQuery, type QueryPlan } from '../../../src/backends/query/plan';
import { tableFormat } from '../../../src/backends/tableFormat';
import type { TaskSpec } from '../../../src/domain/definitions';
import { scalar, type FileValue, type Values } from '../../../src/domain/values';
import { inputPort, outputPort } from '../support';
import { list, parameter, query, result, table } from './support';

const file = (name: string): FileValue => ({
  ...{ class: 'File', name, mediaType: '', size: 1 },
  sha256: '0'.repeat(64),
});
const plan = (task: TaskSpec, values: Values = {}, inputPaths: Record<string, string | string[]> = {}): QueryPlan =>
  planQuery({ task, values, inputPaths, outputPaths: {} }, 'duckdb', (path) => path);

test.each([
  ['csv', 'x', 'csv'],
  [undefined, 'a.TSV', 'tsv'],
  [undefined, 'a.csv.gz', 'csv'],
  [undefined, 'a.jsonl', 'ndjson'],
  ['http://edamontology.org/format_3752', 'x.txt', 'csv'],
  ['text/csv', 'x', 'csv'],
  ['parquet', 'a.csv', 'parquet'],
  [undefined, 'a.txt', undefined],
  ['fasta', 'a', undefined],
])('the format %s of the file %s is %s', (declared, name, format) => {
  expect(tableFormat(declared, name)).toBe(format);
});

describe('the plan of a query', () => {
  test('holds the tables it speaks of, and all variables', () => {
    const task = query('select * from people where age > $min_age', {
      inputs: [inputPort('people'), inputPort('unused')],
      parameters: [parameter('min-age', scalar('int'))],
    });
    const values = { people: file('a.csv'), unused: file('b.csv'), 'min-age': 3 };
    const { tables, variables } = plan(task, values, { people: '/in/a.csv', unused: '/in/b.csv' });
    expect(tables).toEqual([{ name: 'people', kind: 'files', format: 'csv', paths: ['/in/a.csv'] }]);
    expect(variables.map(({ name, value }) => [name, value])).toEqual([
      ['min_age', 3],
      ['people', '/in/a.csv'],
      ['unused', '/in/b.csv'],
    ]);
  });

  test('says why an input is no table', () => {
    const inputs = [inputPort('a'), inputPort('b'), inputPort('c', list(scalar('File')))];
    const task = query('select * from a, b, c', { inputs });
    const values = { a: file('a.txt'), b: null, c: [file('x.csv'), file('y.json')] };
    const { tables, notTables } = plan(task, values, { a: '/a.txt', c: ['/x.csv', '/y.json'] });
    expect(tables).toEqual([]);
    expect(notTables.a).toContain('declare its format (csv, tsv, json, ndjson, parquet)');
    expect(notTables.b).toContain('was not given');
    expect(notTables.c).toContain('not known to be a table');
  });

  test('refuses variables that nothing gives, with a hint', () => {
    const task = query('select 1;\nselect $limt', { parameters: [parameter('limit', scalar('int'))] });
    expect(() => plan(task)).toThrow(/line 2 uses \$limt.*Did you mean 'limit'/);
  });

  test('refuses outputs that rows cannot become', () => {
    expect(() => plan(query('select 1', { outputs: [result('d', scalar('Directory'))] }))).toThrow(/one File/);
    expect(() => plan(query('select 1', { outputs: [table('d', 'xlsx')] }))).toThrow(/format xlsx/);
    expect(() => plan(query(' -- nothing\n'))).toThrow(/no statement/);
  });

  test('takes a File that is found by its path, when it is a table', () => {
    const outputs = [outputPort('clean', { path: 'x/clean.parquet' }), outputPort('plot', { path: 'plot.png' })];
    const task = query('select 1', { outputs });
    const paths = { clean: 'x/clean.parquet', plot: 'plot.png' };
    const made = planQuery({ task, values: {}, inputPaths: {}, outputPaths: paths }, 'duckdb', (path) => path);
    expect(made.outputs).toEqual([
      { port: 'clean', name: 'clean', kind: 'file', format: 'parquet', path: 'x/clean.parquet', found: true },
    ]);
  });
});
