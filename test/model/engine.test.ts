/** Random jobs run by the engine, in random order and batches, do what a simple interpreter of their definitions says. */
import fc from 'fast-check';
import type { Value } from '../../src/domain/values';
import type { Work } from '../../src/engine/claim';
import { ended, openEngine, type TestEngine } from '../engine/support';
import { expectAsTold, expectAtRest } from './ends';
import { interpret, type Outcome } from './interpreter';
import { drawnJobs, LIST, WORK, type Drawn } from './jobs';
import { randomFrom, spread } from './luck';

const RUNS = Number(process.env['STEPCAST_TEST_MODEL_RUNS'] ?? 120);
const LONGEST_MS = 20 * 60_000;
/** More of them than any of these jobs needs. */
const MAX_ROUNDS = 3_000;

let engine: TestEngine;

beforeAll(async () => {
  engine = await openEngine();
});
afterAll(() => engine.close());

/** Deterministic: the same path does the same each time. */
function outcomeOf(salt: string, path: string, task: string, x: Value, y: Value): Outcome {
  const draw = spread(`${salt} ${path}`);
  if (draw < 15) return 'fails';
  const text = `${path}(${JSON.stringify(x)},${JSON.stringify(y)})`;
  return { out: task === 'list' ? [`${text}0`, `${text}1`] : text, exitCode: draw < 300 ? 1 : 0 };
}

/** How often a path is tried in vain before it does what it does. */
const vainTries = (salt: string, path: string): number => (spread(`${salt} again ${path}`) < 100 ? 1 : 0);

async function run(drawn: Drawn, salt: string, random: () => number): Promise<string> {
  const id = await engine.submit('top', { inputs: { in: 'given' } });
  const workers = [await engine.worker(), await engine.worker()];
  const tried = new Map<string, number>();
  const held: { work: Work; worker: string }[] = [];
  for (let idle = 0, round = 0; idle < 3; round += 1) {
    if (round > MAX_ROUNDS) throw new Error(`it does not end: ${await engine.states(id)}`);
    await engine.plan();
    const worker = workers[random() < 0.5 ? 0 : 1] ?? '';
    const claimed = await engine.claim(worker, 1 + Math.floor(random() * 8));
    held.push(...claimed.map((work) => ({ work, worker })));
    const count = Math.min(held.length, Math.floor(random() * 6) + (claimed.length === 0 ? 1 : 0));
    idle = claimed.length === 0 && held.length === 0 ? idle + 1 : 0;
    const batch = Array.from({ length: count }, () => held.splice(Math.floor(random() * held.length), 1)).flat();
    const reports = batch.map(({ work, worker: owner }) => {
      if (work.problems.length > 0) return ended(work, owner, { state: 'FAILED', message: work.problems.join(' ') });
      if (random() < 0.05) return ended(work, owner, { state: 'CANCELLED', message: 'handed back' });
      const before = tried.get(work.name) ?? 0;
      tried.set(work.name, before + 1);
      if (before < vainTries(salt, work.name))
        return ended(work, owner, { state: 'FAILED', retryable: true, exitCode: 75, message: 'in vain' });
      const outcome = outcomeOf(salt, work.name, work.task.name, work.values.x ?? null, work.values.y ?? null);
      return outcome === 'fails'
        ? ended(work, owner, { state: 'FAILED', exitCode: 2, message: 'no' })
        : ended(work, owner, { outputs: { out: outcome.out }, exitCode: outcome.exitCode });
    });
    // Every report may come twice.
    if (reports.length > 0) await engine.complete(...reports, ...reports.filter(() => random() < 0.2));
    if (reports.some(({ retryable }) => retryable)) {
      await engine.rows(`update step_run set ready_at = now() where state = 'RETRYING'`);
      await engine.retry();
    }
  }
  return id;
}

const LEGAL: Readonly<Record<string, readonly string[]>> = {
  PENDING: ['QUEUED', 'RUNNING', 'SKIPPED', 'FAILED', 'CANCELLED', 'SUCCEEDED'],
  QUEUED: ['RUNNING', 'SKIPPED', 'CANCELLED'],
  RUNNING: ['SUCCEEDED', 'FAILED', 'CANCELLED', 'RETRYING', 'QUEUED', 'SKIPPED'],
  RETRYING: ['QUEUED', 'CANCELLED', 'SKIPPED'],
};

test(
  'random jobs end as their definitions say, with every step once and every event in its place',
  async () => {
    await fc.assert(
      fc.asyncProperty(drawnJobs, fc.string(), fc.integer(), async (drawn, salt, seed) => {
        const defined = await engine.define([WORK, LIST], [...drawn.inner, drawn.job], { mode: 'replace' });
        if (!defined.ok)
          throw new Error(
            defined.problems.map((one) => `${one.name} ${one.path.join('.')}: ${one.message}`).join('\n'),
          );
        const jobs = new Map(drawn.inner.map((one) => [one.name, one]));
        const told = interpret(drawn.job, jobs, 'given', (path, task, x, y) => outcomeOf(salt, path, task, x, y));
        const id = await run(drawn, salt, randomFrom(seed));
        const submission = await engine.submission(id);
        expect(`${submission.state} ${submission.unfinished}`).toBe(`${told.ends} 0`);
        await checkRows(id);
        if (told.ends === 'FAILED') return;
        await expectAsTold(engine, id, told);
      }),
      { numRuns: RUNS, interruptAfterTimeLimit: LONGEST_MS },
    );
  },
  LONGEST_MS,
);

/** What holds of every submission that has ended. */
async function checkRows(id: string): Promise<void> {
  await expectAtRest(engine, id);
  const left = await engine.rows(
    `select name, left_count from step_run where submission_id = $1 and state = 'SUCCEEDED' and left_count <> 0`,
    [id],
  );
  expect(left).toEqual([]);
  const states = new Map<string, string>();
  for (const { type, state, stepRunId, stepName } of await engine.events(id)) {
    if (type !== 'STEP_STATE' || stepRunId === null || state === null) continue;
    const before = states.get(stepRunId) ?? 'PENDING';
    if (!(LEGAL[before] ?? []).includes(state)) throw new Error(`${stepName} went from ${before} to ${state}`);
    states.set(stepRunId, state);
  }
}
