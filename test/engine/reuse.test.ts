import { scalar, type Values } from '../../src/domain/values';
import { cancelSubmission } from '../../src/engine/cancel';
import type { Work } from '../../src/engine/claim';
import { reconcile } from '../../src/engine/reconcile';
import { decideReuse, workEnded, type ReuseDecision } from '../../src/engine/reuse';
import { sweepReuse } from '../../src/store/statements/reuse';
import { unrunReport } from '../../workers/reuse';
import { ended, job, task, type TestEngine } from './support';
import { withEngine } from './withEngine';

let engine: TestEngine;
withEngine(async (opened) => {
  engine = opened;
  gone.clear();
  await engine.define(
    [task('work', { inputs: ['x'] }), task('look'), { ...task('always', { inputs: ['x'] }), reuse: false }],
    [
      job('one', { only: { links: TEXT_AS_X } }, 'only', { text: scalar('string') }),
      job('fixed', { only: { in: { x: '=a' } } }, 'only'),
      job('pair', { a: { in: { x: '=a' } }, b: { in: { x: '=a' } } }, 'b'),
      job('looks', { only: { task: 'look' } }),
      job('always', { only: { task: 'always', links: TEXT_AS_X } }, 'only', { text: scalar('string') }),
    ],
  );
});

const TEXT_AS_X = { x: { kind: 'input', input: 'text' } } as const;
const FILE = { class: 'File', name: 'a.txt', sha256: 'c0ffee', size: 3, mediaType: 'text/plain' } as const;
/** Contents that are not in the store any more. */
const gone = new Set<string>();
const decide = (works: readonly Work[], enabled = true) =>
  decideReuse({ ...engine.dependencies, enabled, keep: (sha256) => Promise.resolve(!gone.has(sha256)) }, works);

interface Begun {
  readonly work: Work;
  readonly worker: string;
  readonly decision: ReuseDecision;
}

/** Takes what is ready and decides on it; what does not run is reported at once, as a worker does. */
async function begin(worker: string): Promise<Begun[]> {
  const works = await engine.claim(worker);
  const decisions = await decide(works);
  const begun = works.map((work) => ({ work, worker, decision: decisions.get(work) as ReuseDecision }));
  for (const { work, decision } of begun)
    if (decision.kind !== 'run') await engine.complete(unrunReport(work, worker, decision));
  return begun;
}

async function beginOne(worker: string, kind: ReuseDecision['kind']): Promise<Begun> {
  const [only, ...others] = await begin(worker);
  expect(others).toEqual([]);
  expect(only?.decision.kind).toBe(kind);
  return only as Begun;
}

async function end({ work, worker, decision }: Begun, differently: Parameters<typeof ended>[2] = {}): Promise<void> {
  await engine.complete(ended(work, worker, { outputs: { out: 'done' }, ...differently }));
  if (decision.kind === 'run' && decision.after) await workEnded(engine.dependencies, [decision.after]);
}

const succeeded = async (id: string): Promise<Values | null> => {
  const submission = await engine.submission(id);
  expect(submission.state).toBe('SUCCEEDED');
  return submission.outputs;
};
const submitOne = (more: Parameters<TestEngine['submit']>[1] = {}) =>
  engine.submit('one', { inputs: { text: 'a' }, ...more });

test('a step takes the result of equal work, says so, and keeps files of its own', async () => {
  const worker = await engine.worker();
  const first = await submitOne();
  await end(await beginOne(worker, 'run'), { outputs: { out: FILE }, exitCode: 0 });
  const second = await submitOne();
  await beginOne(worker, 'take');
  expect(await succeeded(second)).toEqual(await succeeded(first));
  const steps = await engine.steps(second);
  const message = 'Reused: step "only" of another submission of "one" did the same work.';
  expect(steps['only']).toMatchObject({
    state: 'SUCCEEDED',
    cached: true,
    exit_code: 0,
    attempt: 1,
    failures: 0,
    message,
  });
  expect((await engine.events(second)).map(({ state }) => state)).toEqual([
    'QUEUED',
    'QUEUED',
    'RUNNING',
    'RUNNING',
    'SUCCEEDED',
    'SUCCEEDED',
  ]);
  const files = await engine.rows<{ submission_id: string }>('select submission_id from artifact order by id');
  expect(files.map((row) => row.submission_id)).toEqual([first, second]);
});

