import { mkdirSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { findPlugin } from '../../../src/backends/custom/findPlugin';
import { createBench, task, type Bench } from '../support';
import { backendOf, problemsOf, taskOf } from '../written';

let bench: Bench;
let plugins: string;
beforeEach(() => {
  bench = createBench();
  plugins = join(bench.home, 'plugins');
  // The folder of the examples gives way to one of the test's own.
  unlinkSync(plugins);
  mkdirSync(plugins);
});
afterEach(() => bench.close());

function put(path: string, text: string): void {
  const file = join(plugins, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}
const spec = (plugin: string, options = '{}') => backendOf(`kind: custom\nplugin: "${plugin}"\noptions: ${options}`);
const healthOf = (plugin: string, options?: string) => bench.host.health(spec(plugin, options));
const run = (plugin: string, what = task(['true']), options?: string) =>
  bench.host.start(
    { stepRunId: 'r', attempt: 1, task: what, backend: spec(plugin, options), values: {} },
    { log: () => {}, progress: () => {} },
  ).outcome;

/** Says what it was opened with, as its version. */
const TELLING = `({
  commands: ['argv'],
  schema: { type: 'object', properties: { who: {}, size: { type: 'integer', minimum: 1, default: 3 } }, required: ['who'], additionalProperties: false },
  open: (options, { name }) => ({
    start: () => { throw new Error('not now'); },
    health: async () => ({ state: 'READY', version: name + ' ' + JSON.stringify(options), message: '' }),
    close: async () => {},
  }),
})`;
/** Whose health is the version of its package. */
const SILENT = TELLING.replace("name + ' ' + JSON.stringify(options)", 'null').replace(/schema: .*\n/, '');

describe('a plug-in', () => {
  it('gets its options as its schema says, defaults filled in', async () => {
    put('telling.mjs', `export default ${TELLING}`);
    expect(await healthOf('telling', '{ who: me }')).toMatchObject({
      state: 'READY',
      version: 'b {"who":"me","size":3}',
    });
    const refused = await healthOf('telling', '{ size: 0, more: 1 }');
    expect(refused.state).toBe('MISSING');
    expect(refused.message).toContain("options must have required property 'who'");
    expect(refused.message).toContain('options/size must be >= 1');
    expect(refused.message).toContain('options must NOT have additional properties');
  });

  it.each([
    ['one.mjs', `export default ${SILENT}`, 'one', null],
    ['two.cjs', `module.exports = ${SILENT}`, 'two', null],
    ['three.cjs', `exports.__esModule = true; exports.default = ${SILENT}`, 'three', null],
    ['four/index.mjs', `export default ${SILENT}`, 'four', null],
  ])('can be %s', async (path, text, name, version) => {
    put(path, text);
    expect(await healthOf(name)).toEqual({ state: 'READY', version, message: '' });
  });

  it.each([
    ['{ "version": "1.2.3", "main": "lib/main.js" }', 'lib/main.js', `module.exports = ${SILENT}`],
    ['{ "version": "1.2.3", "main": "lib/main" }', 'lib/main.js', `module.exports = ${SILENT}`],
    ['{ "version": "1.2.3", "exports": "./x.mjs" }', 'x.mjs', `export default ${SILENT}`],
    ['{ "version": "1.2.3", "exports": { ".": { "import": "./x.mjs" } } }', 'x.mjs', `export default ${SILENT}`],
    [
      '{ "version": "1.2.3", "type": "module", "exports": { "node": { "default": "./x.js" } } }',
      'x.js',
      `export default ${SILENT}`,
    ],
  ])('can be a package, %s', async (manifest, file, text) => {
    for (const place of ['@lab/one', 'node_modules/@lab/two']) {
      put(`${place}/package.json`, manifest);
      put(`${place}/${file}`, text);
    }
    for (const name of ['@lab/one', '@lab/two'])
      expect(await healthOf(name)).toEqual({ state: 'READY', version: '1.2.3', message: '' });
  });

  it.each([
    ['broken', 'export default {', /broken\.mjs does not load: /],
    ['throwing', 'throw new Error("no licence"); export default 1', /does not load: no licence/],
    ['empty', 'export const a = 1', /no object with commands and open/],
    ['nothing', 'export default { commands: [], open: () => undefined }', /lacks start, health, close/],
    [
      'refusing',
      'export default { commands: [], open() { throw new Error("no cluster"); } }',
      /does not open: no cluster/,
    ],
  ])('that is %s says so as its health, and its steps are tried elsewhere', async (name, text, message) => {
    put(`${name}.mjs`, text);
    expect(await healthOf(name)).toMatchObject({
      state: 'MISSING',
      message: expect.stringMatching(message) as unknown,
    });
    await expect(run(name)).rejects.toThrow(message);
  });

  it('that was put there later is found', async () => {
    expect((await healthOf('later')).state).toBe('MISSING');
    put('later.mjs', `export default ${SILENT}`);
    expect((await healthOf('later')).state).toBe('READY');
  });

  it('runs the commands that it names, and a task with another fails for good', async () => {
    put('telling.mjs', `export default ${SILENT}`);
    const outcome = await run('telling', taskOf('script: 1 + 1'));
    expect(outcome).toMatchObject({ state: 'FAILED', failure: 'NOT_STARTED', retryable: false });
    expect(outcome.message).toContain('runs no script. It runs command');
  });

  it('is told apart from a package that is installed for other reasons', () => {
    const installed = join(bench.home, 'app');
    mkdirSync(join(installed, 'node_modules/some-library'), { recursive: true });
    const manifest = join(installed, 'node_modules/some-library/package.json');
    writeFileSync(join(installed, 'node_modules/some-library/index.js'), '');
    writeFileSync(manifest, '{}');
    expect(() => findPlugin('some-library', plugins, join(installed, 'dist'))).toThrow(/keywords lack/);
    writeFileSync(manifest, '{ "keywords": ["stepcast-backend"] }');
    expect(findPlugin('some-library', plugins, join(installed, 'dist')).file).toContain('some-library/index.js');
  });

  it('has an entry inside of its own folder', () => {
    put('sly/package.json', '{ "main": "../other.js" }');
    put('other.js', '');
    expect(() => findPlugin('sly', plugins)).toThrow(/lies outside of it/);
  });
});

it.each(['../x', '/etc/x', '.hidden', 'a/b', '@a/../b', ''])('%s is no name of a plug-in', (name) => {
  expect(problemsOf(`backend: b\nkind: custom\nplugin: "${name}"`).join()).toContain('is not the name of a plug-in');
});

it('the page of CUSTOM has examples that can be used as they stand', () => {
  const page = readFileSync(join(__dirname, '../../../docs/backends/custom.md'), 'utf8');
  const blocks = [...page.matchAll(/^```yaml\n([\s\S]*?)^```/gm)].map(([, block = '']) => block);
  expect(blocks.length).toBeGreaterThan(0);
  expect(problemsOf(blocks.join('\n---\n'))).toEqual([]);
});
