import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';

const project = path.join(__dirname, '../..');

// ESLint loads its configuration with import(), which jest's sandbox cannot: so it runs in a process of its own.
const LINT = `
import { ESLint } from 'eslint';
const eslint = new ESLint({ cwd: process.cwd() });
const found = [];
for (const { file, code } of JSON.parse(process.argv[1])) {
  const [result] = await eslint.lintText(code, { filePath: file });
  found.push(result.messages.filter(({ ruleId }) => ruleId?.startsWith('boundaries/')).map(({ message }) => message));
}
console.log(JSON.stringify(found));
`;

async function lint(cases: readonly { file: string; code: string }[]): Promise<readonly (readonly string[])[]> {
  const args = ['--input-type=module', '-e', LINT, JSON.stringify(cases)];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: project });
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '[]') as string[][];
}

test('an import against the table of parts fails the lint, in whatever form, and one along it passes', async () => {
  const inDomain = 'src/domain/errors.ts';
  const found = await lint([
    { file: inDomain, code: `import { readSettings } from '../config/settings';\nexport const x = readSettings;` },
    { file: inDomain, code: `import type { Settings } from '../config/settings';\nexport type X = Settings;` },
    { file: inDomain, code: `export { readSettings } from '../config/settings';` },
    { file: inDomain, code: `export const x = () => import('../config/settings');` },
    { file: inDomain, code: `import path from 'node:path';\nimport { z } from 'zod';\nexport const x = [path, z];` },
    { file: inDomain, code: `export * from './values';` },
    { file: 'src/backends/backend.ts', code: `export * from '../domain/errors';` },
    { file: 'src/embedded/errors.ts', code: `export * from '../domain/errors';` },
  ]);
  const refused = 'There is no policy allowing dependencies from elements of type';
  expect(found).toEqual([
    [`${refused} "domain" to elements of type "config"`],
    [`${refused} "domain" to elements of type "config"`],
    [`${refused} "domain" to elements of type "config"`],
    [`${refused} "domain" to elements of type "config"`],
    [],
    [],
    [],
    [`${refused} "embedded" to elements of type "domain"`],
  ]);
}, 120_000);