test('other values, another environment or another command are other work', async () => {
  const worker = await engine.worker();
  const run = async (job: string, inputs: Values = {}): Promise<string> => {
    await engine.submit(job, { inputs });
    const [begun] = (await begin(worker)) as [Begun];
    if (begun.decision.kind === 'run') await end(begun);
    return begun.decision.kind;
  };
  expect(await run('one', { text: 'a' })).toBe('run');
  expect(await run('one', { text: 'b' })).toBe('run');
  expect(await run('fixed')).toBe('take');
  const work = task('work', { inputs: ['x'] });
  await engine.define([{ ...work, description: 'other words', timeoutSeconds: 99 }], []);
  expect(await run('fixed')).toBe('take');
  await engine.define([{ ...work, environment: { LANG: 'C' } }], []);
  expect(await run('fixed')).toBe('run');
  await engine.define([{ ...work, exitRules: { ...work.exitRules, success: [0, 1] } }], []);
  expect(await run('fixed')).toBe('run');
});

test('of two workers that begin equal work at the same moment exactly one runs it', async () => {
  for (let round = 0; round < 20; round += 1) {
    const text = `round ${round}`;
    const workers = await Promise.all([engine.worker(), engine.worker()]);
    const ids = [await submitOne({ inputs: { text } }), await submitOne({ inputs: { text } })];
    const works = [await engine.claim(workers[0], 1), await engine.claim(workers[1], 1)];
    // Both have their step run before either asks: they ask at the same moment, on connections of their own.
    const decisions = await Promise.all(works.map((own) => decide(own)));
    const begun = works.map(([work], index): Begun => ({
      work: work as Work,
      worker: workers[index] ?? '',
      decision: decisions[index]?.get(work as Work) as ReuseDecision,
    }));
    expect(begun.map(({ decision }) => decision.kind).sort()).toEqual(['run', 'wait']);
    const [runs, waits] = begun[0]?.decision.kind === 'run' ? begun : [...begun].reverse();
    const { decision } = waits as Begun;
    if (decision.kind === 'wait')
      await engine.complete(unrunReport((waits as Begun).work, (waits as Begun).worker, decision));
    await end(runs as Begun);
    await beginOne(workers[0], 'take');
    expect(await succeeded(ids[0] ?? '')).toEqual({ result: 'done' });
    expect(await succeeded(ids[1] ?? '')).toEqual({ result: 'done' });
  }
});

test('many workers and many equal steps: each work runs once, whatever meets whatever', async () => {
  const workers = await Promise.all(Array.from({ length: 6 }, () => engine.worker()));
  const ids: string[] = [];
  for (let index = 0; index < 48; index += 1) ids.push(await submitOne({ inputs: { text: `text ${index % 4}` } }));
  const ran: string[] = [];
  const runWorker = async (worker: string): Promise<number> => {
    const works = await engine.claim(worker, 3);
    const decisions = await decide(works);
    for (const work of works) {
      const decision = decisions.get(work) as ReuseDecision;
      if (decision.kind === 'run') {
        ran.push(JSON.stringify(work.values['x']));
        await end({ work, worker, decision });
      } else await engine.complete(unrunReport(work, worker, decision));
    }
    return works.length;
  };
  for (;;) {
    const counts = await Promise.all(workers.map(runWorker));
    const { woken } = await reconcile(engine.dependencies, 60);
    if (counts.every((count) => count === 0) && woken === 0) break;
  }
  expect(ran.sort()).toEqual(['"text 0"', '"text 1"', '"text 2"', '"text 3"']);
  for (const id of ids) expect(await succeeded(id)).toEqual({ result: 'done' });
});

test('a step that waits for equal work gives its place up, says what it waits for, and loses no try', async () => {
  const worker = await engine.worker();
  await submitOne();
  await beginOne(worker, 'run');
  const second = await submitOne();
  await beginOne(worker, 'wait');
  const message = 'Waits for step "only" of another submission of "one", which does the same work.';
  expect((await engine.steps(second))['only']).toMatchObject({
    state: 'RETRYING',
    message,
    worker_id: null,
    failures: 0,
    lost: 0,
  });
  expect(await engine.claim(worker)).toEqual([]);
  expect(await reconcile(engine.dependencies, 60)).toMatchObject({ retried: 0, woken: 0 });
  expect((await engine.events(second)).at(-1)).toMatchObject({ state: 'RETRYING', message });
});

