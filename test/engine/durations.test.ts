import { scalar } from '../../src/domain/values';
import { createDurations } from '../../src/engine/durations';
import { ENOUGH_RUNS, MAX_RUNS } from '../../src/store/statements/durations';
import { ended, job, task, type TestEngine } from './support';
import { withEngine } from './withEngine';

let engine: TestEngine;
let worker: string;
withEngine(async (opened) => {
  engine = opened;
  worker = await engine.worker();
  await engine.define([task('work')], [job('chain', { first: {}, second: { after: ['first'] } })]);
});

/** A fresh one: nothing is kept from before. */
const durations = () => createDurations(engine.db, engine.plans);
const versionId = async (): Promise<string> => (await engine.version('chain')).id;

/** Runs `chain` once and says that its steps took these seconds, one after the other. */
async function run(first: number, second: number): Promise<string> {
  const id = await engine.submit('chain');
  for (let round = 0; round < 2; round += 1) {
    const [work] = await engine.claim(worker);
    if (work) await engine.complete(ended(work, worker));
  }
  await engine.rows(
    `update step_run set started_at = now(), finished_at = now() + make_interval(secs => case name when 'first' then $2::float else $3::float end)
     where submission_id = $1`,
    [id, first, second],
  );
  await engine.rows(
    `update submission set started_at = now(), finished_at = now() + make_interval(secs => $2::float) where id = $1`,
    [id, first + second],
  );
  return id;
}

test('what a job and its steps take follows from the runs that succeeded', async () => {
  for (const seconds of [1, 2, 3, 4, 5]) await run(seconds, 10);
  const { job: whole, steps, olderVersions } = await durations().historyOf(await versionId());
  expect(whole).toMatchObject({ count: 5, min: 11, p50: 13, max: 15 });
  expect(steps.get('first')).toEqual({ count: 5, min: 1, p10: 1.4, p50: 3, p90: 4.6, max: 5 });
  expect(steps.get('second')).toMatchObject({ count: 5, min: 10, p50: 10, max: 10 });
  expect(olderVersions).toBe(false);
});

test('a job that never succeeded has no expected duration', async () => {
  const id = await engine.submit('chain');
  const { job: whole, steps } = await durations().historyOf(await versionId());
  expect(whole).toBeNull();
  expect(steps.size).toBe(0);
  const submission = { id, jobVersionId: await versionId(), state: 'QUEUED' as const };
  expect(await durations().estimateOf(submission)).toMatchObject({ secondsLeft: null, basis: 'NO_HISTORY' });
});

test('the newest runs count, and no more than there is use for', async () => {
  for (let round = 0; round < MAX_RUNS + 1; round += 1) await run(round === 0 ? 100 : 1, 1);
  const { job: whole } = await durations().historyOf(await versionId());
  expect(whole).toMatchObject({ count: MAX_RUNS, max: 2 });
});

test('a step that took an earlier result says nothing of durations', async () => {
  await run(5, 5);
  const id = await run(0, 5);
  await engine.rows(`update step_run set cached = true where submission_id = $1 and name = 'first'`, [id]);
  const { job: whole, steps } = await durations().historyOf(await versionId());
  expect(whole).toMatchObject({ count: 1, p50: 10 });
  expect(steps.get('first')).toMatchObject({ count: 1, p50: 5 });
  expect(steps.get('second')).toMatchObject({ count: 2 });
});

test('a new version leans on older ones until it has runs enough of its own, and says so', async () => {
  await run(50, 50);
  await engine.define(
    [task('work', { retry: { maxAttempts: 7 } })],
    [job('chain', { first: {}, second: { after: ['first'] } })],
  );
  expect(await durations().historyOf(await versionId())).toMatchObject({
    olderVersions: true,
    job: { count: 1, p50: 100 },
  });
  for (let round = 0; round < ENOUGH_RUNS - 1; round += 1) await run(1, 1);
  expect(await durations().historyOf(await versionId())).toMatchObject({
    olderVersions: true,
    job: { count: ENOUGH_RUNS, max: 100 },
  });
  await run(1, 1);
  expect(await durations().historyOf(await versionId())).toMatchObject({ olderVersions: false, job: { max: 2 } });
});

