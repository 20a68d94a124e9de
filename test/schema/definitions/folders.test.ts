import { mkdtemp, rm, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { serveFolders, type DefinitionFolders } from '../../../schema/definitions/folders';
import { watchCatalog, type WatchedCatalog } from '../../../src/engine/catalog';
import { createSandbox } from '../../../src/expressions/sandbox';
import { openEngine, type TestEngine } from '../../engine/support';

const LIMITS = { ms: 1_000, memoryBytes: 64 * 1024 * 1024, resultCharacters: 1_000 };
const sandbox = createSandbox({ limits: LIMITS, threads: 1 });
let engine: TestEngine;
let dir: string;
let catalog: WatchedCatalog;
let folders: DefinitionFolders | undefined;
let told: string[];
let wake: (() => void) | undefined;
beforeAll(async () => {
  engine = await openEngine();
});
beforeEach(async () => {
  await engine.clear();
  dir = await mkdtemp(join(tmpdir(), 'stepcast-folders-'));
  told = [];
  catalog = await watchCatalog(engine.db, (message) => told.push(message));
  catalog.onChange(() => wake?.());
});
afterEach(async () => {
  await folders?.close();
  catalog.close();
  await rm(dir, { recursive: true });
});
afterAll(async () => {
  await sandbox.close();
  await engine.close();
});

const serve = async (dirs = [dir]): Promise<void> => {
  folders = await serveFolders(
    { db: engine.db, announcer: engine.heard as never, catalog, checkScript: (script) => sandbox.checkScript(script) },
    dirs,
    (problem) => {
      told.push(problem);
      wake?.();
    },
  );
};
const write = (name: string, text: string): Promise<void> => writeFile(join(dir, name), text);
const until = async (isSo: () => boolean): Promise<void> => {
  while (!isSo()) await new Promise<void>((resolve) => (wake = resolve));
};
const task = (name: string, seconds: number): string =>
  `task: ${name}\ncommand: cat $I1\ninputs: {text: File}\noutputs: {copy: {from: stdout}}\ntimeout: ${seconds}s\n`;
const jobOf = (name: string, runs: string): string =>
  `job: ${name}\ninputs: {text: File}\nsteps:\n  - {name: only, task: ${runs}, in: {text: text}}\n`;

test('files are served, edits follow, and a removed file takes its definitions along', async () => {
  await write('a.yaml', task('copy', 5));
  await serve();
  expect(told).toEqual([]);
  expect(catalog.current().tasks.get('copy')?.spec.timeoutSeconds).toBe(5);
  await write('a.yaml', task('copy', 7));
  await until(() => catalog.current().tasks.get('copy')?.spec.timeoutSeconds === 7);
  await unlink(join(dir, 'a.yaml'));
  await until(() => !catalog.current().tasks.has('copy'));
  expect(told).toEqual([]);
});

test('a script that cannot be read is told with its place, and the last good version stays', async () => {
  const computed = (script: string): string =>
    `task: add\nexpression: '${script}'\ninputs: {n: int}\noutputs: {m: {type: int}}\n`;
  await write('a.yaml', computed('$({ m: inputs.n + 1 })'));
  await serve();
  expect(told).toEqual([]);
  await write('a.yaml', computed('$({ m: inputs.n + })'));
  await until(() => told.length > 0);
  expect(told[0]).toMatch(/a\.yaml:2:13: the script cannot be read: .+ \(its line 1, column \d+\)\. Inside of \$\(…\)/);
  expect(catalog.current().tasks.has('add')).toBe(true);
});

test('a query that reads what nothing gives is told with its place, its line and the name that was meant', async () => {
  await write('b.yaml', 'backend: sql\nkind: sql\n');
  await write('a.yaml', 'task: few\nbackend: sql\nparameters: {least: int}\nquery: |\n  select 1;\n  select $leats\n');
  await serve();
  const meant = "Did you mean 'least'? Known variables: least.";
  expect(told).toEqual([
    `${join(dir, 'a.yaml')}:4:8: the query reads $leats (on its line 2), and there is no parameter or input 'leats'. ${meant}`,
  ]);
});

test('a folder that is not there is told, and does not hold up the others', async () => {
  await write('a.yaml', task('copy', 5));
  await serve([join(dir, 'nowhere'), dir]);
  expect(catalog.current().tasks.has('copy')).toBe(true);
  expect(told).toEqual([expect.stringContaining('nowhere')]);
});

test('a file with a fault leaves its last good version and does not hold up the others', async () => {
  await write('a.yaml', task('copy', 5));
  await serve();
  await write('a.yaml', `${task('copy', 6)}nonsense: true\n`);
  await until(() => told.length > 0);
  await write('b.yaml', jobOf('again', 'copy'));
  await until(() => catalog.current().jobs.has('again'));
  expect(catalog.current().tasks.get('copy')?.spec.timeoutSeconds).toBe(5);
  // Told once, with its place, though the files were looked at again.
  expect(told).toHaveLength(1);
  expect(told[0]).toMatch(/a\.yaml:\d+:\d+/);
});

test('a file whose tasks are used elsewhere is missed, and told', async () => {
  await write('a.yaml', task('copy', 5));
  await write('b.yaml', jobOf('again', 'copy'));
  await serve();
  expect(told).toEqual([]);
  await unlink(join(dir, 'a.yaml'));
  await until(() => told.length > 0);
  expect(told.join('\n')).toContain("there is no task 'copy'");
  expect(catalog.current().jobs.has('again')).toBe(true);
});
