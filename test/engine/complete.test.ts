import { completeAttempts } from '../../src/engine/complete';
import type { Work } from '../../src/engine/claim';
import { ended, job, task, type TestEngine } from './support';
import { withEngine } from './withEngine';

let engine: TestEngine;
let worker: string;
withEngine(async (opened) => {
  engine = opened;
  worker = await engine.worker();
  await engine.define(
    [task('work'), task('needs', { inputs: ['in!'] }), task('once', { retry: { maxAttempts: 1 } })],
    [
      job('one', { only: {} }, 'only'),
      job('chain', { a: {}, b: { task: 'needs', in: { in: 'a.out' } }, c: { after: ['b'] } }, 'b'),
      job('fan', { a: {}, b: {}, c: {}, join: { after: ['a', 'b', 'c'] } }),
      job('branch', { test: {}, yes: { when: { step: 'test', exitCodes: [0] } }, after: { after: ['yes'] } }),
    ],
  );
});

const byName = (work: readonly Work[], name: string): Work => {
  const found = work.find((one) => one.name === name);
  if (!found) throw new Error(`no work for ${name}`);
  return found;
};

/** Every invariant that holds whatever happened. */
async function sound(id: string): Promise<void> {
  const events = await engine.events(id);
  const submission = await engine.submission(id);
  expect(events.map((event) => event.seq)).toEqual(events.map((_, index) => index + 1));
  expect(submission.event_seq).toBe(events.length);
  const steps = Object.values(await engine.steps(id));
  const open = steps.filter((step) => !['SUCCEEDED', 'FAILED', 'SKIPPED', 'CANCELLED'].includes(step.state));
  expect(submission.unfinished).toBe(open.length);
}

test('steps follow each other, values flow, and the job has its outputs', async () => {
  const id = await engine.submit('chain');
  const [a] = await engine.claim(worker);
  expect(await engine.complete(ended(a as Work, worker, { outputs: { out: 'hello' } }))).toBe(1);
  expect(await engine.states(id)).toBe('a:SUCCEEDED b:QUEUED c:PENDING');
  const [b] = await engine.claim(worker);
  expect(b).toMatchObject({ name: 'b', values: { in: 'hello' }, problems: [] });
  await engine.complete(ended(b as Work, worker, { outputs: { out: 'world' } }));
  const [c] = await engine.claim(worker);
  await engine.complete(ended(c as Work, worker));
  expect(await engine.submission(id)).toMatchObject({
    state: 'SUCCEEDED',
    outputs: { result: 'world' },
    unfinished: 0,
  });
  await sound(id);
});

test('the output of the very step that ends the job is among the outputs', async () => {
  const id = await engine.submit('one');
  const [only] = await engine.claim(worker);
  await engine.complete(ended(only as Work, worker, { outputs: { out: 'last' } }));
  expect(await engine.submission(id)).toMatchObject({ state: 'SUCCEEDED', outputs: { result: 'last' } });
});

test('a report with another attempt number or of another worker changes nothing', async () => {
  const id = await engine.submit('one');
  const [only] = (await engine.claim(worker)) as [Work];
  expect(await engine.complete(ended({ ...only, attempt: 2 }, worker))).toBe(0);
  expect(await engine.complete(ended(only, await engine.worker()))).toBe(0);
  expect(await engine.states(id)).toBe('only:RUNNING');
  await sound(id);
});

test('the same report counts once: later, at the same time, and twice in one batch', async () => {
  const id = await engine.submit('chain');
  const [a] = (await engine.claim(worker)) as [Work];
  const report = ended(a, worker, { outputs: { out: 'x' } });
  const counts = await Promise.all([engine.complete(report, report), engine.complete(report), engine.complete(report)]);
  expect(counts.reduce((sum, count) => sum + count)).toBe(1);
  expect(await engine.complete(report)).toBe(0);
  expect(await engine.states(id)).toBe('a:SUCCEEDED b:QUEUED c:PENDING');
  await sound(id);
});

test('several that meet in one step, in one batch and in several submissions at once', async () => {
  const ids = [await engine.submit('fan'), await engine.submit('fan')];
  const work = await engine.claim(worker);
  expect(work).toHaveLength(6);
  expect(await engine.complete(...work.map((one) => ended(one, worker)))).toBe(6);
  for (const id of ids) {
    expect(await engine.states(id)).toBe('a:SUCCEEDED b:SUCCEEDED c:SUCCEEDED join:QUEUED');
    await sound(id);
  }
});

