/** Queries in the whole service: defined, submitted, run by a worker of its own. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { startStepcast, type Stepcast } from './support/stepcast';

const DEFINITIONS = `
backend: sql
kind: sql
---
task: by-group
backend: sql
inputs: { rows: { type: File, format: csv } }
parameters: { least: int }
query: |
  create table kept as select * from rows where x >= $least;
  select grp, sum(x) as total from kept group by grp order by grp
outputs:
  kept: { type: File, format: parquet }
  grp: 'string[]'
  total: 'long[]'
---
task: count
backend: sql
inputs: { kept: File }
query: select count(*)::int as n, typeof(min(x)) as kind from kept
outputs: { n: int, kind: string }
---
job: grouped
inputs: { rows: File, least: int }
steps:
  group: { task: by-group, in: { rows: rows, least: least } }
  count: { task: count, in: { kept: group.kept } }
outputs: { groups: group.grp, totals: group.total, n: count.n, kind: count.kind }
`;

const folder = mkdtempSync(path.join(tmpdir(), 'stepcast-queries-'));
afterAll(() => rmSync(folder, { recursive: true }));
let stepcast: Stepcast;
beforeAll(async () => {
  stepcast = await startStepcast();
  await stepcast.define(DEFINITIONS);
});
afterAll(() => stepcast.stop());

test('queries follow each other through a typed table', async () => {
  const id = await stepcast.submit('grouped', {
    rows: { text: 'grp,x\nb,1\na,2\na,40\n', name: 'rows.csv' },
    least: 2,
  });
  expect(await stepcast.untilState(id, ['SUCCEEDED', 'FAILED'], 60_000)).toBe('SUCCEEDED');
  const { submission } = await stepcast.gql<{ submission: { outputs: unknown } }>(
    'query ($id: ID!) { submission(id: $id) { outputs } }',
    { id },
  );
  expect(submission.outputs).toEqual({ groups: ['a'], totals: [42], n: 2, kind: 'BIGINT' });
});

test('a query of a database sees it as it is now, and says why it was run again', async () => {
  const database = path.join(folder, 'stock.duckdb');
  const change = async (sql: string): Promise<void> => {
    const instance = await DuckDBInstance.create(database);
    const connection = await instance.connect();
    await connection.run(sql);
    connection.closeSync();
    instance.closeSync();
  };
  await change('create table stock as select range as id from range(3)');
  await stepcast.define(`
backend: stock
kind: sql
database: ${database}
---
task: in-stock
backend: stock
parameters: { least: int }
query: select count(*)::int as n from stock where id >= $least
outputs: { n: int }
---
job: in-stock
inputs: { least: int }
steps: { count: { task: in-stock, in: { least: least } } }
outputs: { n: count.n }
`);
  const count = async () => {
    const id = await stepcast.submit('in-stock', { least: 1 });
    expect(await stepcast.untilState(id, ['SUCCEEDED', 'FAILED'], 60_000)).toBe('SUCCEEDED');
    const { submission } = await stepcast.gql<{
      submission: { outputs: unknown; steps: { nodes: [{ reuse: { decision: string; reason: string } }] } };
    }>('query ($id: ID!) { submission(id: $id) { outputs steps { nodes { reuse { decision reason } } } } }', { id });
    return { ...submission.steps.nodes[0].reuse, outputs: submission.outputs };
  };
  expect(await count()).toMatchObject({ outputs: { n: 2 } });
  await change('insert into stock values (3), (4)');
  expect(await count()).toEqual({
    outputs: { n: 4 },
    decision: 'NOT_SHARED',
    reason: 'Its backend names a database, which may have changed. Say `reuse: true` in the task if it does not.',
  });
}, 120_000);
