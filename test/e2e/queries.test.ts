/** Queries in the whole service: defined, submitted, run by a worker of its own. */
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
