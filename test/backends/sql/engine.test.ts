import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { scalar } from '../../../src/domain/values';
import { compile } from '../../workers/compile';
import { createBench } from '../support';
import { query, result, sqlBackend } from '../query/support';

describe('a database of the Backend', () => {
  let folder: string;
  let database: string;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'stepcast sql '));
    database = join(folder, 'ware house.duckdb');
    const instance = await DuckDBInstance.create(database);
    const connection = await instance.connect();
    await connection.run('create table stock as select range as id from range(5)');
    connection.closeSync();
    instance.closeSync();
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('is read by many queries at once, and never changed', async () => {
    const bench = createBench(sqlBackend({ database }));
    const count = query('create table mine as from stock; select count(*) as n from mine, "ware house".stock', {
      outputs: [result('n', scalar('int'))],
    });
    const outcomes = await Promise.all([1, 2, 3].map(() => bench.run(count)));
    expect(outcomes.map(({ outputs }) => outputs.n)).toEqual([25, 25, 25]);
    for (const change of [
      'insert into stock values (9)',
      'create table "ware house".x as select 1',
      'drop table stock',
    ])
      expect((await bench.run(query(change))).output).toContain('read-only');
    await bench.close();
  });

  test('that is not there is told, and another try may help', async () => {
    const spec = sqlBackend({ database: join(folder, 'nowhere.duckdb') });
    const bench = createBench(spec);
    expect(await bench.host.health(spec)).toMatchObject({ state: 'UNAVAILABLE' });
    await expect(bench.run(query('select 1'))).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await bench.close();
  });
});

/** An installation of Stepcast without the engine. */
function withoutEngine(): string {
  const folder = compile('src/domain', 'src/artifacts', 'src/backends');
  rmSync(join(folder, 'node_modules'));
  mkdirSync(join(folder, 'node_modules'));
  const all = join(__dirname, '..', '..', '..', 'node_modules');
  for (const name of readdirSync(all))
    if (name !== '@duckdb') symlinkSync(join(all, name), join(folder, 'node_modules', name));
  return folder;
}

test('an engine that is not installed is told as such, and breaks nothing else', () => {
  const folder = withoutEngine();
  const program = `
    const { createHost } = require('./src/backends/host');
    const { createLocalStore } = require('./src/artifacts/localStore');
    const host = createHost({ workDir: 'work', workerId: 'w', artifacts: createLocalStore('artifacts') });
    const spec = (kind) => ({ name: 'x', kind, description: '', environment: {}, options: {} });
    Promise.all([host.health(spec('SQL')), host.health(spec('LOCAL'))])
      .then((healths) => console.log(JSON.stringify(healths)))
      .then(() => host.close());`;
  const told = execFileSync(process.execPath, ['-e', program], { cwd: folder, encoding: 'utf8' });
  rmSync(folder, { recursive: true, force: true });
  const [sql, local] = JSON.parse(told) as { state: string; message: string }[];
  expect(sql).toMatchObject({ state: 'MISSING' });
  expect(sql?.message).toContain('npm install @duckdb/node-api');
  expect(local).toMatchObject({ state: 'READY' });
});
