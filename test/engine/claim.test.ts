import { claim, type Work } from '../../src/engine/claim';
import { setWorkerState } from '../../src/store/statements/workers';
import { ended, job, task, type TestEngine } from './support';
import { withEngine } from './withEngine';

let engine: TestEngine;
withEngine(async (opened) => {
  engine = opened;
  await engine.define(
    [task('work'), task('needs', { inputs: ['in!'] })],
    [job('one', { only: {} }), job('wide', Object.fromEntries(Array.from({ length: 8 }, (_, i) => [`s${i}`, {}])))],
  );
});

test('HIGH goes before NORMAL before LOW, and the older first', async () => {
  const order = [];
  for (const priority of ['LOW', 'NORMAL', 'HIGH', 'LOW', 'NORMAL', 'HIGH'] as const)
    order.push(await engine.submit('one', { priority }));
  const worker = await engine.worker();
  const taken: string[] = [];
  for (let index = 0; index < 6; index += 1)
    taken.push(...(await engine.claim(worker, 1)).map((one) => one.submissionId));
  expect(taken).toEqual([order[2], order[5], order[1], order[4], order[0], order[3]]);
});

test('a LOW step that has waited long enough goes before new HIGH ones', async () => {
  const low = await engine.submit('one', { priority: 'LOW' });
  await engine.rows(`update step_run set ready_at = ready_at - interval '3 minutes'`);
  await engine.submit('one', { priority: 'HIGH' });
  expect(await engine.claim(await engine.worker(), 1)).toMatchObject([{ submissionId: low }]);
});

test('four workers that take at once never take the same step, and all is taken', async () => {
  const ids: string[] = [];
  for (let index = 0; index < 12; index += 1) ids.push(await engine.submit(index % 2 === 0 ? 'wide' : 'one'));
  const workers = await Promise.all([1, 2, 3, 4].map(() => engine.worker()));
  const taken: Work[] = [];
  let left = 54;
  while (left > 0) {
    const rounds = await Promise.all(workers.map((worker) => engine.claim(worker, 5)));
    taken.push(...rounds.flat());
    left = 54 - taken.length;
  }
  expect(new Set(taken.map((one) => one.stepRunId)).size).toBe(54);
  expect(new Set(taken.map((one) => one.attempt))).toEqual(new Set([1]));
  for (const id of ids) {
    const events = await engine.events(id);
    expect(events.map((event) => event.seq)).toEqual(events.map((_, index) => index + 1));
    expect(events.filter((event) => event.type === 'SUBMISSION_STATE' && event.state === 'RUNNING')).toHaveLength(1);
  }
});

test('a worker takes only from its queues, and no more than it asked for', async () => {
  await engine.submit('wide');
  const worker = await engine.worker();
  expect(await engine.claim(worker, 3)).toHaveLength(3);
  expect(await claim(engine.dependencies, worker, ['elsewhere'], 10)).toEqual([]);
  expect(await claim(engine.dependencies, worker, [], 10)).toEqual([]);
});

test.each(['DRAINING', 'STOPPED', 'LOST'] as const)('a worker that is %s gets nothing', async (state) => {
  await engine.submit('one');
  const worker = await engine.worker();
  await setWorkerState(engine.db, worker, state);
  expect(await engine.claim(worker)).toEqual([]);
});

test('a step whose required input has no value is taken with the reason why it cannot run', async () => {
  await engine.define([], [job('hollow', { a: {}, b: { task: 'needs', in: { in: 'a.out' } } })]);
  await engine.submit('hollow');
  const worker = await engine.worker();
  const [a] = (await engine.claim(worker)) as [Work];
  await engine.complete(ended(a, worker, { outputs: { out: null } }));
  const [b] = (await engine.claim(worker)) as [Work];
  expect(b.problems).toEqual(['Input "in" of step "b" has no value: output "out" was not produced.']);
});

test('a worker that was declared dead takes nothing, though it asks in the same moment', async () => {
  await engine.submit('one');
  const worker = await engine.worker();
  const [, work] = await Promise.all([setWorkerState(engine.db, worker, 'LOST'), engine.claim(worker)]);
  const rows = await engine.rows<{ state: string }>('select state from step_run');
  expect(rows[0]?.state).toBe(work.length === 1 ? 'RUNNING' : 'QUEUED');
});
