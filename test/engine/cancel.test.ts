import { cancelSubmission } from '../../src/engine/cancel';
import type { Work } from '../../src/engine/claim';
import { purgeSubmissions, purgeUploads, unnamedContents } from '../../src/store/statements/purge';
import { heartbeat } from '../../src/store/statements/workers';
import { ended, job, task, type TestEngine } from './support';
import { withEngine } from './withEngine';

let engine: TestEngine;
let worker: string;
withEngine(async (opened) => {
  engine = opened;
  worker = await engine.worker();
  await engine.define(
    [task('work')],
    [job('pair', { a: {}, b: { after: ['a'] } }), job('two', { a: {}, b: {}, c: { after: ['a', 'b'] } })],
  );
});

const cancel = (id: string, deleteAfterwards = false) =>
  cancelSubmission(engine.dependencies, id, 'Enough.', {
    deleteAfterwards,
  });

test('what waits never starts', async () => {
  const id = await engine.submit('pair');
  expect(await cancel(id)).toBe(true);
  expect(await engine.states(id)).toBe('a:CANCELLED b:CANCELLED');
  expect(await engine.submission(id)).toMatchObject({ state: 'CANCELLED', message: 'Enough.', unfinished: 0 });
  expect((await engine.events(id)).map((event) => event.type)).toContain('CANCEL_REQUESTED');
  expect(await engine.claim(worker)).toEqual([]);
});

test('what runs is asked to stop, by message and at the next heartbeat, and its word ends the submission', async () => {
  const id = await engine.submit('two');
  const work = await engine.claim(worker, 1);
  expect(await cancel(id)).toBe(true);
  const stepRunId = work[0]?.stepRunId ?? '';
  expect(engine.heard.cancelled).toEqual([stepRunId]);
  expect(await heartbeat(engine.db, worker, 1)).toMatchObject({ alive: true, cancel: [stepRunId] });
  expect(await engine.submission(id)).toMatchObject({ state: 'CANCELLING', ending: 'CANCELLED' });
  await engine.complete(ended(work[0] as Work, worker, { state: 'CANCELLED', message: 'Stopped.' }));
  expect(await engine.states(id)).toBe('a:CANCELLED b:CANCELLED c:CANCELLED');
  expect(await engine.submission(id)).toMatchObject({ state: 'CANCELLED', message: 'Enough.' });
});

test('a step that succeeds while it is being stopped starts no other', async () => {
  const id = await engine.submit('pair');
  const [a] = (await engine.claim(worker)) as [Work];
  await cancel(id);
  await engine.complete(ended(a, worker));
  expect(await engine.states(id)).toBe('a:SUCCEEDED b:CANCELLED');
  expect(await engine.submission(id)).toMatchObject({ state: 'CANCELLED' });
});

test('one that waits for its next try is not tried again', async () => {
  const id = await engine.submit('pair');
  const [a] = (await engine.claim(worker)) as [Work];
  await engine.complete(ended(a, worker, { state: 'FAILED', retryable: true, message: 'busy' }));
  await cancel(id);
  expect(await engine.submission(id)).toMatchObject({ state: 'CANCELLED', unfinished: 0 });
});

test('a second cancel changes nothing more; one that comes too late says so; an unknown one is an error', async () => {
  const id = await engine.submit('pair');
  const [a] = (await engine.claim(worker)) as [Work];
  expect(await cancel(id)).toBe(true);
  const events = (await engine.events(id)).length;
  expect(await cancel(id)).toBe(true);
  expect(await engine.events(id)).toHaveLength(events);
  await engine.complete(ended(a, worker, { state: 'CANCELLED' }));
  expect(await cancel(id)).toBe(false);
  await expect(cancel('999999')).rejects.toMatchObject({ code: 'NOT_FOUND' });
});

test('a cancel after a failure leaves the failure as the cause', async () => {
  const id = await engine.submit('two');
  const [a, b] = (await engine.claim(worker)) as [Work, Work];
  await engine.complete(ended(a, worker, { state: 'FAILED', message: 'broken' }));
  await cancel(id);
  await engine.complete(ended(b, worker, { state: 'CANCELLED' }));
  expect(await engine.submission(id)).toMatchObject({ state: 'FAILED', message: 'Step "a" failed: broken' });
});

test('a deleted submission goes with all that hangs on it, once it has ended', async () => {
  const file = { class: 'File', name: 'a.txt', sha256: 'ab'.repeat(32), size: 3, mediaType: 'text/plain' } as const;
  const id = await engine.submit('pair');
  const kept = await engine.submit('pair');
  const work = await engine.claim(worker, 2);
  const [mine, other] = [work.find((one) => one.submissionId === id), work.find((one) => one.submissionId === kept)];
  await cancel(id, true);
  expect(await purgeSubmissions(engine.db, 10)).toEqual({ count: 0, contents: [] });
  await engine.complete(
    ended(mine as Work, worker, { state: 'CANCELLED', outputs: { out: file } }),
    ended(other as Work, worker, { outputs: { out: { ...file, sha256: 'cd'.repeat(32) } } }),
  );
  expect(await purgeSubmissions(engine.db, 10)).toEqual({ count: 1, contents: [file.sha256] });
  for (const table of ['step_run', 'event', 'artifact'])
    expect(await engine.rows(`select from ${table} where submission_id = $1`, [id])).toEqual([]);
  expect(await engine.rows('select from submission')).toHaveLength(1);
  expect(await unnamedContents(engine.db, [file.sha256, 'cd'.repeat(32)])).toEqual([file.sha256]);
});

test('a batch goes with its last submission', async () => {
  const id = await engine.submit('pair');
  await engine.rows(
    `with b as (insert into batch (submitter) values ('test') returning id)
    update submission set batch_id = (select id from b) where id = $1`,
    [id],
  );
  await cancel(id, true);
  await purgeSubmissions(engine.db, 10);
  expect(await engine.rows('select from batch')).toEqual([]);
});

test('uploads go when their time is over', async () => {
  await engine.rows(`insert into upload (id, name, media_type, max_bytes, state, sha256, submitter, expires_at) values
    ('old', 'a', 'text/plain', 1, 'STORED', 'aa', 'test', now() - interval '1 second'),
    ('open', 'a', 'text/plain', 1, 'OPEN', null, 'test', now() - interval '1 second'),
    ('new', 'a', 'text/plain', 1, 'STORED', 'bb', 'test', now() + interval '1 hour')`);
  expect(await purgeUploads(engine.db, 10)).toEqual(['aa']);
  expect(await engine.rows<{ id: string }>('select id from upload')).toEqual([{ id: 'new' }]);
});
