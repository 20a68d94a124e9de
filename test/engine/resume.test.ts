/** A submission that failed or was cancelled goes on from what succeeded. */
import { NO_ADMISSION_LIMITS } from '../../src/domain/admission';
import type { JobSpec } from '../../src/domain/definitions';
import { scalar } from '../../src/domain/values';
import { cancelSubmission } from '../../src/engine/cancel';
import type { Work } from '../../src/engine/claim';
import { resumeSubmission } from '../../src/engine/resume';
import { ended, job, task, type TestEngine } from './support';
import { input, NESTED, TEXTS } from './nestedJobs';
import { FAILING, runReady, type Differently } from './runReady';
import { withEngine } from './withEngine';

const EACH: JobSpec = job(
  'each',
  { one: { links: { x: input('texts') }, scatter: ['x'] }, last: { in: {}, after: ['one'] } },
  undefined,
  { texts: TEXTS },
);

let engine: TestEngine;
let worker: string;

withEngine(async (opened) => {
  engine = opened;
  worker = await engine.worker();
});

const define = async (...jobs: JobSpec[]): Promise<void> =>
  expect(await engine.define([task('work', { inputs: ['x'] })], jobs)).toMatchObject({ ok: true });
const resume = (id: string): Promise<number> => resumeSubmission(engine.dependencies, id);

const runAll = async (differently?: (work: Work) => Differently): Promise<string[]> =>
  (await runReady(engine, worker, differently)).sort();

const failingAt =
  (...names: string[]) =>
  (work: Work): Differently =>
    names.includes(work.name) ? FAILING : {};

test('only what failed and what follows it runs again, with attempts that count on', async () => {
  await engine.define([task('work')], [job('chain', { a: {}, b: { after: ['a'] }, c: { after: ['b'] } }, 'c')]);
  const id = await engine.submit('chain');
  expect(await runAll(failingAt('b'))).toEqual(['a', 'b']);
  expect(await engine.states(id)).toBe('a:SUCCEEDED b:FAILED c:CANCELLED');
  const before = (await engine.events(id)).length;
  expect(await resume(id)).toBe(2);
  expect(await engine.states(id)).toBe('a:SUCCEEDED b:QUEUED c:PENDING');
  expect(await engine.submission(id)).toMatchObject({
    state: 'QUEUED',
    ending: null,
    message: '',
    unfinished: 2,
    generation: 2,
    outputs: null,
    finished_at: null,
  });
  expect(await engine.steps(id)).toMatchObject({
    a: { generation: 1, attempt: 1 },
    b: { generation: 2, attempt: 1, failures: 0, exit_code: null, message: '', finished_at: null },
    c: { waiting: 1 },
  });
  expect(await runAll()).toEqual(['b', 'c']);
  expect(await engine.submission(id)).toMatchObject({ state: 'SUCCEEDED', unfinished: 0, outputs: { result: 'c' } });
  expect((await engine.steps(id)).b).toMatchObject({ state: 'SUCCEEDED', attempt: 2 });
  const events = await engine.events(id);
  expect(events.map((event) => event.seq)).toEqual(events.map((_, index) => index + 1));
  expect(events.slice(before).map((event) => [event.type, event.state, event.stepName])).toEqual([
    ['SUBMISSION_RESUMED', null, null],
    ['SUBMISSION_STATE', 'QUEUED', null],
    ['STEP_STATE', 'QUEUED', 'b'],
    ['STEP_STATE', 'PENDING', 'c'],
    ['SUBMISSION_STATE', 'RUNNING', null],
    ['STEP_STATE', 'RUNNING', 'b'],
    ['STEP_STATE', 'SUCCEEDED', 'b'],
    ['STEP_STATE', 'QUEUED', 'c'],
    ['STEP_STATE', 'RUNNING', 'c'],
    ['STEP_STATE', 'SUCCEEDED', 'c'],
    ['SUBMISSION_STATE', 'SUCCEEDED', null],
  ]);
});

test('the late word of a worker of the earlier generation changes nothing', async () => {
  await engine.define([task('work')], [job('one', { a: {} })]);
  const id = await engine.submit('one');
  const [first] = (await engine.claim(worker)) as [Work];
  await engine.complete(ended(first, worker, FAILING));
  await resume(id);
  const [second] = (await engine.claim(worker)) as [Work];
  expect(second.attempt).toBe(2);
  expect(await engine.complete(ended(first, worker))).toBe(0);
  expect(await engine.states(id)).toBe('a:RUNNING');
});

