import { cancelSubmission } from '../../src/engine/cancel';
import type { Work } from '../../src/engine/claim';
import { reconcile } from '../../src/engine/reconcile';
import { forgetSent } from '../../src/store/statements/outbox';
import { forgetWorkers, heartbeat, setWorkerState } from '../../src/store/statements/workers';
import { ended, job, task, type TestEngine } from './support';
import { withEngine } from './withEngine';

let engine: TestEngine;
withEngine(async (opened) => {
  engine = opened;
  await engine.define(
    [task('work')],
    [job('one', { only: {} }), job('two', { a: {}, b: {}, c: { after: ['a', 'b'] } })],
  );
});

const LEASE = 20;
const pass = () => reconcile(engine.dependencies, LEASE);
const fallSilent = (worker: string) =>
  engine.rows(`update worker set heartbeat_at = now() - interval '${LEASE + 1} seconds' where id = $1`, [worker]);

test('the work of a silent worker runs again elsewhere, once, though several look at the same time', async () => {
  const id = await engine.submit('one');
  const dead = await engine.worker();
  const [first] = (await engine.claim(dead)) as [Work];
  await fallSilent(dead);
  const passes = await Promise.all([pass(), pass(), pass()]);
  expect(passes.reduce((sum, one) => sum + one.lostWorkers, 0)).toBe(1);
  expect(passes.reduce((sum, one) => sum + one.requeued, 0)).toBe(1);
  expect(await heartbeat(engine.db, dead, 1)).toEqual({ alive: false, cancel: [], running: [] });
  const other = await engine.worker();
  const [again] = (await engine.claim(other)) as [Work];
  expect(again).toMatchObject({ stepRunId: first.stepRunId, attempt: 2 });
  expect(await engine.complete(ended(first, dead))).toBe(0);
  await engine.complete(ended(again, other));
  expect(await engine.submission(id)).toMatchObject({ state: 'SUCCEEDED' });
  const events = await engine.events(id);
  expect(events.filter((event) => event.type === 'ATTEMPT_LOST')).toHaveLength(1);
  expect(events.map((event) => event.seq)).toEqual(events.map((_, index) => index + 1));
});

test('a worker that lives is left alone', async () => {
  await engine.submit('one');
  await engine.claim(await engine.worker());
  expect(await pass()).toMatchObject({ lostWorkers: 0, requeued: 0 });
});

test('a worker that stopped and left work behind is as good as dead', async () => {
  const id = await engine.submit('one');
  const worker = await engine.worker();
  await engine.claim(worker);
  await setWorkerState(engine.db, worker, 'STOPPED');
  expect(await pass()).toMatchObject({ requeued: 1 });
  expect(await engine.states(id)).toBe('only:QUEUED');
});

test('a step that loses its worker three times fails, and says so', async () => {
  const id = await engine.submit('two');
  for (let loss = 1; loss <= 3; loss += 1) {
    const worker = await engine.worker();
    await engine.claim(worker, 1);
    await fallSilent(worker);
    await pass();
    // The other step would be next in the line.
    await engine.rows(
      `update step_run set rank_at = rank_at - interval '1 hour' where name = 'a' and state = 'QUEUED'`,
    );
  }
  const sentence = 'Its worker died 3 times while it ran: the step is taken to be the cause.';
  expect(await engine.steps(id)).toMatchObject({
    a: { state: 'FAILED', lost: 3, message: sentence },
    b: { state: 'CANCELLED' },
    c: { state: 'CANCELLED' },
  });
  expect(await engine.submission(id)).toMatchObject({ state: 'FAILED', message: `Step "a" failed: ${sentence}` });
});

test('two steps of one submission lost together are both found, also when one of them was the third time', async () => {
  const id = await engine.submit('two');
  const worker = await engine.worker();
  await engine.claim(worker);
  await engine.rows(`update step_run set lost = 2 where name = 'b'`);
  await fallSilent(worker);
  await pass();
  expect(await engine.states(id)).toBe('a:CANCELLED b:FAILED c:CANCELLED');
  expect(await engine.submission(id)).toMatchObject({ state: 'FAILED', unfinished: 0 });
});

test('work that was to be cancelled is not run again when its worker dies', async () => {
  const id = await engine.submit('one');
  const worker = await engine.worker();
  await engine.claim(worker);
  await cancelSubmission(engine.dependencies, id, 'Enough.');
  await fallSilent(worker);
  await pass();
  expect(await engine.submission(id)).toMatchObject({ state: 'CANCELLED', message: 'Enough.' });
});

test('a retry runs when it is due, and not before', async () => {
  const id = await engine.submit('one');
  const worker = await engine.worker();
  const [only] = (await engine.claim(worker)) as [Work];
  await engine.complete(ended(only, worker, { state: 'FAILED', retryable: true, message: 'busy' }));
  await engine.rows(`update step_run set ready_at = now() + interval '1 hour'`);
  expect(await pass()).toMatchObject({ retried: 0 });
  await engine.rows('update step_run set ready_at = now()');
  const passes = await Promise.all([pass(), pass()]);
  expect(passes.reduce((sum, one) => sum + one.retried, 0)).toBe(1);
  expect(await engine.states(id)).toBe('only:QUEUED');
});

test('messages whose sender died are sent again until they are forgotten', async () => {
  await engine.submit('one');
  const [message] = engine.heard.outbox;
  engine.heard.outbox.length = 0;
  expect(await pass()).toMatchObject({ resent: 0 });
  await engine.rows(`update outbox set created_at = now() - interval '1 minute'`);
  expect(await pass()).toMatchObject({ resent: 1 });
  expect(engine.heard.outbox).toEqual([message]);
  await forgetSent(engine.db, [message?.outboxId ?? '']);
  expect(await pass()).toMatchObject({ resent: 0 });
});

test('workers that ended long ago are forgotten, unless an attempt names them', async () => {
  const [idle, used, fresh] = [await engine.worker(), await engine.worker(), await engine.worker()];
  await engine.submit('one');
  await engine.claim(used);
  for (const worker of [idle, used, fresh]) await setWorkerState(engine.db, worker, 'STOPPED');
  await engine.rows(`update worker set heartbeat_at = now() - interval '2 days' where id <> $1`, [fresh]);
  await forgetWorkers(engine.db, 86_400);
  const left = await engine.rows<{ id: string }>('select id from worker order by id');
  expect(left.map((row) => row.id)).toEqual([used, fresh]);
});
