/** What is out of time ends, whoever looks, and however often. */
import type { TaskSpec } from '../../src/domain/definitions';
import { cancelSubmission } from '../../src/engine/cancel';
import type { Work } from '../../src/engine/claim';
import { pauseSubmission, unpauseSubmission } from '../../src/engine/pause';
import { reconcile } from '../../src/engine/reconcile';
import { PASSED_DEADLINES } from '../../src/store/statements/deadlines';
import { scalar, type ValueType } from '../../src/domain/values';
import { setWorkerState } from '../../src/store/statements/workers';
import { ended, job, task, type TestEngine } from './support';
import { withEngine } from './withEngine';

let engine: TestEngine;
let worker: string;
withEngine(async (opened) => {
  engine = opened;
  worker = await engine.worker();
});

const pass = () => reconcile(engine.dependencies, 20);
const CHAIN = { a: {}, b: { after: ['a'] } };

async function define(more: Partial<TaskSpec>, timeoutSeconds?: number): Promise<void> {
  await engine.define(
    [{ ...task('work'), ...more }],
    [{ ...job('chain', CHAIN), ...(timeoutSeconds === undefined ? {} : { timeoutSeconds }) }],
  );
}

/** Lets so many seconds go by for everything that waits for a moment. */
const later = async (seconds: number): Promise<void> => {
  const back = (column: string): string => `${column} = ${column} - make_interval(secs => ${seconds})`;
  await engine.rows(`update submission set ${back('deadline')}, ${back('paused_at')}`);
  await engine.rows(`update step_run set ${back('deadline')}, ${back('queue_deadline')}, ${back('ready_at')}`);
};
const failures = async (id: string): Promise<(string | null)[]> =>
  (
    await engine.rows<{ failure: string | null }>('select failure from step_run where submission_id = $1 order by id', [
      id,
    ])
  ).map((row) => row.failure);
const claimed = async (): Promise<Work> => ((await engine.claim(worker)) as [Work])[0];

describe('a step that no worker takes', () => {
  beforeEach(() => define({ queueTimeoutSeconds: 60 }));

  test('fails when its time in the queue is up, once, though several look', async () => {
    const id = await engine.submit('chain');
    expect(await pass()).toMatchObject({ outOfTime: 0 });
    await later(61);
    const passes = await Promise.all([pass(), pass(), pass()]);
    expect(passes.reduce((sum, one) => sum + one.outOfTime, 0)).toBe(1);
    expect(await engine.states(id)).toBe('a:FAILED b:CANCELLED');
    expect(await failures(id)).toEqual(['QUEUE_TIMEOUT', null]);
    expect(await engine.submission(id)).toMatchObject({ state: 'FAILED', unfinished: 0 });
    expect((await engine.submission(id)).message).toContain('No worker took it for 60 seconds');
    const events = await engine.events(id);
    expect(events.map((event) => event.seq)).toEqual(events.map((_, index) => index + 1));
  });

  test('has its time anew for each wait, and none counts once it runs', async () => {
    const id = await engine.submit('chain');
    const first = await claimed();
    await later(61);
    expect(await pass()).toMatchObject({ outOfTime: 0 });
    await engine.complete(ended(first, worker));
    await later(50);
    expect(await pass()).toMatchObject({ outOfTime: 0 });
    await later(11);
    expect(await pass()).toMatchObject({ outOfTime: 1 });
    expect(await engine.states(id)).toBe('a:SUCCEEDED b:FAILED');
  });

  test('keeps what it had left while its submission is paused', async () => {
    const id = await engine.submit('chain');
    await later(40);
    await pauseSubmission(engine.dependencies, id, 'Wait.');
    await later(1_000);
    expect(await pass()).toMatchObject({ outOfTime: 0 });
    await unpauseSubmission(engine.dependencies, id);
    expect(await pass()).toMatchObject({ outOfTime: 0 });
    await later(21);
    expect(await pass()).toMatchObject({ outOfTime: 1 });
  });
});