test('what ended while the submission was failing is taken account of', async () => {
  await engine.define(
    [task('work', { inputs: ['need!', 'may'] })],
    [
      job('wide', {
        bad: { in: { need: '=x' } },
        slow: { in: { need: '=x' } },
        after: { in: { need: 'slow.out' } },
        never: { in: { need: '=x' }, when: { step: 'slow', exitCodes: [3] } },
        below: { in: { need: 'never.out' } },
        joined: { in: { need: '=x', may: 'below.out' }, after: ['bad'] },
      }),
    ],
  );
  const id = await engine.submit('wide');
  const works = await engine.claim(worker);
  const [bad, slow] = works as [Work, Work];
  await engine.complete(ended(bad, worker, FAILING));
  await engine.complete(ended(slow, worker, { outputs: { out: 'slow' } }));
  expect(await engine.submission(id)).toMatchObject({ state: 'FAILED' });
  await resume(id);
  expect(await engine.states(id)).toBe(
    'bad:QUEUED slow:SUCCEEDED after:QUEUED never:SKIPPED below:SKIPPED joined:PENDING',
  );
  expect(await runAll()).toEqual(['after', 'bad', 'joined']);
  expect(await engine.submission(id)).toMatchObject({ state: 'SUCCEEDED', unfinished: 0 });
});

test('of a scatter only the elements that failed run again, and its results are whole', async () => {
  await engine.define(
    [task('work', { inputs: ['x'] })],
    [
      {
        ...EACH,
        outputs: [
          {
            name: 'result',
            description: '',
            type: scalar('Any'),
            source: { kind: 'output', step: 'one', port: 'out' },
          },
        ],
      },
    ],
  );
  const id = await engine.submit('each', { inputs: { texts: ['a', 'b', 'c', 'd'] } });
  await runAll(failingAt('one[1]', 'one[3]'));
  expect(await engine.submission(id)).toMatchObject({ state: 'FAILED' });
  await resume(id);
  expect(await engine.steps(id)).toMatchObject({
    one: { state: 'RUNNING', left_count: 2 },
    last: { state: 'PENDING', waiting: 1 },
  });
  expect(await runAll()).toEqual(['last', 'one[1]', 'one[3]']);
  expect(await engine.submission(id)).toMatchObject({
    state: 'SUCCEEDED',
    outputs: { result: ['one[0]', 'one[1]', 'one[2]', 'one[3]'] },
  });
});

test('a scatter that was not whole yet goes on growing', async () => {
  await engine.define([task('work', { inputs: ['x'] })], [EACH]);
  const texts = Array.from({ length: 4_500 }, (_, index) => String(index));
  const id = await engine.submit('each', { inputs: { texts } });
  await engine.plan();
  const works = await engine.claim(worker, 10);
  await engine.complete(...works.slice(1).map((work) => ended(work, worker)));
  await cancelSubmission(engine.dependencies, id, 'Stop.');
  await engine.complete(...works.slice(0, 1).map((work) => ended(work, worker, { state: 'CANCELLED' })));
  expect(await engine.submission(id)).toMatchObject({ state: 'CANCELLED', unfinished: 0 });
  await resume(id);
  expect(await runAll()).toHaveLength(4_500 - 9 + 1);
  expect(await engine.submission(id)).toMatchObject({ state: 'SUCCEEDED', unfinished: 0 });
  expect((await engine.steps(id)).one).toMatchObject({ expanded: 4_500, left_count: 0, due_at: null });
});

test('ten thousand elements of which three failed: those three run', async () => {
  await engine.define([task('work', { inputs: ['x'] })], [EACH]);
  const texts = Array.from({ length: 10_000 }, (_, index) => String(index));
  const id = await engine.submit('each', { inputs: { texts } });
  const broken = ['one[17]', 'one[5000]', 'one[9999]'];
  await engine.plan();
  const ran: string[] = [];
  // Those that shall fail come last, so that nothing is cancelled unexpanded.
  for (let held: Work[] = []; ;) {
    const works = [...(await engine.claim(worker, 2_000))];
    held = [...held, ...works.filter((work) => broken.includes(work.name))];
    const good = works.filter((work) => !broken.includes(work.name));
    if (good.length > 0) await engine.complete(...good.map((work) => ended(work, worker)));
    ran.push(...works.map((work) => work.name));
    await engine.plan();
    if (ran.length === 10_000) {
      await engine.complete(...held.map((work) => ended(work, worker, FAILING)));
      break;
    }
  }
  expect(await engine.submission(id)).toMatchObject({ state: 'FAILED' });
  expect(await resume(id)).toBe(5);
  expect(await runAll()).toEqual(['last', ...broken].sort());
  expect(await engine.submission(id)).toMatchObject({ state: 'SUCCEEDED', unfinished: 0 });
});

