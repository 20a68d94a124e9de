import type { AttemptReport } from '../../src/engine/complete';
import type { Work } from '../../src/engine/claim';
import { reconcile } from '../../src/engine/reconcile';
import { setWorkerState } from '../../src/store/statements/workers';
import { ended, job, task, type TestEngine } from './support';
import { withEngine } from './withEngine';

let engine: TestEngine;
withEngine((opened) => {
  engine = opened;
});

const MB = 1024 ** 2;
const pass = () => reconcile(engine.dependencies, 20);
const attempts = (id: string) =>
  engine.rows<{ number: number; state: string; failure: string | null; resources: object | null }>(
    `select a.number, a.state, a.failure, a.resources from attempt a join step_run r on r.id = a.step_run_id
     where r.submission_id = $1 order by a.number`,
    [id],
  );
const failure = async (id: string) =>
  (await engine.rows<{ failure: string | null }>('select failure from step_run where submission_id = $1', [id]))[0]
    ?.failure;

/** Takes the one step there is, and reports how it ended. */
async function run(report: Partial<AttemptReport>): Promise<Work> {
  await engine.rows(`update step_run set ready_at = now() where state = 'RETRYING'`);
  await pass();
  const worker = await engine.worker();
  const [work] = (await engine.claim(worker)) as [Work];
  await engine.complete(ended(work, worker, report));
  return work;
}

const OUT_OF_MEMORY = { state: 'FAILED', failure: 'OUT_OF_MEMORY', retryable: true } as const;

test('each try that used too much memory gives the next one more, up to the cap, and each is noted', async () => {
  const growing = {
    ...task('work', { retry: { maxAttempts: 5, growth: { memoryFactor: 2, maxMemoryBytes: 300 * MB } } }),
    resources: { memoryBytes: 100 * MB, cpus: 2 },
  };
  await engine.define([growing], [job('one', { only: {} })]);
  const id = await engine.submit('one');
  const given: (number | undefined)[] = [];
  for (const report of [OUT_OF_MEMORY, { ...OUT_OF_MEMORY, failure: 'TIMEOUT' }, OUT_OF_MEMORY, {}] as const)
    given.push((await run(report)).resources.memoryBytes);
  expect(given).toEqual([100 * MB, 200 * MB, 200 * MB, 300 * MB]);
  expect(await attempts(id)).toEqual([
    { number: 1, state: 'FAILED', failure: 'OUT_OF_MEMORY', resources: { memoryBytes: 100 * MB, cpus: 2 } },
    { number: 2, state: 'FAILED', failure: 'TIMEOUT', resources: { memoryBytes: 200 * MB, cpus: 2 } },
    { number: 3, state: 'FAILED', failure: 'OUT_OF_MEMORY', resources: { memoryBytes: 200 * MB, cpus: 2 } },
    { number: 4, state: 'SUCCEEDED', failure: null, resources: { memoryBytes: 300 * MB, cpus: 2 } },
  ]);
  expect(await failure(id)).toBeNull();
});

test('a step tells why it failed, and while it waits for its next try, why that is', async () => {
  await engine.define([task('work', { retry: { maxAttempts: 2 } })], [job('one', { only: {} })]);
  const id = await engine.submit('one');
  await run({ state: 'FAILED', failure: 'TIMEOUT', retryable: true });
  expect(await failure(id)).toBe('TIMEOUT');
  await run({ state: 'FAILED', failure: 'SIGNAL', retryable: true });
  expect(await failure(id)).toBe('SIGNAL');
  expect((await attempts(id)).map((one) => [one.failure, one.resources])).toEqual([
    ['TIMEOUT', null],
    ['SIGNAL', null],
  ]);
});

test('what did not fail has no kind of failure, whatever is reported', async () => {
  await engine.define([task('work')], [job('one', { only: {} })]);
  const id = await engine.submit('one');
  await run({ state: 'CANCELLED', failure: 'NOT_STARTED', message: '' });
  await run({ failure: 'NOT_STARTED' });
  expect(await attempts(id)).toMatchObject([
    { state: 'CANCELLED', failure: null },
    { state: 'SUCCEEDED', failure: null },
  ]);
});

test('a lost worker ends a step that must not run twice', async () => {
  const once = task('work', { retry: { on: { exitCodes: [], signals: [], causes: ['TIMEOUT'] } } });
  await engine.define([once], [job('one', { only: {} })]);
  const id = await engine.submit('one');
  const worker = await engine.worker();
  await engine.claim(worker);
  await setWorkerState(engine.db, worker, 'STOPPED');
  await pass();
  expect(await engine.states(id)).toBe('only:FAILED');
  expect(await failure(id)).toBe('LOST');
  expect((await engine.submission(id)).message).toContain('does not allow another try');
  expect(await attempts(id)).toMatchObject([{ state: 'LOST', failure: 'LOST' }]);
});