describe('a step that takes too long', () => {
  beforeEach(() => define({ stepTimeoutSeconds: 100 }));

  test('is stopped where it runs, and has failed whatever its worker says of that', async () => {
    const id = await engine.submit('chain');
    const work = await claimed();
    await later(101);
    expect(await pass()).toMatchObject({ outOfTime: 1 });
    expect(engine.heard.cancelled).toEqual([work.stepRunId]);
    expect(await pass()).toMatchObject({ outOfTime: 0 });
    expect(await engine.states(id)).toBe('a:RUNNING b:PENDING');
    await engine.complete(ended(work, worker, { state: 'CANCELLED', exitCode: null, signal: 'SIGTERM', message: '' }));
    expect(await engine.states(id)).toBe('a:FAILED b:CANCELLED');
    expect(await failures(id)).toEqual(['STEP_TIMEOUT', null]);
    expect(await engine.submission(id)).toMatchObject({ state: 'FAILED' });
    expect((await engine.submission(id)).message).toContain('longer than its timeout of 100 seconds');
    expect(await engine.rows('select state, failure from attempt')).toEqual([
      { state: 'FAILED', failure: 'STEP_TIMEOUT' },
    ]);
  });

  test('has succeeded when it did so before it could be stopped', async () => {
    const id = await engine.submit('chain');
    const work = await claimed();
    await later(101);
    await pass();
    await engine.complete(ended(work, worker));
    expect(await engine.states(id)).toBe('a:SUCCEEDED b:QUEUED');
    expect(await failures(id)).toEqual([null, null]);
  });

  test('has one time for all its tries and the waits between them', async () => {
    const id = await engine.submit('chain');
    for (let tries = 1; tries <= 2; tries += 1) {
      const work = await claimed();
      await later(40);
      await engine.complete(ended(work, worker, { state: 'FAILED', failure: 'SIGNAL', retryable: true, message: '' }));
      if (tries === 1) await pass();
    }
    await engine.rows(`update step_run set ready_at = now() + interval '1 hour' where state = 'RETRYING'`);
    expect(await engine.states(id)).toBe('a:RETRYING b:PENDING');
    await later(21);
    expect(await pass()).toMatchObject({ outOfTime: 1 });
    expect(await engine.states(id)).toBe('a:FAILED b:CANCELLED');
    expect(await failures(id)).toEqual(['STEP_TIMEOUT', null]);
  });

  test('fails also when its worker dies while it is being stopped', async () => {
    const id = await engine.submit('chain');
    await claimed();
    await later(101);
    await pass();
    await setWorkerState(engine.db, worker, 'STOPPED');
    await pass();
    expect(await engine.states(id)).toBe('a:FAILED b:CANCELLED');
    expect(await failures(id)).toEqual(['STEP_TIMEOUT', null]);
  });

  test('stays cancelled when somebody cancelled its submission first', async () => {
    const id = await engine.submit('chain');
    const work = await claimed();
    await cancelSubmission(engine.dependencies, id, 'Enough.');
    await later(101);
    await pass();
    await engine.complete(ended(work, worker, { state: 'CANCELLED', exitCode: null, message: '' }));
    expect(await engine.submission(id)).toMatchObject({ state: 'CANCELLED', message: 'Enough.', unfinished: 0 });
  });
});

describe('a submission that takes too long', () => {
  const stopped = async (id: string, work: Work): Promise<void> => {
    expect(engine.heard.cancelled).toEqual([work.stepRunId]);
    await engine.complete(ended(work, worker, { state: 'CANCELLED', exitCode: null, message: '' }));
    expect(await engine.submission(id)).toMatchObject({
      state: 'FAILED',
      unfinished: 0,
      message: 'The submission took longer than its timeout and was ended.',
    });
  };

  test('fails with a message, and what runs of it is stopped', async () => {
    await define({}, 100);
    const id = await engine.submit('chain');
    const work = await claimed();
    await later(101);
    const passes = await Promise.all([pass(), pass()]);
    expect(passes.reduce((sum, one) => sum + one.outOfTime, 0)).toBe(1);
    expect(await engine.states(id)).toBe('a:RUNNING b:CANCELLED');
    await stopped(id, work);
    expect(await engine.states(id)).toBe('a:CANCELLED b:CANCELLED');
  });

  test.each([
    ['its own', undefined, 50],
    ["its own, shorter than its job's", 100, 50],
    ["its job's, shorter than its own", 50, 100],
  ])('may have a timeout of %s', async (_, ofJob, ofSubmission) => {
    await define({}, ofJob);
    const id = await engine.submit('chain', { timeoutSeconds: ofSubmission });
    await later(30);
    expect(await pass()).toMatchObject({ outOfTime: 0 });
    await later(21);
    expect(await pass()).toMatchObject({ outOfTime: 1 });
    expect(await engine.states(id)).toBe('a:CANCELLED b:CANCELLED');
    expect(await engine.submission(id)).toMatchObject({ state: 'FAILED' });
  });

  test('keeps what it had left while it is paused', async () => {
    await define({}, 100);
    const id = await engine.submit('chain');
    await pauseSubmission(engine.dependencies, id, 'Wait.');
    await later(1_000);
    expect(await pass()).toMatchObject({ outOfTime: 0 });
    await unpauseSubmission(engine.dependencies, id);
    await later(80);
    expect(await pass()).toMatchObject({ outOfTime: 0 });
    await later(21);
    expect(await pass()).toMatchObject({ outOfTime: 1 });
  });

  test('is left alone once it has ended', async () => {
    await define({}, 100);
    const id = await engine.submit('chain');
    for (let step = 0; step < 2; step += 1) await engine.complete(ended(await claimed(), worker));
    await later(101);
    expect(await pass()).toMatchObject({ outOfTime: 0 });
    expect(await engine.submission(id)).toMatchObject({ state: 'SUCCEEDED' });
  });
});

