import { readdir } from 'node:fs/promises';
import { makeApp, READY, urlIn, type App } from './launchedApp';

let app: App;

beforeAll(async () => {
  app = await makeApp(['src', 'schema', 'workers', 'migrations'], {
    api: `require('./main.ts');`,
    worker: `require('./main.ts');`,
  });
}, 120_000);
afterEach(() => app.stopAll());
afterAll(() => app.remove());

test('the very first start runs an example and shows its steps; the second finds everything as it was left', async () => {
  const first = await app.start();
  const output = await first.says(READY);
  expect(output).toContain('A first example: "Run word-count"');
  for (const step of ['normalise', 'split', 'count', 'arrange', 'lengths', 'summarise']) {
    expect(output).toMatch(new RegExp(`^  ${step} +running$`, 'm'));
    expect(output).toMatch(new RegExp(`^  ${step} +succeeded  \\d+ ms$`, 'm'));
  }
  const link = /arrange +\S+ +(http\S+)/.exec(output)?.[1] ?? '';
  expect(await (await fetch(link)).text()).toMatch(/^\d+\t[a-z]+\n/);
  first.process.kill('SIGINT');
  expect(await first.ended).toBe(0);
  expect(first.output()).not.toContain('was killed');

  const second = await app.start({ STEPCAST_HOME: first.home });
  const again = await second.says(READY);
  expect(again).not.toContain('A first example');
  const query = JSON.stringify({ query: '{ submissions(first: 5) { nodes { jobName state } } }' });
  const response = await fetch(`${urlIn(again)}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: query,
  });
  expect(await response.json()).toEqual({
    data: { submissions: { nodes: [{ jobName: 'word-count', state: 'SUCCEEDED' }] } },
  });
  expect(await readdir(first.home)).toEqual(expect.arrayContaining(['postgres', 'redis', 'logs', 'secret']));
}, 120_000);
