import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const project = path.join(__dirname, '../..');
// Below the project: the small test needs the helper, and jest its transformer.
const folder = mkdtempSync(path.join(__dirname, 'left-out-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Runs tests of this text by a jest of its own and returns what `npm test` would say to have left out. */
function leftOutBy(
  text: string,
  variables: Readonly<Record<string, string>>,
): { notes: unknown; status: number | null } {
  const result = path.join(folder, 'result.json');
  writeFileSync(path.join(folder, 'some.spec.ts'), text);
  const config = {
    rootDir: folder,
    testMatch: ['**/*.spec.ts'],
    transform: { '^.+\\.ts$': path.join(project, 'node_modules/@swc/jest') },
  };
  const args = [path.join(project, 'node_modules/jest/bin/jest.js'), '--config', JSON.stringify(config)];
  const { status } = spawnSync(process.execPath, [...args, '--json', `--outputFile=${result}`], {
    cwd: project,
    env: { ...process.env, ...variables },
  });
  const code = `Promise.all([import('./scripts/leftOut.mjs'), import('./scripts/support.mjs')])
    .then(([{ leftOut }, { readJson }]) => console.log(JSON.stringify(leftOut(readJson(process.argv[1])))))`;
  const { stdout } = spawnSync(process.execPath, ['-e', code, result], { cwd: project, encoding: 'utf8' });
  return { notes: JSON.parse(stdout) as unknown, status };
}

const TESTS = `import { describeEngine } from '../../support/engines';
for (const title of ['one', 'another'])
  describeEngine('SLURM', title, () => { test('works', () => undefined); });
describeEngine('R', 'third', ({ interpreter }) => { test('works', () => expect(interpreter).toBe('/usr/bin/Rscript')); });
`;
const STEPCAST_TEST_FOUND_ENGINES = JSON.stringify({
  SLURM: { here: false, reason: 'sbatch is not on PATH' },
  R: { here: true, facts: { interpreter: '/usr/bin/Rscript' } },
});

test('tests whose engine is missing are left out, and the run names the engine and the reason once', () => {
  expect(leftOutBy(TESTS, { STEPCAST_TEST_FOUND_ENGINES, STEPCAST_TEST_ENGINES: '' })).toEqual({
    notes: ['SLURM (sbatch is not on PATH)'],
    status: 0,
  });
});

test('where every engine is wanted, tests whose engine is missing fail', () => {
  expect(leftOutBy(TESTS, { STEPCAST_TEST_FOUND_ENGINES, STEPCAST_TEST_ENGINES: 'all' })).toEqual({
    notes: [],
    status: 1,
  });
});
