/** The numbers by which somebody outside watches and scales. */
import { request } from 'node:http';
import { shoutBy } from './support/absentEngine';
import { GATED_JOBS, makeGate, type Gate } from './support/gate';
import { startStepcast, type Stepcast } from './support/stepcast';
import { eventually } from './support/wait';

const LIMITED = `
backend: narrow
kind: local
max-running: 1
---
task: narrow-hold
backend: narrow
shell: true
command: 'while [ ! -e "$gate/open" ]; do sleep 0.05; done'
parameters: { gate: string }
---
job: narrow
inputs: { gate: string }
steps: { hold: { task: narrow-hold, in: { gate: gate } } }
`;

let stepcast: Stepcast;
let gate: Gate;

beforeAll(async () => {
  stepcast = await startStepcast({ workers: 0, env: { STEPCAST_CONCURRENCY: '2' } });
  await stepcast.define(`${GATED_JOBS}\n---\n${LIMITED}`);
  gate = await makeGate();
}, 120_000);
afterAll(async () => {
  await gate.open();
  await stepcast.stop();
  await gate.remove();
}, 30_000);

/** Values by their names with labels. */
async function metrics(): Promise<ReadonlyMap<string, number>> {
  const response = await fetch(`${stepcast.url}/metrics`);
  expect([response.status, response.headers.get('content-type')]).toEqual([
    200,
    expect.stringMatching(/^text\/plain; version=0\.0\.4/),
  ]);
  const lines = (await response.text()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => {
      const [, name = '', value = ''] = /^(.*) (\S+)$/.exec(line) ?? [];
      return [name, Number(value)];
    }),
  );
}
const until = (what: Readonly<Record<string, number>>): Promise<ReadonlyMap<string, number>> =>
  eventually(JSON.stringify(what), async () => {
    const now = await metrics();
    return Object.entries(what).every(([name, value]) => now.get(name) === value) ? now : null;
  });

test('depth, age, slots and the number of workers that is wanted follow what waits and what runs', async () => {
  await until({ stepcast_workers: 0, stepcast_workers_wanted: 1, 'stepcast_backend_ready{backend="local"}': 0 });
  const ids = await Promise.all(Array.from({ length: 7 }, () => stepcast.submit('hold', { gate: gate.folder })));
  const urgent = await stepcast.submit('hold', { gate: gate.folder }, { priority: 'HIGH' });
  const waiting = await until({
    'stepcast_queue_depth{backend="local",priority="NORMAL"}': 7,
    'stepcast_queue_startable{backend="local",priority="NORMAL"}': 7,
    'stepcast_queue_depth{backend="local",priority="HIGH"}': 1,
    'stepcast_queue_workers_wanted{backend="local",priority="NORMAL"}': 4,
    'stepcast_queue_workers_wanted{backend="local",priority="HIGH"}': 1,
    'stepcast_backend_workers_wanted{backend="local"}': 4,
    'stepcast_backend_workers_wanted{backend="narrow"}': 0,
    stepcast_workers_wanted: 4,
  });
  expect(waiting.get('stepcast_queue_oldest_seconds{backend="local",priority="NORMAL"}')).toBeGreaterThan(0);

  await stepcast.startWorker();
  await until({
    stepcast_workers: 1,
    'stepcast_slots{place="here"}': 2,
    'stepcast_backend_ready{backend="local"}': 1,
    'stepcast_backend_workers{backend="local"}': 1,
    'stepcast_backend_slots{backend="local"}': 2,
    'stepcast_queue_running{backend="local",priority="HIGH"}': 1,
    'stepcast_queue_running{backend="local",priority="NORMAL"}': 1,
    'stepcast_queue_depth{backend="local",priority="NORMAL"}': 6,
    stepcast_workers_wanted: 4,
  });
  await gate.open();
  for (const id of [...ids, urgent]) await stepcast.untilState(id, ['SUCCEEDED']);
  await until({ stepcast_workers_wanted: 1, 'stepcast_queue_running{backend="local",priority="NORMAL"}': 0 });
}, 120_000);

test('steps that a limit or a pause holds back ask for no workers', async () => {
  await Promise.all(stepcast.workers.splice(0).map((worker) => worker.end('SIGTERM')));
  const closed = await makeGate();
  const ids = await Promise.all(Array.from({ length: 5 }, () => stepcast.submit('narrow', { gate: closed.folder })));
  await until({
    'stepcast_queue_depth{backend="narrow",priority="NORMAL"}': 5,
    'stepcast_queue_startable{backend="narrow",priority="NORMAL"}': 1,
    'stepcast_backend_workers_wanted{backend="narrow"}': 1,
  });
  await stepcast.gql('mutation { pauseBackend(input: { backend: "narrow" }) { userErrors { message } } }');
  await until({
    'stepcast_queue_depth{backend="narrow",priority="NORMAL"}': 5,
    'stepcast_queue_startable{backend="narrow",priority="NORMAL"}': 0,
    'stepcast_backend_workers_wanted{backend="narrow"}': 0,
  });
  await stepcast.gql('mutation { unpauseBackend(input: { backend: "narrow" }) { userErrors { message } } }');
  await closed.open();
  await stepcast.startWorker();
  for (const id of ids) await stepcast.untilState(id, ['SUCCEEDED']);
  await closed.remove();
}, 120_000);

test('steps whose engine is missing on all workers ask for workers that have it, and for none of the others', async () => {
  await stepcast.define(shoutBy('/nowhere/python3'));
  await eventually('the worker has looked', async () => {
    const [row] = await stepcast.sql<{ state: string }>(
      `select h.state from worker_backend h join worker w on w.id = h.worker_id where w.state = 'ALIVE' and backend = 'absent'`,
    );
    return row?.state === 'MISSING';
  });
  await Promise.all(Array.from({ length: 5 }, () => stepcast.submit('shout', { word: 'hello' })));
  await until({
    'stepcast_queue_depth{backend="absent",priority="NORMAL"}': 5,
    'stepcast_backend_ready{backend="absent"}': 0,
    'stepcast_backend_workers_wanted{backend="absent"}': 3,
    stepcast_workers_wanted: 1,
  });
}, 120_000);

test('the numbers are for this machine alone, as everything is', async () => {
  const { port } = new URL(stepcast.url);
  const status = await new Promise((resolve, reject) => {
    request({ port, path: '/metrics', headers: { host: 'stepcast.example' } }, (response) => {
      response.resume();
      resolve(response.statusCode);
    })
      .on('error', reject)
      .end();
  });
  expect(status).toBe(403);
});