test('nested jobs go on where they stood, at any depth', async () => {
  await define(...NESTED);
  const id = await engine.submit('outer', { inputs: { texts: ['a', 'b', 'c'] } });
  await runAll(failingAt('many[1]/q'));
  const steps = await engine.steps(id);
  expect(steps).toMatchObject({
    many: { state: 'FAILED' },
    'many[1]': { state: 'FAILED' },
    'many[1]/q': { state: 'FAILED' },
  });
  await resume(id);
  const again = await runAll();
  expect(again).toContain('many[1]/q');
  expect(again).not.toContain('many[1]/p');
  expect(await engine.submission(id)).toMatchObject({ state: 'SUCCEEDED', unfinished: 0 });
  expect(
    await engine.rows(
      `select from step_run where submission_id = $1 and (left_count <> 0 or due_at is not null or state <> 'SUCCEEDED')`,
      [id],
    ),
  ).toEqual([]);
});

test('cancelled, resumed, cancelled and resumed again: in the end everything ran once', async () => {
  await define(...NESTED);
  const id = await engine.submit('outer', { inputs: { texts: ['a', 'b'] } });
  for (let round = 0; round < 3; round += 1) {
    await engine.plan();
    await engine.complete(...(await engine.claim(worker, 1)).map((work) => ended(work, worker)));
    await cancelSubmission(engine.dependencies, id, 'Stop.');
    expect(await engine.submission(id)).toMatchObject({ state: 'CANCELLED', unfinished: 0 });
    await resume(id);
  }
  expect(await runAll()).toHaveLength(2);
  expect(await engine.submission(id)).toMatchObject({ state: 'SUCCEEDED', generation: 4 });
  const attempts = await engine.rows(
    `select from attempt a join step_run r on r.id = a.step_run_id where r.submission_id = $1`,
    [id],
  );
  expect(attempts).toHaveLength(5);
});

test('one that has not failed cannot be resumed, and the reason is told', async () => {
  await engine.define([task('work')], [job('two', { a: {}, b: {} })]);
  const id = await engine.submit('two');
  await expect(resume(id)).rejects.toThrow('It has not ended: it is QUEUED.');
  const [a, b] = (await engine.claim(worker)) as [Work, Work];
  await engine.complete(ended(a, worker, FAILING));
  await expect(resume(id)).rejects.toThrow('It is still ending');
  await cancelSubmission(engine.dependencies, id, 'Stop.');
  await engine.complete(ended(b, worker, { state: 'CANCELLED' }));
  await resume(id);
  await expect(resume(id)).rejects.toThrow('It has not ended: it is QUEUED.');
  await runAll();
  await expect(resume(id)).rejects.toThrow('It succeeded');
  const doomed = await engine.submit('two');
  await cancelSubmission(engine.dependencies, doomed, 'Gone.', { deleteAfterwards: true });
  await expect(resume(doomed)).rejects.toThrow('It is being deleted.');
  await expect(resume('999999')).rejects.toMatchObject({ code: 'NOT_FOUND' });
});

test('a job that was ended early has succeeded, and is not resumed', async () => {
  await engine.define([task('work')], [job('early', { a: {}, b: { after: ['a'] } })]);
  const id = await engine.submit('early');
  await runAll((work) => (work.name === 'a' ? { terminate: true, message: 'Enough.' } : {}));
  expect(await engine.submission(id)).toMatchObject({ state: 'SUCCEEDED' });
  await expect(resume(id)).rejects.toThrow('It succeeded');
});

test('each generation has the whole time of the submission', async () => {
  await engine.define([task('work')], [job('one', { a: {} })]);
  const id = await engine.submit('one', { timeoutSeconds: 3_600 });
  await runAll(failingAt('a'));
  await engine.rows(`update submission set deadline = null where id = $1`, [id]);
  await resume(id);
  const [row] = await engine.rows(
    `select deadline - now() > interval '59 minutes' as whole from submission where id = $1`,
    [id],
  );
  expect(row).toEqual({ whole: true });
});

test('limits on what waits and on open submissions hold for a resume too', async () => {
  await engine.define([task('work')], [job('one', { a: {} })]);
  const id = await engine.submit('one');
  await runAll(failingAt('a'));
  await engine.submit('one');
  await expect(resumeSubmission({ ...engine.dependencies, maxQueued: 1 }, id)).rejects.toMatchObject({
    code: 'LIMIT_EXCEEDED',
  });
  await expect(
    resumeSubmission({ ...engine.dependencies, admission: { ...NO_ADMISSION_LIMITS, refuseBeyond: 1 } }, id),
  ).rejects.toMatchObject({ errors: [{ code: 'LIMIT_EXCEEDED', field: ['input'] }] });
  expect(await engine.submission(id)).toMatchObject({ state: 'FAILED', generation: 1 });
  expect(await resume(id)).toBe(1);
});