describe('inside of other steps', () => {
  const inner = { ...job('inner', CHAIN), timeoutSeconds: 100 };

  beforeEach(async () => {
    const texts: ValueType = { kind: 'array', items: scalar('string') };
    const each = job('each', { one: { links: { x: { kind: 'input', input: 'texts' } }, scatter: ['x'] } }, undefined, {
      texts,
    });
    await engine.define(
      [{ ...task('work', { inputs: ['x'] }), queueTimeoutSeconds: 60, stepTimeoutSeconds: 200 }],
      [inner, job('outer', { nested: { job: 'inner' }, beside: {} }), each],
    );
  });

  test('a nested job that takes too long fails with all that runs', async () => {
    const id = await engine.submit('outer');
    await engine.plan();
    const works = await engine.claim(worker);
    expect(works.map((work) => work.name).sort()).toEqual(['beside', 'nested/a']);
    await later(80);
    expect(await pass()).toMatchObject({ outOfTime: 0 });
    await later(21);
    expect(await pass()).toMatchObject({ outOfTime: 1 });
    expect([...engine.heard.cancelled].sort()).toEqual(works.map((work) => work.stepRunId).sort());
    await engine.complete(
      ...works.map((work) => ended(work, worker, { state: 'CANCELLED', exitCode: null, message: '' })),
    );
    expect(await engine.steps(id)).toMatchObject({
      nested: { state: 'FAILED' },
      beside: { state: 'CANCELLED' },
      'nested/a': { state: 'CANCELLED' },
      'nested/b': { state: 'CANCELLED' },
    });
    expect(await engine.submission(id)).toMatchObject({ state: 'FAILED', unfinished: 0 });
    expect((await engine.submission(id)).message).toContain(
      'The job "inner" took longer than its timeout of 100 seconds',
    );
  });

  test('a nested job keeps what it had left while its submission is paused', async () => {
    const id = await engine.submit('outer');
    await engine.plan();
    const works = await engine.claim(worker);
    await engine.complete(...works.map((work) => ended(work, worker)));
    await pauseSubmission(engine.dependencies, id, 'Wait.');
    await later(1_000);
    expect(await pass()).toMatchObject({ outOfTime: 0 });
    await unpauseSubmission(engine.dependencies, id);
    await later(50);
    expect(await pass()).toMatchObject({ outOfTime: 0 });
  });

  test('each element of a scatter has a time of its own', async () => {
    const id = await engine.submit('each', { inputs: { texts: ['a', 'b', 'c'] } });
    await engine.plan();
    const [first] = (await engine.claim(worker, 1)) as [Work];
    await later(61);
    expect(await pass()).toMatchObject({ outOfTime: 1 });
    expect(await engine.steps(id)).toMatchObject({ [first.name]: { state: 'RUNNING' } });
    const states = Object.values(await engine.steps(id)).map((row) => row.state);
    expect(states.sort()).toEqual(['CANCELLED', 'FAILED', 'FAILED', 'RUNNING']);
    await engine.complete(ended(first, worker));
    expect(await engine.submission(id)).toMatchObject({ state: 'FAILED', unfinished: 0 });
  });
});

test('the search for what is out of time goes by indexes that hold nothing else', async () => {
  const plan = await engine.db.transaction(async (sql) => {
    await sql.query({ name: 'no-scans', text: 'set local enable_seqscan = off' });
    const text = `explain ${PASSED_DEADLINES.text.replaceAll('$1', '500')}`;
    return sql.query<{ 'QUERY PLAN': string }>({ name: 'explain-deadlines', text });
  });
  const lines = plan.map((row) => row['QUERY PLAN']).join('\n');
  for (const index of ['submission_deadline', 'step_run_deadline', 'step_run_queue_deadline'])
    expect(lines).toContain(`Index Scan using ${index} `);
});
