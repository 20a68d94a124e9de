/** Paused: what runs goes on, nothing new starts, and afterwards all goes on. */
import type { Link } from '../../src/domain/definitions';
import { cancelSubmission } from '../../src/engine/cancel';
import type { Work } from '../../src/engine/claim';
import { pauseBackend, pauseSubmission, unpauseBackend, unpauseSubmission } from '../../src/engine/pause';
import { reconcile } from '../../src/engine/reconcile';
import { lockSubmissions } from '../../src/store/statements/locks';
import { holdSubmission, queuePauses } from '../../src/store/statements/pause';
import { eventually } from '../e2e/support/wait';
import { ended, job, task, type TestEngine } from './support';
import { withEngine } from './withEngine';

let engine: TestEngine;
let worker: string;

withEngine(async (opened) => {
  engine = opened;
  worker = await engine.worker();
  await engine.define(
    [task('work')],
    [job('one', { only: {} }), job('pair', { a: {}, b: { after: ['a'] } }), job('two', { a: {}, b: {} })],
  );
});

test('a paused submission starts nothing, and goes on before those that came later', async () => {
  const paused = await engine.submit('one');
  const later = await engine.submit('one');
  await pauseSubmission(engine.dependencies, paused, 'Wait.');
  const rung = engine.heard.outbox.length;
  expect(await engine.claim(worker, 1)).toMatchObject([{ submissionId: later }]);
  expect(await engine.claim(worker)).toEqual([]);
  const last = await engine.submit('one');
  await unpauseSubmission(engine.dependencies, paused);
  expect(engine.heard.outbox.slice(rung).map((one) => one.queue)).toEqual(['local', 'local']);
  expect((await engine.claim(worker)).map((one) => one.submissionId)).toEqual([paused, last]);
});

test('a pause wins over a worker that has seen the step and waits for its submission', async () => {
  const id = await engine.submit('one');
  let claiming: Promise<Work[]> = Promise.resolve([]);
  await engine.db.transaction(async (sql) => {
    await lockSubmissions(sql, [id]);
    claiming = engine.claim(worker);
    await eventually('the worker waits for the lock', async () => {
      const waiting = { name: 'waiting', text: `select from pg_stat_activity where wait_event_type = 'Lock'` };
      return (await engine.db.query(waiting)).length > 0;
    });
    await holdSubmission(sql, id);
  });
  expect(await claiming).toEqual([]);
  expect(await engine.states(id)).toBe('only:QUEUED');
});

test('what ran when it was paused is recorded, and what follows from it waits', async () => {
  const id = await engine.submit('pair');
  const [a] = (await engine.claim(worker)) as [Work];
  await pauseSubmission(engine.dependencies, id, 'Wait.');
  await engine.complete(ended(a, worker));
  expect(await engine.states(id)).toBe('a:SUCCEEDED b:QUEUED');
  expect(await engine.claim(worker)).toEqual([]);
  await unpauseSubmission(engine.dependencies, id);
  expect(await engine.claim(worker)).toMatchObject([{ name: 'b' }]);
});

test('a try that is due, and a step that lost its worker, wait until the pause is over', async () => {
  const id = await engine.submit('two');
  const [a, b] = (await engine.claim(worker)) as [Work, Work];
  await pauseSubmission(engine.dependencies, id, 'Wait.');
  await engine.complete(ended(a, worker, { state: 'FAILED', retryable: true, exitCode: 75 }));
  await engine.rows(`update worker set heartbeat_at = now() - interval '1 hour'`);
  await reconcile(engine.dependencies, 10);
  expect(await engine.states(id)).toBe('a:QUEUED b:QUEUED');
  const other = await engine.worker();
  expect(await engine.claim(other)).toEqual([]);
  await unpauseSubmission(engine.dependencies, id);
  expect((await engine.claim(other)).map((one) => one.stepRunId).sort()).toEqual([a.stepRunId, b.stepRunId].sort());
});

test('a scatter and a nested job grow no further while they are paused, and go on at once', async () => {
  const texts: Link = { kind: 'value', value: ['a', 'b', 'c'] };
  await engine.define(
    [task('work', { inputs: ['x'] })],
    [
      job('inner', { only: {} }),
      job('outer', { each: { links: { x: texts }, scatter: ['x'] }, nested: { job: 'inner' } }),
    ],
  );
  const id = await engine.submit('outer');
  await pauseSubmission(engine.dependencies, id, 'Wait.');
  await engine.plan();
  expect(await engine.states(id)).toBe('each:PENDING nested:PENDING');
  await unpauseSubmission(engine.dependencies, id);
  await engine.plan();
  await pauseSubmission(engine.dependencies, id, 'Wait again.');
  expect(await engine.claim(worker)).toEqual([]);
  await unpauseSubmission(engine.dependencies, id);
  expect((await engine.claim(worker)).map((work) => work.name).sort()).toEqual([
    'each[0]',
    'each[1]',
    'each[2]',
    'nested/only',
  ]);
});

