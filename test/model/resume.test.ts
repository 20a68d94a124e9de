/** Random jobs that fail and are cancelled by chance: resumed until they are done, it is as if nothing had happened. */
import fc from 'fast-check';
import type { Value } from '../../src/domain/values';
import { isFinalStepRun, isFinalSubmission } from '../../src/domain/states';
import { cancelSubmission } from '../../src/engine/cancel';
import { cancelStepRun } from '../../src/engine/cancelStep';
import type { AttemptReport } from '../../src/engine/complete';
import type { Work } from '../../src/engine/claim';
import { resumeSubmission } from '../../src/engine/resume';
import { ended, openEngine, type TestEngine } from '../engine/support';
import { expectAsTold, expectAtRest } from './ends';
import { interpret, type Outcome } from './interpreter';
import { drawnJobs, LIST, WORK } from './jobs';
import { randomFrom, spread } from './luck';

const RUNS = Number(process.env['STEPCAST_TEST_MODEL_RUNS'] ?? 25);
const LONGEST_MS = 20 * 60_000;
/** Afterwards nothing fails by chance any more. */
const UNLUCKY_GENERATIONS = 4;
const MAX_ROUNDS = 600;

let engine: TestEngine;

beforeAll(async () => {
  engine = await openEngine();
});
afterAll(() => engine.close());

/** The same path does the same each time it is let. */
function outcomeOf(salt: string, path: string, task: string, x: Value, y: Value): Exclude<Outcome, 'fails'> {
  const text = `${path}(${JSON.stringify(x)},${JSON.stringify(y)})`;
  return { out: task === 'list' ? [`${text}0`, `${text}1`] : text, exitCode: spread(`${salt} ${path}`) < 300 ? 1 : 0 };
}

interface Luck {
  readonly salt: string;
  readonly random: () => number;
}

/** Runs one generation to its end, with what `bad` does to it. */
async function runGeneration(id: string, { salt, random }: Luck, bad: boolean): Promise<void> {
  const worker = await engine.worker();
  const held: Work[] = [];
  const chance = (odds: number): boolean => bad && random() < odds;
  for (let round = 0; !isFinalSubmission((await engine.submission(id)).state); round += 1) {
    if (round > MAX_ROUNDS) throw new Error(`it does not end: ${await engine.states(id)}`);
    // A step may be taken before the planner has looked, and the other way round.
    if (random() < 0.8) await engine.plan();
    held.push(...(await engine.claim(worker, 1 + Math.floor(random() * 6))));
    if (chance(0.03)) await cancelSubmission(engine.dependencies, id, 'Stop.');
    if (chance(0.05)) await cancelAny(id, random);
    const stopped = new Set(engine.heard.cancelled);
    const batch = held.splice(0, Math.floor(random() * (held.length + 1)));
    await engine.complete(
      ...batch.map((work): AttemptReport => {
        if (work.problems.length > 0) return ended(work, worker, { state: 'FAILED', message: work.problems.join(' ') });
        // What is stopped may still have been faster.
        if (stopped.has(work.stepRunId) && random() < 0.7) return ended(work, worker, { state: 'CANCELLED' });
        if (chance(0.15)) return ended(work, worker, { state: 'FAILED', exitCode: 2, message: 'no' });
        const { out, exitCode } = outcomeOf(
          salt,
          work.name,
          work.task.name,
          work.values.x ?? null,
          work.values.y ?? null,
        );
        return ended(work, worker, { outputs: { out }, exitCode });
      }),
    );
  }
}

async function cancelAny(id: string, random: () => number): Promise<void> {
  const open = Object.values(await engine.steps(id)).filter(({ state }) => !isFinalStepRun(state));
  const one = open[Math.floor(random() * open.length)];
  const { state } = await engine.submission(id);
  if (one && state !== 'CANCELLING') await cancelStepRun(engine.dependencies, one.id, 'Not this.');
}

/** Resumes until it succeeds, or fails though nothing was done to it. Returns how many generations there were. */
async function runToTheEnd(id: string, luck: Luck): Promise<number> {
  for (let generation = 1; ; generation += 1) {
    const bad = generation <= UNLUCKY_GENERATIONS;
    engine.heard.cancelled.length = 0;
    await runGeneration(id, luck, bad);
    await checkAtRest(id);
    const { state } = await engine.submission(id);
    if (state === 'SUCCEEDED' || !bad) return generation;
    try {
      await resumeSubmission(engine.dependencies, id);
    } catch (error) {
      // All steps did well, and their results do not fit together.
      expect(error).toMatchObject({
        code: 'CONFLICT',
        message: expect.stringContaining('None of its steps') as string,
      });
      return generation;
    }
  }
}

test(
  'whatever fails or is cancelled, after enough resumes each step has succeeded once, and all is as without it',
  async () => {
    let resumed = 0;
    await fc.assert(
      fc.asyncProperty(drawnJobs, fc.string(), fc.integer(), async (drawn, salt, seed) => {
        const defined = await engine.define([WORK, LIST], [...drawn.inner, drawn.job], { mode: 'replace' });
        expect(defined).toMatchObject({ ok: true });
        const jobs = new Map(drawn.inner.map((one) => [one.name, one]));
        const told = interpret(drawn.job, jobs, 'given', (path, task, x, y) => outcomeOf(salt, path, task, x, y));
        const id = await engine.submit('top', { inputs: { in: 'given' } });
        const generations = await runToTheEnd(id, { salt, random: randomFrom(seed) });
        resumed += generations - 1;
        const submission = await engine.submission(id);
        expect(submission.state).toBe(told.ends);
        expect(await succeededMoreThanOnce(id)).toEqual([]);
        if (told.ends === 'FAILED') return;
        await expectAsTold(engine, id, told);
      }),
      { numRuns: RUNS, interruptAfterTimeLimit: LONGEST_MS },
    );
    expect(resumed).toBeGreaterThan(0);
  },
  LONGEST_MS,
);

const succeededMoreThanOnce = (id: string): Promise<object[]> =>
  engine.rows(
    `select r.name, r.state, count(*) filter (where a.state = 'SUCCEEDED') as successes
     from step_run r left join attempt a on a.step_run_id = r.id
     where r.submission_id = $1 and r.kind = 'TASK' group by r.id
     having count(*) filter (where a.state = 'SUCCEEDED') <> (r.state = 'SUCCEEDED')::int`,
    [id],
  );

/** What holds at the end of each generation. */
async function checkAtRest(id: string): Promise<void> {
  await expectAtRest(engine, id);
  expect(await engine.submission(id)).toMatchObject({ unfinished: 0 });
}
