/** Workers that serve the same Backend, on machines where its engine is there and where it is not. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLocalStore } from '../../src/artifacts/localStore';
import { createHost } from '../../src/backends/host';
import { createAnnouncer } from '../../src/delivery/announcer';
import { createWakeSender, type WakeSender } from '../../src/delivery/beeQueues';
import { openPubSub, type PubSub } from '../../src/delivery/pubsub';
import type { BackendHealth } from '../../src/domain/backendHealth';
import type { BackendSpec } from '../../src/domain/definitions';
import { backendViews } from '../../src/store/statements/backendHealth';
import { startWorker, type Worker } from '../../workers/worker';
import { eventually } from '../e2e/support/wait';
import { job, openEngine, task, type TestEngine } from '../engine/support';
import { testRedisUrl } from '../support/services';

const READY: BackendHealth = { state: 'READY', version: '4.2.2', message: '' };
const MISSING: BackendHealth = { state: 'MISSING', version: null, message: 'Rscript is not installed.' };
const R: BackendSpec = { name: 'r-stats', kind: 'LOCAL', description: '', environment: {}, options: {} };

let engine: TestEngine;
let home: string;
let pubsub: PubSub;
let sender: WakeSender;
const workers: Worker[] = [];

beforeAll(async () => {
  engine = await openEngine();
  pubsub = await openPubSub(testRedisUrl());
  sender = createWakeSender(testRedisUrl());
});
beforeEach(async () => {
  await engine.clear();
  home = await mkdtemp(join(tmpdir(), 'stepcast-engines-'));
  await engine.define([{ ...task('work'), backend: R.name, outputs: [] }], [job('one', { only: {} })], {
    backends: [R],
  });
});
afterEach(async () => {
  await Promise.all(workers.splice(0).map((worker) => worker.stop()));
  await rm(home, { recursive: true, force: true });
});
afterAll(async () => {
  await Promise.all([sender.close(), pubsub.close()]);
  await engine.close();
});

/** A worker in this process on whose machine the engine is as `health` says at each look. Returns its id. */
async function work(health: () => BackendHealth): Promise<string> {
  let id = '';
  const worker = await startWorker({
    ...{ db: engine.db, plans: engine.plans, pubsub, redisUrl: testRedisUrl(), backends: [R] },
    announcer: createAnnouncer({ pubsub, sender, forgetSent: async () => undefined, onTrouble: () => undefined }),
    openHost: (workerId) => {
      id = workerId;
      const artifacts = createLocalStore(join(home, 'artifacts'));
      const host = createHost({ workDir: join(home, 'work'), workerId: `${process.pid}-${workerId}`, artifacts });
      return { ...host, health: () => Promise.resolve(health()) };
    },
    concurrency: { here: 2, elsewhere: 2 },
    ...{ leaseSeconds: 60, drainSeconds: 1, healthSeconds: 1, maxLogBytes: 1_000, maxScatter: 10 },
    reuse: { enabled: false, keep: () => Promise.resolve(false) },
    evaluate: () => Promise.resolve([]),
    log: () => undefined,
  });
  workers.push(worker);
  return id;
}

const view = async () => (await backendViews(engine.db, [R.name])).get(R.name);
const only = async (id: string) => (await engine.steps(id))['only'];

test('a step is taken by the worker that has its engine, never by the one that has not', async () => {
  await work(() => MISSING);
  const able = await work(() => READY);
  const ids = await Promise.all(Array.from({ length: 20 }, () => engine.submit('one')));
  for (const id of ids) {
    const step = await eventually('it ended', async () => {
      const row = await only(id);
      return row?.state === 'SUCCEEDED' ? row : null;
    });
    expect(step.worker_id).toBe(able);
  }
  expect(await view()).toMatchObject({ alive: 2, serving: 2 });
});

test('a step waits without an attempt while the engine is missing, and runs when it appears', async () => {
  let health = MISSING;
  await work(() => health);
  const id = await engine.submit('one');
  await eventually('the worker told twice', async () => {
    const first = (await view())?.checkedAt;
    return eventually('it told again', async () => (await view())?.checkedAt?.getTime() !== first?.getTime());
  });
  expect(await only(id)).toMatchObject({ state: 'QUEUED', attempt: 0 });
  expect((await view())?.findings).toEqual([expect.objectContaining(MISSING)]);
  health = READY;
  await eventually('it ran', async () => (await only(id))?.state === 'SUCCEEDED');
  expect((await view())?.findings).toEqual([expect.objectContaining(READY)]);
});

test('a worker that is gone tells nothing any more', async () => {
  await work(() => READY);
  await eventually('it told', async () => (await view())?.findings.length === 1);
  await Promise.all(workers.splice(0).map((worker) => worker.stop()));
  expect(await view()).toMatchObject({ alive: 0, serving: 0, findings: [], checkedAt: null });
});