test('the pause and its end are events without a gap', async () => {
  const id = await engine.submit('one');
  await pauseSubmission(engine.dependencies, id, 'The disk is full.');
  await unpauseSubmission(engine.dependencies, id);
  const events = await engine.events(id);
  expect(events.map((event) => event.seq)).toEqual([1, 2, 3, 4]);
  expect(events.slice(2)).toMatchObject([
    { type: 'SUBMISSION_PAUSED', message: 'The disk is full.', state: null },
    { type: 'SUBMISSION_UNPAUSED', message: '' },
  ]);
  expect(engine.heard.events.map((event) => event.seq)).toEqual([1, 2, 3, 4]);
});

test('it can be cancelled while it is paused', async () => {
  const id = await engine.submit('pair');
  await pauseSubmission(engine.dependencies, id, 'Wait.');
  expect(await cancelSubmission(engine.dependencies, id, 'Enough.')).toBe(true);
  expect(await engine.submission(id)).toMatchObject({ state: 'CANCELLED', unfinished: 0 });
});

test('it cannot be paused twice, nor after its end, nor go on when it is not paused', async () => {
  const id = await engine.submit('one');
  await expect(unpauseSubmission(engine.dependencies, id)).rejects.toMatchObject({ code: 'CONFLICT' });
  await pauseSubmission(engine.dependencies, id, '');
  await expect(pauseSubmission(engine.dependencies, id, '')).rejects.toMatchObject({ code: 'CONFLICT' });
  await unpauseSubmission(engine.dependencies, id);
  const [work] = (await engine.claim(worker)) as [Work];
  await engine.complete(ended(work, worker));
  await expect(pauseSubmission(engine.dependencies, id, '')).rejects.toMatchObject({
    message: 'It has ended already, as SUCCEEDED.',
  });
  await expect(pauseSubmission(engine.dependencies, '999999', '')).rejects.toMatchObject({ code: 'NOT_FOUND' });
});

test('a pause at the same moment as a claim either comes first or leaves what was taken to run', async () => {
  const ids = await Promise.all(Array.from({ length: 10 }, () => engine.submit('one')));
  const [taken] = await Promise.all([
    engine.claim(worker),
    ...ids.map((id) => pauseSubmission(engine.dependencies, id, '')),
  ]);
  const running = await engine.rows<{ id: string }>(`select id from step_run where state = 'RUNNING'`);
  expect(running.map((row) => row.id).sort()).toEqual(taken.map((work) => work.stepRunId).sort());
  expect(await engine.claim(worker)).toEqual([]);
});

test('from a paused queue nothing is taken, from the others of its backend it is', async () => {
  const high = await engine.submit('one', { priority: 'HIGH' });
  const low = await engine.submit('one', { priority: 'LOW' });
  await pauseBackend(engine.dependencies, 'local', [0], 'Repair.');
  expect(await queuePauses(engine.db)).toMatchObject([{ queue: 'local', priority: 0, reason: 'Repair.' }]);
  expect(await engine.claim(worker)).toMatchObject([{ submissionId: low }]);
  await unpauseBackend(engine.dependencies, 'local', [0, 1, 2]);
  expect(await engine.claim(worker)).toMatchObject([{ submissionId: high }]);
});

test('a paused backend holds back all of its queues, and its end rings for what waits', async () => {
  await Promise.all((['HIGH', 'NORMAL', 'LOW'] as const).map((priority) => engine.submit('one', { priority })));
  await pauseBackend(engine.dependencies, 'local', [0, 1, 2], '');
  await expect(pauseBackend(engine.dependencies, 'local', [1], '')).rejects.toMatchObject({ code: 'CONFLICT' });
  expect(await engine.claim(worker)).toEqual([]);
  engine.heard.outbox.length = 0;
  await unpauseBackend(engine.dependencies, 'local', [0, 1, 2]);
  expect(engine.heard.outbox.map((one) => one.priority).sort()).toEqual([0, 1, 2]);
  await expect(unpauseBackend(engine.dependencies, 'local', [0, 1, 2])).rejects.toMatchObject({ code: 'CONFLICT' });
  expect(await engine.claim(worker)).toHaveLength(3);
});
