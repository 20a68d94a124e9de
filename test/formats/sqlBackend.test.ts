import { backendForm } from '../../src/formats/forms/backendForm';

const optionsOf = (keys: object): unknown => {
  const parsed = backendForm.safeParse({ name: 'sql', kind: 'sql', ...keys });
  return parsed.success ? parsed.data.options : parsed.error.issues.map(({ path }) => path.join('.'));
};

test('the options of an SQL backend are read', () => {
  expect(optionsOf({})).toEqual({});
  expect(
    optionsOf({ 'memory-limit': '2GB', threads: 3, 'sample-rows': 'all', pool: 0, database: '/srv/a.duckdb' }),
  ).toEqual({
    memoryBytes: 2 * 1024 ** 3,
    threads: 3,
    sampleRows: -1,
    pool: 0,
    database: '/srv/a.duckdb',
  });
  expect(optionsOf({ sampleRows: 10 })).toEqual({ sampleRows: 10 });
});

test.each([
  ['threads', 0],
  ['pool', 1000],
  ['sample-rows', 'some'],
  ['database', 'relative.duckdb'],
  ['database', '/srv/Memory.duckdb'],
  ['memory-limit', 'much'],
])('%s: %s is refused', (key, value) => {
  expect(optionsOf({ [key]: value })).toEqual([key]);
});