test('those that meet in one step may end at the same moment', async () => {
  for (let round = 0; round < 5; round += 1) {
    const id = await engine.submit('fan');
    const work = await engine.claim(worker);
    await Promise.all(work.map((one) => engine.complete(ended(one, worker))));
    expect(await engine.states(id)).toBe('a:SUCCEEDED b:SUCCEEDED c:SUCCEEDED join:QUEUED');
    await sound(id);
    const [join] = (await engine.claim(worker)) as [Work];
    await engine.complete(ended(join, worker));
    expect(await engine.submission(id)).toMatchObject({ state: 'SUCCEEDED' });
  }
});

test('a failure ends what waits, and lets what runs finish', async () => {
  const id = await engine.submit('fan');
  const work = await engine.claim(worker);
  await engine.complete(ended(byName(work, 'a'), worker, { state: 'FAILED', exitCode: 3, message: 'no luck' }));
  expect(await engine.states(id)).toBe('a:FAILED b:RUNNING c:RUNNING join:CANCELLED');
  expect(await engine.submission(id)).toMatchObject({ state: 'RUNNING', ending: 'FAILED' });
  expect(engine.heard.cancelled).toEqual([]);
  await engine.complete(ended(byName(work, 'b'), worker));
  await engine.complete(ended(byName(work, 'c'), worker));
  const over = await engine.submission(id);
  expect(over).toMatchObject({ state: 'FAILED', message: 'Step "a" failed: no luck' });
  expect((await engine.events(id)).at(-1)).toMatchObject({ state: 'FAILED', message: over.message });
  await sound(id);
});

test('of several failures the first is told as the cause', async () => {
  const id = await engine.submit('fan');
  const work = await engine.claim(worker);
  await engine.complete(ended(byName(work, 'b'), worker, { state: 'FAILED', message: 'first' }));
  await engine.complete(
    ended(byName(work, 'a'), worker, { state: 'FAILED', message: 'second' }),
    ended(byName(work, 'c'), worker, { state: 'FAILED', retryable: true, message: 'third' }),
  );
  const over = await engine.submission(id);
  expect(over).toMatchObject({ state: 'FAILED', message: 'Step "b" failed: first' });
  expect((await engine.events(id)).at(-1)?.message).toBe('Step "b" failed: first');
  await sound(id);
});

test('a failure and a success of one batch do not start the next step', async () => {
  const id = await engine.submit('fan');
  const work = await engine.claim(worker);
  const reports = work.map((one) =>
    one.name === 'c' ? ended(one, worker, { state: 'FAILED', message: 'bad' }) : ended(one, worker),
  );
  await engine.complete(...reports);
  expect(await engine.states(id)).toBe('a:SUCCEEDED b:SUCCEEDED c:FAILED join:CANCELLED');
  expect(await engine.submission(id)).toMatchObject({ state: 'FAILED' });
  await sound(id);
});

test('a retry waits, runs again and may succeed', async () => {
  const id = await engine.submit('one');
  const [first] = (await engine.claim(worker)) as [Work];
  await engine.complete(ended(first, worker, { state: 'FAILED', retryable: true, exitCode: 75, message: 'busy.' }));
  const { only } = await engine.steps(id);
  expect(only).toMatchObject({ state: 'RETRYING', failures: 1, worker_id: null });
  expect(only?.message).toMatch(/^busy\. Try 1 of 3; next in 0\.0 s\.$/);
  await engine.rows(`update step_run set state = 'QUEUED', rank_at = now()`);
  const [second] = (await engine.claim(worker)) as [Work];
  expect(second.attempt).toBe(2);
  await engine.complete(ended(second, worker));
  expect(await engine.submission(id)).toMatchObject({ state: 'SUCCEEDED' });
  const attempts = await engine.rows<{ number: number; state: string }>('select * from attempt order by number');
  expect(attempts.map(({ number, state }) => [number, state])).toEqual([
    [1, 'FAILED'],
    [2, 'SUCCEEDED'],
  ]);
});

test('a step that is not to be retried fails at the first try', async () => {
  await engine.define([], [job('single', { only: { task: 'once' } })]);
  const id = await engine.submit('single');
  const [only] = (await engine.claim(worker)) as [Work];
  await engine.complete(ended(only, worker, { state: 'FAILED', retryable: true, message: 'busy' }));
  expect(await engine.submission(id)).toMatchObject({ state: 'FAILED', message: 'Step "only" failed: busy' });
});

test('one that waits for its next try is cancelled when another fails', async () => {
  const id = await engine.submit('fan');
  const work = await engine.claim(worker);
  await engine.complete(
    ended(byName(work, 'a'), worker, { state: 'FAILED', retryable: true, message: 'busy' }),
    ended(byName(work, 'b'), worker, { state: 'FAILED', message: 'dead' }),
    ended(byName(work, 'c'), worker),
  );
  expect(await engine.states(id)).toBe('a:CANCELLED b:FAILED c:SUCCEEDED join:CANCELLED');
  expect(await engine.submission(id)).toMatchObject({ state: 'FAILED', message: 'Step "b" failed: dead' });
  await sound(id);
});

