import { scalar } from '../../src/domain/values';
import type { Work } from '../../src/engine/claim';
import { decideReuse, type ReuseDecision } from '../../src/engine/reuse';
import { unrunReport } from '../../workers/reuse';
import { ended, job, task, type TestEngine } from './support';
import { withEngine } from './withEngine';

let engine: TestEngine;
let worker: string;
withEngine(async (opened) => {
  engine = opened;
  worker = await engine.worker();
});

const TEXT = { kind: 'input', input: 'text' } as const;
const OTHER = { kind: 'input', input: 'other' } as const;

/** Runs what is ready until nothing is, as a worker does with reuse off; returns the names of what really ran. */
async function runAll(enabled = false): Promise<string[]> {
  const ran: string[] = [];
  for (;;) {
    await engine.plan();
    const works = await engine.claim(worker, 50);
    if (works.length === 0) return ran.sort();
    const decisions = await decideReuse({ ...engine.dependencies, enabled, keep: () => Promise.resolve(true) }, works);
    await engine.complete(
      ...works.map((work) => {
        const decision = decisions.get(work) as ReuseDecision;
        if (decision.kind !== 'run') return unrunReport(work, worker, decision);
        ran.push(work.name);
        return ended(work, worker, { exitCode: 0, outputs: { out: resultOf(work) } });
      }),
    );
  }
}

const resultOf = (work: Work): string =>
  `${work.name}(${Object.values(work.values)
    .map((value) => (typeof value === 'string' ? value : ''))
    .join(',')})`;

const DIAMOND = job(
  'diamond',
  {
    first: { links: { x: TEXT } },
    left: { in: { x: 'first' } },
    right: { in: { x: 'first' }, links: { y: OTHER } },
    last: { in: { x: 'left', y: 'right' } },
  },
  'last',
  { text: scalar('string'), other: scalar('string') },
);

const defineDiamond = () => engine.define([{ ...task('work', { inputs: ['x', 'y'] }), reuse: false }], [DIAMOND]);
const INPUTS = { text: 'a', other: 'b' };

test('a re-run takes what is still valid from the earlier submission, though the task shares no results', async () => {
  await defineDiamond();
  const earlier = await engine.submit('diamond', { inputs: INPUTS });
  expect(await runAll()).toEqual(['first', 'last', 'left', 'right']);
  const again = await engine.submit('diamond', { inputs: { ...INPUTS, other: 'c' }, reuseFrom: earlier });
  expect(await runAll()).toEqual(['last', 'right']);
  expect(await engine.submission(again)).toMatchObject({
    state: 'SUCCEEDED',
    outputs: { result: 'last(left(first(a,),),right(first(a,),c))' },
  });
  const before = await engine.steps(earlier);
  const steps = await engine.steps(again);
  expect(steps['left']).toMatchObject({ cached: true, reused_from: before['left']?.id, exit_code: 0 });
  expect(steps['right']).toMatchObject({ cached: false, reused_from: null });
});

test('the steps that are asked for run again, with everything after them', async () => {
  await defineDiamond();
  const earlier = await engine.submit('diamond', { inputs: INPUTS });
  await runAll();
  await engine.submit('diamond', { inputs: INPUTS, reuseFrom: earlier, rerun: ['left'] });
  expect(await runAll()).toEqual(['last', 'left']);
  await engine.submit('diamond', { inputs: INPUTS, reuseFrom: earlier, rerun: ['first'] });
  expect(await runAll(true)).toEqual(['first', 'last', 'left', 'right']);
});

test('what failed in the earlier submission runs, and a later re-run takes results from the re-run', async () => {
  await defineDiamond();
  const earlier = await engine.submit('diamond', { inputs: INPUTS });
  const [first] = (await engine.claim(worker)) as [Work];
  await engine.complete(ended(first, worker, { outputs: { out: resultOf(first) } }));
  const [left, right] = (await engine.claim(worker)) as [Work, Work];
  await engine.complete(
    ended(left, worker, { outputs: { out: resultOf(left) } }),
    ended(right, worker, { state: 'FAILED', failure: 'EXIT_CODE' }),
  );
  expect(await engine.submission(earlier)).toMatchObject({ state: 'FAILED' });
  const again = await engine.submit('diamond', { inputs: INPUTS, reuseFrom: earlier });
  expect(await runAll()).toEqual(['last', 'right']);
  await engine.submit('diamond', { inputs: INPUTS, reuseFrom: again });
  expect(await runAll()).toEqual([]);
});

test('elements and steps of nested jobs are found by their place', async () => {
  const texts = { kind: 'array', items: scalar('string') } as const;
  await engine.define(
    [{ ...task('work', { inputs: ['x', 'y'] }), reuse: false }],
    [
      job('inner', { a: { links: { x: TEXT } }, b: { in: { x: 'a' } } }, 'b', { text: scalar('string') }),
      {
        ...job(
          'outer',
          { each: { job: 'inner', links: { text: { kind: 'input', input: 'texts' } }, scatter: ['text'] } },
          undefined,
          { texts },
        ),
        outputs: [],
      },
    ],
  );
  const earlier = await engine.submit('outer', { inputs: { texts: ['p', 'q', 'r'] } });
  expect(await runAll()).toHaveLength(6);
  await engine.submit('outer', { inputs: { texts: ['p', 'changed', 'r'] }, reuseFrom: earlier });
  expect(await runAll()).toEqual(['each[1]/a', 'each[1]/b']);
  await engine.submit('outer', { inputs: { texts: ['p', 'q', 'r'] }, reuseFrom: earlier, rerun: ['each'] });
  expect(await runAll()).toHaveLength(6);
});

test('when the earlier submission is deleted, the re-run goes on without it', async () => {
  await defineDiamond();
  const earlier = await engine.submit('diamond', { inputs: INPUTS });
  await runAll();
  const again = await engine.submit('diamond', { inputs: INPUTS, reuseFrom: earlier });
  await engine.rows('delete from submission where id = $1', [earlier]);
  expect(await runAll()).toEqual(['first', 'last', 'left', 'right']);
  expect(await engine.submission(again)).toMatchObject({ state: 'SUCCEEDED', reuse_from: null });
});
