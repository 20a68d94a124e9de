/** Engines that are missing, or away, while there is work for them: what callers see, and that work goes on without a restart. */
import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { stepcast as command } from '../cli/support';
import { describeEngine } from '../support/engines';
import { shoutBy } from './support/absentEngine';
import { startStepcast, type Stepcast } from './support/stepcast';
import { eventually } from './support/wait';

let stepcast: Stepcast;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'stepcast-missing-'));
  stepcast = await startStepcast({ env: { STEPCAST_HEALTH_SECONDS: '1' } });
}, 120_000);
afterAll(async () => {
  await stepcast.stop();
  await rm(folder, { recursive: true, force: true });
}, 30_000);

const stepOf = async (id: string): Promise<{ state: string; attempt: number; waitsFor: string[] } | undefined> => {
  const { submission } = await stepcast.gql<{
    submission: { steps: { nodes: { state: string; attempt: number; waitsFor: string[] }[] } };
  }>('query ($id: ID!) { submission(id: $id) { steps { nodes { state attempt waitsFor } } } }', { id });
  return submission.steps.nodes[0];
};
const waitsFor = (id: string, pattern: RegExp) =>
  eventually(`it waits for ${String(pattern)}`, async () => {
    const step = await stepOf(id);
    return step?.waitsFor.some((reason) => pattern.test(reason)) ? step : null;
  });

describeEngine('PYTHON', 'an interpreter that is not installed', ({ interpreter }) => {
  test('is named with what to install, fails no step, and is used as soon as it is there', async () => {
    const missing = path.join(folder, 'python3');
    await stepcast.define(shoutBy(missing));
    const id = await stepcast.submit('shout', { word: 'hello' });
    const step = await waitsFor(id, /^No live worker can run backend `absent`: Python is not installed.*Install it:/);
    expect(step).toMatchObject({ state: 'QUEUED', attempt: 0 });
    const shown = await command(stepcast.url, 'backends');
    expect(shown.code).toBe(1);
    expect(shown.out).toMatch(/^absent +PYTHON +MISSING +0\/1$/m);
    expect(shown.out).toMatch(/^absent: Python is not installed/m);
    expect(shown.out).toMatch(/^local +LOCAL +READY +1\/1/m);

    await symlink(interpreter, missing);
    await stepcast.untilState(id, ['SUCCEEDED']);
    expect(await stepOf(id)).toMatchObject({ attempt: 1, waitsFor: [] });
    expect((await command(stepcast.url, 'backends')).out).toMatch(/^absent +PYTHON +READY +1\/1 +\S*3\.\d+/m);
  }, 120_000);
});

test('a service that is away costs its steps no try: they wait for it, and go on when it answers', async () => {
  let away = true;
  const service = createServer((_request, response) => response.end('"here"'));
  service.on('connection', (socket) => away && socket.destroy());
  await once(service.listen(0, '127.0.0.1'), 'listening');
  const { port } = service.address() as AddressInfo;
  await stepcast.define(`
backend: answers
kind: http
base-url: http://127.0.0.1:${port}
allow-internal: ['127.0.0.1']
---
task: ask
backend: answers
request: { path: /, response: { answer: json } }
outputs: { answer: string }
retry: { attempts: 1 }
---
job: ask
steps: { ask: { task: ask } }
outputs: { answer: ask.answer }
`);
  const id = await stepcast.submit('ask');
  const step = await waitsFor(id, /^No live worker can run backend `answers`/);
  expect(step).toMatchObject({ state: 'QUEUED', attempt: 0 });
  away = false;
  await stepcast.untilState(id, ['SUCCEEDED']);
  expect(await stepOf(id)).toMatchObject({ attempt: 1 });
  service.close();
  service.closeAllConnections();
}, 120_000);