test('two equal steps of one submission run once', async () => {
  const worker = await engine.worker();
  const id = await engine.submit('pair');
  const begun = await begin(worker);
  expect(begun.map(({ decision }) => decision.kind).sort()).toEqual(['run', 'wait']);
  await end(begun.find(({ decision }) => decision.kind === 'run') as Begun);
  await beginOne(worker, 'take');
  expect(await succeeded(id)).toEqual({ result: 'done' });
});

test('when the one that does the work fails, one of those that wait runs it, and the others wait for that one', async () => {
  const worker = await engine.worker();
  const failing = await submitOne();
  const first = await beginOne(worker, 'run');
  const ids = [await submitOne(), await submitOne(), await submitOne()];
  expect((await begin(worker)).map(({ decision }) => decision.kind)).toEqual(['wait', 'wait', 'wait']);
  await end(first, { state: 'FAILED', failure: 'EXIT_CODE', outputs: {} });
  expect(await engine.submission(failing)).toMatchObject({ state: 'FAILED' });
  const next = await beginOne(worker, 'run');
  await end(next);
  expect((await begin(worker)).map(({ decision }) => decision.kind)).toEqual(['take', 'take']);
  for (const id of ids) expect(await succeeded(id)).toEqual({ result: 'done' });
});

test('when the worker that does the work dies, one that waits runs it', async () => {
  const dead = await engine.worker();
  const worker = await engine.worker();
  const lost = await submitOne();
  await beginOne(dead, 'run');
  const second = await submitOne();
  await beginOne(worker, 'wait');
  await engine.rows(`update worker set heartbeat_at = now() - interval '61 seconds' where id = $1`, [dead]);
  // The same pass takes the work from the dead and wakes who waited for it.
  expect(await reconcile(engine.dependencies, 60)).toMatchObject({ lostWorkers: 1, requeued: 1, woken: 1 });
  const begun = await begin(worker);
  expect(begun.map(({ decision }) => decision.kind).sort()).toEqual(['run', 'wait']);
  await end(begun.find(({ decision }) => decision.kind === 'run') as Begun);
  await beginOne(worker, 'take');
  expect(await succeeded(lost)).toEqual({ result: 'done' });
  expect(await succeeded(second)).toEqual({ result: 'done' });
});

test('when the work is cancelled, or its submission deleted, who waited for it runs', async () => {
  const worker = await engine.worker();
  const cancelled = await submitOne();
  const first = await beginOne(worker, 'run');
  const second = await submitOne();
  await beginOne(worker, 'wait');
  await cancelSubmission(engine.dependencies, cancelled, 'no longer wanted');
  await engine.complete(ended(first.work, worker, { state: 'CANCELLED' }));
  await engine.rows('delete from submission where id = $1', [cancelled]);
  // Nobody told it: the reconciler finds it.
  expect(await reconcile(engine.dependencies, 60)).toMatchObject({ woken: 1 });
  await end(await beginOne(worker, 'run'));
  expect(await succeeded(second)).toEqual({ result: 'done' });
});

test('a step that waits can be cancelled', async () => {
  const worker = await engine.worker();
  await submitOne();
  const first = await beginOne(worker, 'run');
  const second = await submitOne();
  await beginOne(worker, 'wait');
  await cancelSubmission(engine.dependencies, second, 'no longer wanted');
  expect(await engine.submission(second)).toMatchObject({ state: 'CANCELLED', unfinished: 0 });
  await end(first);
  expect(await engine.claim(worker)).toEqual([]);
});

test('a second try of a step does its own work on', async () => {
  const worker = await engine.worker();
  const id = await submitOne();
  await end(await beginOne(worker, 'run'), { state: 'FAILED', failure: 'EXIT_CODE', retryable: true, outputs: {} });
  await reconcile(engine.dependencies, 60);
  await end(await beginOne(worker, 'run'));
  expect(await succeeded(id)).toEqual({ result: 'done' });
  await submitOne();
  await beginOne(worker, 'take');
});

test('with the earlier submission its entry goes, and what took the result keeps it', async () => {
  const worker = await engine.worker();
  const first = await submitOne();
  await end(await beginOne(worker, 'run'), { outputs: { out: FILE } });
  const second = await submitOne();
  await beginOne(worker, 'take');
  await engine.rows('delete from submission where id = $1', [first]);
  expect(await succeeded(second)).toEqual({ result: FILE });
  expect(await engine.rows('select sha256 from artifact')).toEqual([{ sha256: FILE.sha256 }]);
  expect(await engine.rows('select fingerprint from equal_work')).toEqual([]);
  await submitOne();
  await end(await beginOne(worker, 'run'));
});

