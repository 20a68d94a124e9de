import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createBench, type Bench } from '../support';
import { query, sqlBackend, table } from '../query/support';

// Under load each takes a multiple of its usual seconds.
jest.setTimeout(120_000);

let bench: Bench;
beforeAll(() => (bench = createBench(sqlBackend())));
afterAll(() => bench.close());

const MB = 1024 ** 2;

describe('a query has no way out of its directory', () => {
  const secret = (): string => {
    const path = join(bench.home, 'secret.csv');
    writeFileSync(path, 'secret\nhidden\n');
    return path;
  };
  const attempts: [string, (path: string) => string][] = [
    ['read a file', (path) => `select * from read_csv('${path}')`],
    ['read a file by its name as a table', (path) => `select * from '${path}'`],
    ['read a file by a way round', (path) => `select * from read_text('../in/../../../../${path.split('/').pop()}')`],
    ['list files', (path) => `select * from glob('${path.replace('secret', '*')}')`],
    ['write a file', (path) => `copy (select 1) to '${path}.new'`],
    ['attach a database', (path) => `attach '${path}.new' as other`],
    ['export the database', (path) => `create table t as select 1; export database '${path}.new'`],
    ['reach the network', () => `select * from read_csv('http://127.0.0.1:1/hidden.csv')`],
    ['install an extension', () => 'install httpfs'],
    ['load an extension', (path) => `load '${path}'`],
    ['open its settings', () => 'set enable_external_access = true'],
    ['widen its folders', () => "set allowed_directories = ['/']"],
    ['take more memory', () => "set memory_limit = '1TB'"],
    ['read the environment of its process', () => "select * from read_text('/proc/self/environ')"],
  ];
  test.each(attempts)('to %s', async (_, sql) => {
    const path = secret();
    const outcome = await bench.run(query(sql(path)));
    expect(outcome).toMatchObject({ state: 'FAILED', exitCode: 1 });
    expect(outcome.output).not.toContain('hidden\n');
    expect(existsSync(`${path}.new`)).toBe(false);
  });
});

describe('memory', () => {
  const wide = "select range as id, repeat('x', 80) || (range * 7919 % 1000000) as text from range(1000000)";

  test('that a query needs beyond its own is on disk', async () => {
    const task = query(`select * from (${wide}) order by text desc`, {
      resources: { memoryBytes: 240 * MB, cpus: 1 },
      outputs: [table('sorted', 'parquet')],
    });
    const outcome = await bench.run(task);
    expect([outcome.message, outcome.state]).toEqual(['', 'SUCCEEDED']);
  });

  test('that it needs at once is refused, as a lack of memory', async () => {
    const task = query(`select list(text) as l from (${wide})`, { resources: { memoryBytes: 240 * MB, cpus: 1 } });
    const outcome = await bench.run(task);
    expect(outcome).toMatchObject({ state: 'FAILED', failure: 'OUT_OF_MEMORY' });
    expect(outcome.message).toMatch(/needs more memory.*Raise the memory/);
  });
});
