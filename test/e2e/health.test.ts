/** What callers see of the engines behind backends, and of steps that nobody can run. */
import { startCommand, stepcast as command } from '../cli/support';
import { GATED_JOBS, makeGate, type Gate } from './support/gate';
import { startStepcast, type Stepcast } from './support/stepcast';
import { eventually } from './support/wait';

const OTHER = `
backend: elsewhere
kind: local
description: A machine of its own.
`;

let stepcast: Stepcast;
let gate: Gate;

beforeAll(async () => {
  stepcast = await startStepcast({ workers: 0, env: { STEPCAST_HEALTH_SECONDS: '1' } });
  await stepcast.define(`${GATED_JOBS}\n---\n${OTHER}`);
  gate = await makeGate();
  await gate.open();
}, 120_000);
afterEach(() => Promise.all(stepcast.workers.splice(0).map((worker) => worker.end('SIGTERM'))));
afterAll(async () => {
  await stepcast.stop();
  await gate.remove();
}, 30_000);

interface Health {
  readonly state: string;
  readonly version: string | null;
  readonly message: string;
  readonly checkedAt: string | null;
  readonly workers: { nodes: { state: string; worker: { pid: number } }[] };
}
const healthOf = async (name: string): Promise<Health | undefined> => {
  const { backends } = await stepcast.gql<{ backends: { nodes: { name: string; options: object; health: Health }[] } }>(
    `{ backends { nodes { name options
       health { state version message checkedAt workers { nodes { state worker { pid } } } } } } }`,
  );
  return backends.nodes.find((one) => one.name === name)?.health;
};
const waitsFor = async (id: string): Promise<string[]> => {
  const { submission } = await stepcast.gql<{ submission: { steps: { nodes: { waitsFor: string[] }[] } } }>(
    'query ($id: ID!) { submission(id: $id) { steps { nodes { waitsFor } } } }',
    { id },
  );
  return submission.steps.nodes[0]?.waitsFor ?? [];
};

test('without a worker a backend is UNKNOWN, its steps say that nobody is there, and they run when one comes', async () => {
  expect(await healthOf('local')).toMatchObject({ state: 'UNKNOWN', checkedAt: null });
  expect(await command(stepcast.url, 'backends')).toMatchObject({
    code: 1,
    out: expect.stringMatching(/^local +LOCAL +UNKNOWN +0\/0$/m) as unknown,
  });
  const id = await stepcast.submit('short', { gate: gate.folder });
  expect(await waitsFor(id)).toEqual([expect.stringMatching(/^No worker is alive/)]);
  expect((await command(stepcast.url, 'status', id)).out).toContain('waits: No worker is alive');
  const watching = startCommand(stepcast.url, 'watch', id);
  await watching.says(/waits: No worker is alive/);

  const worker = await stepcast.startWorker();
  expect((await watching.ended).code).toBe(0);
  expect(await healthOf('local')).toMatchObject({
    state: 'READY',
    version: expect.stringContaining('linux') as unknown,
    message: '',
    workers: { nodes: [{ state: 'READY', worker: { pid: worker.pid() } }] },
  });
  await eventually('the command is content', async () => (await command(stepcast.url, 'backends')).code === 0);
}, 120_000);

test('a backend that no live worker serves says so, and so do its steps', async () => {
  const other = await stepcast.startWorker({ STEPCAST_QUEUES: 'elsewhere,elsewere' });
  await other.says(/it shall serve elsewere: no such backend is defined now\. Those that are: .*elsewhere/);
  const id = await stepcast.submit('short', { gate: gate.folder });
  expect(await waitsFor(id)).toEqual([
    expect.stringMatching(/^No live worker can run backend `local`: No live worker serves it/),
  ]);
  await eventually('the other one is ready', async () => (await healthOf('elsewhere'))?.state === 'READY');
  const { workers } = await stepcast.gql<{ workers: { nodes: { backends: { nodes: object[] } }[] } }>(
    '{ workers(first: 1) { nodes { waitingConcurrency backends { nodes { backend state message } } } } }',
  );
  expect(workers.nodes).toEqual([
    { waitingConcurrency: 1_000, backends: { nodes: [{ backend: 'elsewhere', state: 'READY', message: '' }] } },
  ]);
  await stepcast.startWorker();
  await stepcast.untilState(id, ['SUCCEEDED']);
}, 120_000);

test('a page of what the workers found goes on where it ended', async () => {
  await Promise.all([stepcast.startWorker(), stepcast.startWorker()]);
  const page = async (after: string | null) =>
    (
      await stepcast.gql<{
        backends: {
          nodes: {
            name: string;
            health: {
              workers: { nodes: { worker: { pid: number } }[]; pageInfo: { hasNextPage: boolean; endCursor: string } };
            };
          }[];
        };
      }>(
        `query ($after: String) { backends { nodes { name health { workers(first: 1, after: $after) {
           nodes { worker { pid } } pageInfo { hasNextPage endCursor } } } } } }`,
        { after },
      )
    ).backends.nodes.find((one) => one.name === 'local')?.health.workers;
  await eventually('both have told', async () => (await page(null))?.pageInfo.hasNextPage === true);
  const first = await page(null);
  const second = await page(first?.pageInfo.endCursor ?? null);
  const pids = [first, second].flatMap((one) => one?.nodes.map(({ worker }) => worker.pid) ?? []);
  expect(pids.sort()).toEqual(stepcast.workers.map((worker) => worker.pid()).sort());
  expect(second?.pageInfo.hasNextPage).toBe(false);
}, 120_000);

test('a worker that was taken for dead and goes on tells what it can run under its new number', async () => {
  const worker = await stepcast.startWorker({ STEPCAST_LEASE_SECONDS: '2' });
  await eventually('it has told', async () => (await healthOf('local'))?.state === 'READY');
  worker.signal('SIGSTOP');
  await eventually('it is lost', async () => (await healthOf('local'))?.state === 'UNKNOWN', 40_000);
  const from = worker.output().length;
  worker.signal('SIGCONT');
  await worker.says(/starts again under a new number/, from);
  await eventually('it has told again', async () => (await healthOf('local'))?.state === 'READY');
}, 120_000);
