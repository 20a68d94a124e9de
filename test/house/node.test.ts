import { spawnSync } from 'node:child_process';
import path from 'node:path';

const project = path.join(__dirname, '../..');

test('an unsupported Node is told in one sentence', () => {
  const code = `import('./scripts/support.mjs').then(({ checkNode }) => checkNode('18.20.4'))`;
  const { status, stderr } = spawnSync(process.execPath, ['-e', code], { cwd: project, encoding: 'utf8' });
  expect(status).toBe(1);
  expect(stderr).toBe(
    'Stepcast needs Node 20 or newer, and this is Node 18.20.4: install a newer one from https://nodejs.org.\n',
  );
});
