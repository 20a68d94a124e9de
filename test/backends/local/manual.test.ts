import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { backendOf, problemsOf } from '../written';

it('the page of LOCAL has examples that can be used as they stand', () => {
  const page = readFileSync(join(__dirname, '../../../docs/backends/local.md'), 'utf8');
  const blocks = [...page.matchAll(/^```yaml\n([\s\S]*?)^```/gm)].map(([, block = '']) => block);
  expect(blocks).toHaveLength(2);
  expect(problemsOf(blocks.join('\n---\n'))).toEqual([]);
});

it('a sandbox that is off is none, and one that is on has no network', () => {
  expect(backendOf('kind: local\nsandbox: false').options).toEqual({});
  expect(backendOf('kind: local\nsandbox: {}').options).toMatchObject({ sandbox: { network: false } });
  expect(backendOf('kind: local\nsandbox: true').options).toMatchObject({ sandbox: { network: false } });
});

it.each([
  ['sandbox: { writable: [data] }', 'is not an absolute path'],
  ['limits: { cpus: 0 }', 'too small'],
  ['limits: { memory: 5 }', 'is less than 1MB'],
  ['limits: { open-files: 3 }', 'too small'],
  ['limits: { disk: 3 }', "unknown key 'disk'"],
])('says what is wrong with %s', (text, expected) => {
  expect(problemsOf(`backend: b\nkind: local\n${text}`).join('\n')).toContain(expected);
});
