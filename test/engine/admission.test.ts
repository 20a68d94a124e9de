/** One submitter cannot have more open than the service allows; others are not touched. */
import { cancelSubmission } from '../../src/engine/cancel';
import { cancelBatch } from '../../src/engine/cancelBatch';
import { submit } from '../../src/engine/submit';
import { job, task, type TestEngine } from './support';
import { withEngine } from './withEngine';

const admission = { lowerBeyond: 2, refuseBeyond: 3 };

let engine: TestEngine;

withEngine(async (opened) => {
  engine = opened;
  await engine.define([task('work')], [job('one', { only: {} }), job('pair', { a: {}, b: { after: ['a'] } })]);
});

const priorities = async (): Promise<number[]> =>
  (await engine.rows<{ priority: number }>('select priority from submission order by id')).map((row) => row.priority);

const batch = async (count: number, keyed = false) => {
  const version = await engine.version('one');
  return submit(
    { db: engine.db, announcer: engine.heard, maxQueued: 100_000, admission },
    Array.from({ length: count }, (_, index) => ({
      version,
      inputs: {},
      priority: 'NORMAL' as const,
      submitter: 'test',
      label: '',
      idempotencyKey: keyed ? String(index) : null,
      field: ['input', 'items', String(index)],
    })),
    { label: '' },
  );
};

test('beyond the first limit a submission is less urgent than asked, and its steps with it', async () => {
  for (const priority of ['HIGH', 'HIGH', 'HIGH'] as const) await engine.submit('one', { priority, admission });
  expect(await priorities()).toEqual([0, 0, 1]);
  const steps = await engine.rows<{ priority: number }>('select priority from step_run order by id');
  expect(steps.map((row) => row.priority)).toEqual([0, 0, 1]);
  await engine.submit('one', { priority: 'HIGH', admission, submitter: 'other' });
  expect(await priorities()).toEqual([0, 0, 1, 0]);
});

test('beyond the second one is refused, with the time after which to try again', async () => {
  for (let index = 0; index < 3; index += 1) await engine.submit('one', { admission });
  const [open] = await engine.rows<{ id: string }>('select id from submission order by id limit 1');
  await expect(engine.submit('one', { admission })).rejects.toMatchObject({
    errors: [{ code: 'LIMIT_EXCEEDED', field: ['input'], retryAfterSeconds: 60 }],
  });
  await cancelSubmission(engine.dependencies, open?.id ?? '', 'Enough.');
  await engine.submit('one', { admission });
  const refused = engine.submit('one', { admission });
  await expect(refused).rejects.toMatchObject({ errors: [{ retryAfterSeconds: 1 }] });
  await expect(refused).rejects.toThrow('You have 3 open submissions, and one more would pass the limit of 3');
});

test('a batch counts with all it has: it is admitted or refused as a whole', async () => {
  await expect(batch(4)).rejects.toMatchObject({ errors: [{ code: 'LIMIT_EXCEEDED' }] });
  expect(await priorities()).toEqual([]);
  await batch(3);
  expect(await priorities()).toEqual([1, 1, 2]);
});

test('a repeated call is answered as the first, also when no more would be admitted', async () => {
  const first = await batch(3, true);
  expect(await batch(3, true)).toEqual(first);
  await expect(engine.submit('one', { admission })).rejects.toMatchObject({ errors: [{ code: 'LIMIT_EXCEEDED' }] });
  expect(await priorities()).toEqual([1, 1, 2]);
});

test('a batch is cancelled with all that has not ended', async () => {
  const { batchId, submissionIds } = await batch(3);
  const other = await engine.submit('one');
  await cancelSubmission(engine.dependencies, submissionIds[0] ?? '', 'Enough.');
  expect(await cancelBatch(engine.dependencies, batchId ?? '', 'All of it.')).toBe(2);
  expect(await cancelBatch(engine.dependencies, batchId ?? '', 'Again.')).toBe(0);
  const states = await engine.rows<{ state: string; message: string }>(
    'select state, message from submission order by id',
  );
  expect(states.map((row) => `${row.state} ${row.message}`)).toEqual([
    'CANCELLED Enough.',
    'CANCELLED All of it.',
    'CANCELLED All of it.',
    'QUEUED ',
  ]);
  expect(await engine.submission(other)).toMatchObject({ state: 'QUEUED' });
});
