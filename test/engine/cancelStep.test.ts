/** Parts of a submission are cancelled: for all that depends on them, they have failed. */
import { cancelStepRun } from '../../src/engine/cancelStep';
import type { Work } from '../../src/engine/claim';
import { resumeSubmission } from '../../src/engine/resume';
import { ended, job, task, type TestEngine } from './support';
import { input, NESTED, TEXTS } from './nestedJobs';
import { FAILING, runReady, type Differently } from './runReady';
import { withEngine } from './withEngine';

let engine: TestEngine;
let worker: string;

withEngine(async (opened) => {
  engine = opened;
  worker = await engine.worker();
});

const resume = (id: string): Promise<number> => resumeSubmission(engine.dependencies, id);

const runAll = async (differently?: (work: Work) => Differently): Promise<string[]> =>
  (await runReady(engine, worker, differently)).sort();

test('a step that is cancelled fails its submission, which can be resumed from there', async () => {
  await engine.define([task('work')], [job('wide', { a: {}, b: {}, c: { after: ['a'] } })]);
  const id = await engine.submit('wide');
  const steps = await engine.steps(id);
  const [a, b] = (await engine.claim(worker)) as [Work, Work];
  await cancelStepRun(engine.dependencies, steps.a?.id ?? '', 'Wrong data.');
  expect(engine.heard.cancelled).toEqual([steps.a?.id]);
  expect(await engine.states(id)).toBe('a:RUNNING b:RUNNING c:CANCELLED');
  await engine.complete(ended(a, worker, { state: 'CANCELLED' }));
  await engine.complete(ended(b, worker));
  expect(await engine.states(id)).toBe('a:CANCELLED b:SUCCEEDED c:CANCELLED');
  expect(await engine.submission(id)).toMatchObject({
    state: 'FAILED',
    message: 'Step "a" failed: It was cancelled. Wrong data.',
  });
  await expect(cancelStepRun(engine.dependencies, steps.a?.id ?? '', '')).rejects.toThrow(
    'It has ended already, as CANCELLED.',
  );
  await resume(id);
  expect(await runAll()).toEqual(['a', 'c']);
  expect(await engine.submission(id)).toMatchObject({ state: 'SUCCEEDED' });
});

test('a step that waits for its next try, and one that has not started, can be cancelled', async () => {
  await engine.define(
    [task('work', { retry: { maxAttempts: 3, initialDelaySeconds: 60 } })],
    [job('pair', { a: {}, b: { after: ['a'] } })],
  );
  for (const name of ['a', 'b']) {
    const id = await engine.submit('pair');
    const [a] = (await engine.claim(worker)) as [Work];
    await engine.complete(ended(a, worker, { ...FAILING, retryable: true }));
    await cancelStepRun(engine.dependencies, (await engine.steps(id))[name]?.id ?? '', 'Enough.');
    expect(await engine.states(id)).toBe('a:CANCELLED b:CANCELLED');
    expect(await engine.submission(id)).toMatchObject({ state: 'FAILED', unfinished: 0 });
  }
});

test('a scatter, an element or a nested job is cancelled with all that runs in it, and nothing beside it', async () => {
  await engine.define(
    [task('work', { inputs: ['x'] })],
    [
      ...NESTED.slice(0, 1),
      job('outer', { many: { job: 'inner', links: { x: input('texts') }, scatter: ['x'] }, beside: {} }, undefined, {
        texts: TEXTS,
      }),
    ],
  );
  for (const [name, stopped] of [
    ['many', ['many[0]/p', 'many[1]/p']],
    ['many[1]', ['many[1]/p']],
  ] as const) {
    const id = await engine.submit('outer', { inputs: { texts: ['a', 'b'] } });
    await engine.plan();
    const works = await engine.claim(worker);
    engine.heard.cancelled.length = 0;
    const steps = await engine.steps(id);
    await cancelStepRun(engine.dependencies, steps[name]?.id ?? '', 'No.');
    expect([...engine.heard.cancelled].sort()).toEqual(stopped.map((one) => steps[one]?.id).sort());
    await engine.complete(
      ...works.map((work) =>
        ended(work, worker, { state: stopped.some((one) => one === work.name) ? 'CANCELLED' : 'SUCCEEDED' }),
      ),
    );
    expect(await engine.submission(id)).toMatchObject({ state: 'FAILED', unfinished: 0 });
    expect((await engine.steps(id))[name]).toMatchObject({ state: 'CANCELLED' });
    expect((await engine.steps(id)).beside).toMatchObject({ state: 'SUCCEEDED' });
    await resume(id);
    const ran = await runAll();
    expect(ran).toEqual(expect.arrayContaining([...stopped]));
    expect(ran).not.toContain('beside');
    expect(await engine.submission(id)).toMatchObject({ state: 'SUCCEEDED', unfinished: 0 });
  }
});

test('a step that was faster than its cancel has done its work: resumed, the submission succeeds at once', async () => {
  await engine.define([task('work')], [job('single', { a: {} }, 'a')]);
  const id = await engine.submit('single');
  const [work] = await engine.claim(worker, 1);
  if (!work) throw new Error('nothing to claim');
  await cancelStepRun(engine.dependencies, work.stepRunId, 'Not this.');
  await engine.complete(ended(work, worker, { outputs: { out: 'done' } }));
  expect(await engine.submission(id)).toMatchObject({ state: 'FAILED', unfinished: 0 });
  expect(await resume(id)).toBe(0);
  expect(await engine.submission(id)).toMatchObject({ state: 'SUCCEEDED', outputs: { result: 'done' } });
});
