import type { Link } from '../../src/domain/definitions';
import { UserErrors } from '../../src/domain/errors';
import { submit } from '../../src/engine/submit';
import { job, task, type TestEngine } from './support';
import { withEngine } from './withEngine';

let engine: TestEngine;
withEngine(async (opened) => {
  engine = opened;
  await engine.define([task('work')], [job('pair', { first: {}, second: { after: ['first'] } })]);
});

const request = async (options: { key?: string | null; label?: string; field?: string[] } = {}) => ({
  version: await engine.version('pair'),
  inputs: {},
  priority: 'NORMAL' as const,
  submitter: 'test',
  label: options.label ?? '',
  idempotencyKey: options.key ?? null,
  field: options.field ?? ['input'],
});
const dependencies = (maxQueued = 1000) => ({ db: engine.db, announcer: engine.heard, maxQueued });

test('a submission is stored with its steps, its first events and a message for each ready step', async () => {
  const id = await engine.submit('pair');
  expect(await engine.states(id)).toBe('first:QUEUED second:PENDING');
  expect(await engine.submission(id)).toMatchObject({ state: 'QUEUED', unfinished: 2, event_seq: 2 });
  expect((await engine.events(id)).map((event) => [event.seq, event.type, event.state, event.stepName])).toEqual([
    [1, 'SUBMISSION_STATE', 'QUEUED', null],
    [2, 'STEP_STATE', 'QUEUED', 'first'],
  ]);
  const { first } = await engine.steps(id);
  expect(engine.heard.outbox).toMatchObject([{ queue: 'local', priority: 1, stepRunId: first?.id, attempt: 1 }]);
  expect(engine.heard.events.map((event) => event.seq)).toEqual([1, 2]);
});

test('the same idempotency key with the same request gives the same submission, also at once', async () => {
  const ids = await Promise.all(Array.from({ length: 8 }, () => engine.submit('pair', { key: 'k' })));
  expect(new Set(ids).size).toBe(1);
  expect(await engine.rows('select from submission')).toHaveLength(1);
  expect(engine.heard.outbox).toHaveLength(1);
});

test('the same idempotency key with another request is a conflict that names the field', async () => {
  await engine.submit('pair', { key: 'k' });
  const other = engine.submit('pair', { key: 'k', label: 'other' });
  await expect(other).rejects.toMatchObject({
    errors: [
      { code: 'CONFLICT', field: ['input', 'idempotencyKey'], message: expect.stringContaining('"k"') as string },
    ],
  });
});

test('a full queue refuses, and counts steps that wait for others', async () => {
  await engine.submit('pair', { maxQueued: 4 });
  await engine.submit('pair', { maxQueued: 4 });
  await expect(engine.submit('pair', { maxQueued: 4 })).rejects.toMatchObject({ errors: [{ code: 'LIMIT_EXCEEDED' }] });
  expect(await engine.rows('select from submission')).toHaveLength(2);
});

test('a full queue does not stand against a repeated request, which stores nothing', async () => {
  const id = await engine.submit('pair', { key: 'k', maxQueued: 2 });
  await expect(engine.submit('pair', { maxQueued: 2 })).rejects.toMatchObject({ errors: [{ code: 'LIMIT_EXCEEDED' }] });
  expect(await engine.submit('pair', { key: 'k', maxQueued: 2 })).toBe(id);
});

test('finished steps leave room in the queue', async () => {
  await engine.submit('pair', { maxQueued: 2 });
  await engine.rows(`update step_run set state = 'SUCCEEDED'`);
  await expect(engine.submit('pair', { maxQueued: 2 })).resolves.toBeTruthy();
});

test('a batch is stored whole', async () => {
  const requests = await Promise.all([request({ label: 'a' }), request({ label: 'b' }), request({ label: 'c' })]);
  const { submissionIds, batchId } = await submit(dependencies(), requests, { label: 'all' });
  expect(new Set(submissionIds).size).toBe(3);
  expect(await engine.rows('select from submission where batch_id = $1', [batchId])).toHaveLength(3);
});

test('a batch with one misused key stores nothing and announces nothing', async () => {
  await engine.submit('pair', { key: 'k' });
  engine.heard.outbox.length = 0;
  const requests = [
    await request({ key: 'new' }),
    await request({ key: 'k', label: 'different', field: ['input', 'items', '1'] }),
  ];
  const refused = submit(dependencies(), requests, { label: 'all' });
  await expect(refused).rejects.toThrow(UserErrors);
  await expect(refused).rejects.toMatchObject({ errors: [{ field: ['input', 'items', '1', 'idempotencyKey'] }] });
  expect(await engine.rows('select from submission')).toHaveLength(1);
  expect(await engine.rows('select from batch')).toHaveLength(0);
  expect(engine.heard.outbox).toHaveLength(0);
});

test('one key twice in a batch is one submission', async () => {
  const requests = await Promise.all([request({ key: 'k' }), request({ key: 'k' })]);
  const { submissionIds } = await submit(dependencies(), requests, { label: '' });
  expect(submissionIds[0]).toBe(submissionIds[1]);
  expect(await engine.rows('select from submission')).toHaveLength(1);
});

test('batches whose keys cross do not end in a deadlock', async () => {
  const keys = ['a', 'b', 'c', 'd'];
  const send = async (order: readonly string[]) =>
    submit(dependencies(), await Promise.all(order.map((key) => request({ key }))), { label: '' });
  const sent = await Promise.all([send(keys), send([...keys].reverse())]);
  expect(new Set(sent.flatMap((one) => one.submissionIds)).size).toBe(4);
});

test('a full queue counts the elements of a scatter that are rows, not those that are still a number', async () => {
  const texts: Link = { kind: 'value', value: Array.from({ length: 30 }, String) };
  await engine.define(
    [task('work', { inputs: ['x'] })],
    [job('each', { one: { links: { x: texts }, scatter: ['x'] } })],
  );
  await engine.submit('each', { maxQueued: 2 });
  await engine.submit('each', { maxQueued: 2 });
  await engine.plan();
  await expect(engine.submit('each', { maxQueued: 4 })).rejects.toMatchObject({
    errors: [{ code: 'LIMIT_EXCEEDED' }],
  });
  await engine.submit('each', { maxQueued: 100 });
});