test('a submission is estimated while it waits, while it runs, and no longer', async () => {
  for (let round = 0; round < ENOUGH_RUNS; round += 1) await run(1_000, 20);
  const id = await engine.submit('chain');
  const jobVersionId = await versionId();
  const waiting = await durations().estimateOf({ id, jobVersionId, state: 'QUEUED' });
  expect(waiting).toEqual({ secondsLeft: 1_020, secondsLeftHigh: 1_020, basis: 'THIS_VERSION' });

  const [work] = await engine.claim(worker);
  await engine.rows(
    `update step_run set started_at = now() - interval '400 s' where submission_id = $1 and name = 'first'`,
    [id],
  );
  const running = await durations().estimateOf({ id, jobVersionId, state: 'RUNNING' });
  expect(running?.secondsLeft).toBeGreaterThan(500);
  expect(running?.secondsLeft).toBeLessThanOrEqual(620);

  if (work) await engine.complete(ended(work, worker));
  const second = await durations().estimateOf({ id, jobVersionId, state: 'RUNNING' });
  expect(second?.secondsLeft).toBe(20);
  for (const state of ['CANCELLING', 'SUCCEEDED', 'FAILED', 'CANCELLED'] as const) {
    expect(await durations().estimateOf({ id, jobVersionId, state })).toBeNull();
  }
});

describe('a step that scatters', () => {
  const list = { kind: 'array', items: scalar('string') } as const;
  const texts = ['a', 'b', 'c', 'd'];
  const version = async () => (await engine.version('spread')).id;

  beforeEach(async () => {
    const links = { x: { kind: 'input', input: 'texts' } } as const;
    const steps = { each: { links, scatter: ['x'] }, last: { after: ['each'] } };
    const defined = await engine.define(
      [task('work', { inputs: ['x'] })],
      [job('spread', steps, undefined, { texts: list })],
    );
    expect(defined).toMatchObject({ ok: true });
    const id = await engine.submit('spread', { inputs: { texts } });
    for (let round = 0; round < 3; round += 1) {
      await engine.plan();
      const works = await engine.claim(worker);
      if (works.length > 0) await engine.complete(...works.map((work) => ended(work, worker)));
    }
    expect(await engine.submission(id)).toMatchObject({ state: 'SUCCEEDED' });
    await engine.rows(
      `update step_run set started_at = now(), finished_at = now() + make_interval(secs =>
         case when kind = 'SCATTER' then 2000 when scatter_index >= 0 then 1000 else 3 end) where submission_id = $1`,
      [id],
    );
  });

  test('has a duration as a whole, and one of its elements', async () => {
    const { steps } = await durations().historyOf(await version());
    expect(steps.get('each')).toMatchObject({ count: 1, p50: 2_000 });
    expect(steps.get('each[]')).toMatchObject({ count: 4, p50: 1_000 });
  });

  test('is estimated by what is left of it and how much of it runs at once', async () => {
    const id = await engine.submit('spread', { inputs: { texts } });
    await engine.plan();
    await engine.claim(worker, 2);
    await engine.rows(
      `update step_run set started_at = now() - interval '900 s' where submission_id = $1 and state = 'RUNNING'`,
      [id],
    );
    const left = await durations().estimateOf({ id, jobVersionId: await version(), state: 'RUNNING' });
    // 100 seconds each of the two that run, 1,000 each of the two that wait, two at a time; and then three.
    expect(left?.secondsLeft).toBeGreaterThan(1_003);
    expect(left?.secondsLeft).toBeLessThanOrEqual(1_103);
  });
});
