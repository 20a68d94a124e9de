import { runsByPart, type CountedRuns } from '../../src/domain/graphRuns';
import { graphOf } from '../../src/domain/graphView';
import type { StepRunState } from '../../src/domain/states';
import { planOfSteps } from './plans';

const counted = (step: string, state: StepRunState, count = 1, more: Partial<CountedRuns> = {}): CountedRuns => ({
  step,
  element: false,
  state,
  count,
  unexpanded: 0,
  stepRunId: '7',
  percent: null,
  startedAt: null,
  finishedAt: null,
  ...more,
});
const elements = (step: string, state: StepRunState, count: number): CountedRuns =>
  counted(step, state, count, { element: true, stepRunId: '8' });

const view = graphOf(planOfSteps({ a: {}, b: {}, c: { in: { x: 'a.out' }, scatter: ['x'] } }), {
  first: 100,
  depth: 0,
});

test('a node with one step run stands as that does, with its progress and times', () => {
  const runs = runsByPart(view, [
    counted('a', 'RUNNING', 1, { percent: 42, startedAt: 1_000 }),
    counted('b', 'SUCCEEDED', 1, { percent: 99, startedAt: 1_000, finishedAt: 2_500 }),
    counted('c', 'PENDING'),
  ]);
  expect(runs.get('a')).toMatchObject({ state: 'RUNNING', total: 1, percent: 42, startedAt: 1_000, finishedAt: null });
  expect(runs.get('b')).toMatchObject({ state: 'SUCCEEDED', percent: null, startedAt: 1_000, finishedAt: 2_500 });
  expect(runs.get('c')).toMatchObject({ state: 'PENDING', stepRunId: '7', startedAt: null, total: 0 });
});

test.each<[StepRunState, readonly StepRunState[]]>([
  ['RUNNING', ['SUCCEEDED', 'FAILED', 'RUNNING', 'PENDING']],
  ['RETRYING', ['SUCCEEDED', 'RETRYING', 'QUEUED']],
  ['QUEUED', ['QUEUED', 'SUCCEEDED']],
  ['PENDING', ['FAILED', 'PENDING']],
  ['FAILED', ['SUCCEEDED', 'FAILED', 'CANCELLED']],
  ['CANCELLED', ['SKIPPED', 'CANCELLED', 'SUCCEEDED']],
  ['SUCCEEDED', ['SKIPPED', 'SUCCEEDED']],
])('a node with many step runs is %s when they are %j', (state, states) => {
  const rows = states.map((one) => counted('a', one, 3));
  const runs = runsByPart(view, rows).get('a');
  expect(runs?.state).toBe(state);
  expect([runs?.total, runs?.counts[state], runs?.stepRunId]).toEqual([3 * states.length, 3, null]);
});

test('the end of many is that of the last one, once all have ended', () => {
  const times = { startedAt: 1_000, finishedAt: 2_000 };
  const later = { startedAt: 1_500, finishedAt: 4_000 };
  const open = runsByPart(view, [counted('a', 'SUCCEEDED', 2, times), counted('a', 'RUNNING', 1, { startedAt: 900 })]);
  expect(open.get('a')).toMatchObject({ startedAt: 900, finishedAt: null });
  const ended = runsByPart(view, [counted('a', 'SUCCEEDED', 2, times), counted('a', 'FAILED', 1, later)]);
  expect(ended.get('a')).toMatchObject({ startedAt: 1_000, finishedAt: 4_000 });
});

test('a scatter counts its elements, those to come as well, and stands as its own step run does', () => {
  const runs = runsByPart(view, [
    counted('c', 'RUNNING', 1, { unexpanded: 50 }),
    elements('c', 'SUCCEEDED', 30),
    elements('c', 'RUNNING', 15),
    elements('c', 'FAILED', 5),
  ]).get('c');
  expect(runs).toMatchObject({ state: 'RUNNING', total: 100, stepRunId: '7' });
  expect(runs?.counts).toMatchObject({ PENDING: 50, SUCCEEDED: 30, RUNNING: 15, FAILED: 5 });
});

test('elements that a scatter which ended did not get to are not awaited', () => {
  const rows = [counted('c', 'CANCELLED', 1, { unexpanded: 50 }), elements('c', 'CANCELLED', 10)];
  expect(runsByPart(view, rows).get('c')).toMatchObject({ state: 'CANCELLED', total: 10 });
});

test('a folded node counts the step runs of all its steps, a scatter as one', () => {
  const folded = graphOf(planOfSteps({ a: {}, b: {}, c: { in: { x: 'a.out' }, scatter: ['x'] } }), {
    first: 2,
    depth: 0,
  });
  const runs = runsByPart(folded, [counted('b', 'SUCCEEDED'), counted('c', 'FAILED'), elements('c', 'FAILED', 90)]);
  expect(runs.get('…')).toMatchObject({ total: 2, state: 'FAILED' });
  expect(runs.get('a')).toMatchObject({ total: 0, state: 'PENDING', stepRunId: null });
});