test('a result whose file is gone from the store is made again, and the new one is taken then', async () => {
  const worker = await engine.worker();
  await submitOne();
  await end(await beginOne(worker, 'run'), { outputs: { out: FILE } });
  gone.add(FILE.sha256);
  await submitOne();
  const again = await beginOne(worker, 'run');
  expect(again.decision).toMatchObject({ note: expect.stringContaining('files of its result are gone') as string });
  gone.clear();
  await end(again, { outputs: { out: FILE } });
  const third = await submitOne();
  await beginOne(worker, 'take');
  expect((await engine.steps(third))['only']).toMatchObject({ reused_from: again.work.stepRunId });
});

test('a submission that wants no reuse runs, and its newer result is the one that is taken afterwards', async () => {
  const worker = await engine.worker();
  await submitOne();
  await end(await beginOne(worker, 'run'));
  await submitOne({ reuse: false });
  const fresh = await beginOne(worker, 'run');
  await submitOne();
  await beginOne(worker, 'take');
  await end(fresh, { outputs: { out: 'newer' } });
  const last = await submitOne();
  await beginOne(worker, 'take');
  expect(await succeeded(last)).toEqual({ result: 'newer' });
});

test('a task that takes nothing looks at the world and runs; so does one that says reuse: false', async () => {
  const worker = await engine.worker();
  for (let round = 0; round < 2; round += 1) {
    await engine.submit('looks');
    await end(await beginOne(worker, 'run'));
    await engine.submit('always', { inputs: { text: 'a' } });
    await end(await beginOne(worker, 'run'));
  }
  expect(await engine.rows('select fingerprint from equal_work')).toEqual([]);
  await engine.define([{ ...task('look'), reuse: true }], []);
  await engine.submit('looks');
  await end(await beginOne(worker, 'run'));
  await engine.submit('looks');
  await beginOne(worker, 'take');
});

test('with reuse switched off nothing is asked and nothing is noted', async () => {
  const worker = await engine.worker();
  await submitOne();
  const works = await engine.claim(worker);
  expect([...(await decide(works, false)).values()]).toEqual([{ kind: 'run', after: null, note: '' }]);
  expect(await engine.rows('select fingerprint from equal_work')).toEqual([]);
});

test('a result that ended its submission early ends the next one early as well', async () => {
  const worker = await engine.worker();
  const work = task('work', { inputs: ['x'] });
  await engine.define(
    [{ ...work, exitRules: { ...work.exitRules, terminate: [3] } }],
    [job('early', { a: { in: { x: '=a' } }, b: { after: ['a'] } })],
  );
  await engine.submit('early');
  await end(await beginOne(worker, 'run'), { exitCode: 3, terminate: true });
  const second = await engine.submit('early');
  await beginOne(worker, 'take');
  expect(await engine.states(second)).toBe('a:SUCCEEDED b:SKIPPED');
  expect(await engine.submission(second)).toMatchObject({ state: 'SUCCEEDED' });
});

test('entries that nobody used for long go, and so do the oldest above the number that is kept', async () => {
  const worker = await engine.worker();
  for (const text of ['a', 'b', 'c', 'd']) {
    await submitOne({ inputs: { text } });
    await end(await beginOne(worker, 'run'));
  }
  const texts = async (): Promise<unknown[]> =>
    (
      await engine.rows<{ text: string }>(
        `select s.inputs->>'text' as text from equal_work e join step_run r on r.id = e.step_run_id
         join submission s on s.id = r.submission_id order by text`,
      )
    ).map(({ text }) => text);
  await engine.rows(`update equal_work set used_at = used_at - interval '31 days' where step_run_id =
    (select id from step_run order by id limit 1)`);
  expect(await sweepReuse(engine.db, { days: 30, entries: 10 })).toBe(1);
  expect(await texts()).toEqual(['b', 'c', 'd']);
  expect(await sweepReuse(engine.db, { days: 30, entries: 2 })).toBe(1);
  expect(await texts()).toEqual(['c', 'd']);
  expect(await sweepReuse(engine.db, { days: 30, entries: 2 })).toBe(0);
});