test('a step may end the job early, as succeeded: what runs is stopped, what waits is skipped', async () => {
  const id = await engine.submit('fan');
  const work = await engine.claim(worker);
  const { b, c } = await engine.steps(id);
  await engine.complete(ended(byName(work, 'a'), worker, { terminate: true, exitCode: 9, message: 'nothing to do' }));
  expect(await engine.states(id)).toBe('a:SUCCEEDED b:RUNNING c:RUNNING join:SKIPPED');
  expect([...engine.heard.cancelled].sort()).toEqual([b?.id, c?.id]);
  await engine.complete(ended(byName(work, 'b'), worker, { state: 'CANCELLED', message: 'stopped' }));
  await engine.complete(ended(byName(work, 'c'), worker, { state: 'FAILED', retryable: true, message: 'killed' }));
  const over = await engine.submission(id);
  expect(over).toMatchObject({ state: 'SUCCEEDED', message: 'Step "a" ended the job early: nothing to do' });
  await sound(id);
});

test('work that a worker hands back runs again, at no cost to its tries', async () => {
  const id = await engine.submit('one');
  const [only] = (await engine.claim(worker)) as [Work];
  await engine.complete(ended(only, worker, { state: 'CANCELLED', message: 'shutdown' }));
  expect(await engine.steps(id)).toMatchObject({ only: { state: 'QUEUED', failures: 0, lost: 0, worker_id: null } });
  const other = await engine.worker();
  expect(await engine.claim(other)).toMatchObject([{ attempt: 2 }]);
});

test('work that is handed back after a cancel is not run again', async () => {
  const id = await engine.submit('fan');
  const work = await engine.claim(worker);
  await engine.complete(
    ended(byName(work, 'a'), worker, { state: 'FAILED', message: 'bad' }),
    ended(byName(work, 'b'), worker, { state: 'CANCELLED' }),
  );
  expect(await engine.states(id)).toBe('a:FAILED b:CANCELLED c:RUNNING join:CANCELLED');
  await engine.complete(ended(byName(work, 'c'), worker));
  expect(await engine.submission(id)).toMatchObject({ state: 'FAILED' });
  await sound(id);
});

test('an attempt that was stopped though nobody asked for it runs again: its submission never hangs', async () => {
  const id = await engine.submit('chain');
  const [a] = (await engine.claim(worker)) as [Work];
  await engine.complete(ended(a, worker, { state: 'CANCELLED', message: 'stopped' }));
  expect(await engine.states(id)).toBe('a:QUEUED b:PENDING c:PENDING');
  await sound(id);
});

test('a condition on an exit code skips the step, and what only waits for it runs', async () => {
  const id = await engine.submit('branch');
  const [first] = (await engine.claim(worker)) as [Work];
  await engine.complete(ended(first, worker, { exitCode: 1 }));
  expect(await engine.states(id)).toBe('test:SUCCEEDED yes:SKIPPED after:QUEUED');
  const { yes } = await engine.steps(id);
  expect(yes?.message).toBe('Skipped: step "test" ended with exit code 1, and this step runs on 0.');
  await sound(id);
});

test('files become results of their step', async () => {
  const file = { class: 'File', name: 'a.txt', sha256: 'ab'.repeat(32), size: 3, mediaType: 'text/plain' } as const;
  const id = await engine.submit('one');
  const [only] = (await engine.claim(worker)) as [Work];
  await engine.complete(ended(only, worker, { outputs: { out: [file, { ...file, name: 'b.txt' }] } }));
  const found = await engine.rows<{ name: string; port: string; position: number }>(
    'select name, port, position from artifact where submission_id = $1 order by position',
    [id],
  );
  expect(found).toEqual([
    { name: 'a.txt', port: 'out', position: 0 },
    { name: 'b.txt', port: 'out', position: 1 },
  ]);
});

test('text that Postgres cannot hold is shown as far as it can be', async () => {
  const id = await engine.submit('one');
  const [only] = (await engine.claim(worker)) as [Work];
  await engine.complete(ended(only, worker, { state: 'FAILED', message: 'bad \u0000 and \ud800 end' }));
  expect(await engine.submission(id)).toMatchObject({ message: 'Step "only" failed: bad \ufffd and \ufffd end' });
});

test('an unknown submission is passed over', async () => {
  const report = ended({ stepRunId: '1', submissionId: '1', attempt: 1 } as Work, worker);
  expect(await completeAttempts(engine.dependencies, [report])).toBe(0);
});
