import { runsByNode, type CountedRuns } from '../../src/domain/graphRuns';
import { graphOf } from '../../src/domain/graphView';
import type { StepRunState } from '../../src/domain/states';
import { planOfSteps } from './plans';

const counted = (step: string, state: StepRunState, count = 1, more: Partial<CountedRuns> = {}): CountedRuns => ({
  step,
  state,
  count,
  stepRunId: '7',
  percent: null,
  startedAt: null,
  finishedAt: null,
  ...more,
});

const view = graphOf(planOfSteps({ a: {}, b: {}, c: {} }), { first: 100 });

test('a node with one step run stands as that does, with its progress and times', () => {
  const runs = runsByNode(view, [
    counted('a', 'RUNNING', 1, { percent: 42, startedAt: 1_000 }),
    counted('b', 'SUCCEEDED', 1, { percent: 99, startedAt: 1_000, finishedAt: 2_500 }),
    counted('c', 'PENDING'),
  ]);
  expect(runs.get('a')).toMatchObject({ state: 'RUNNING', total: 1, percent: 42, startedAt: 1_000, finishedAt: null });
  expect(runs.get('b')).toMatchObject({ state: 'SUCCEEDED', percent: null, startedAt: 1_000, finishedAt: 2_500 });
  expect(runs.get('c')).toMatchObject({ state: 'PENDING', stepRunId: '7', startedAt: null });
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
  const runs = runsByNode(
    view,
    states.map((one) => counted('a', one, 3)),
  ).get('a');
  expect(runs?.state).toBe(state);
  expect([runs?.total, runs?.counts[state], runs?.stepRunId]).toEqual([3 * states.length, 3, null]);
});

test('the end of many is that of the last one, once all have ended', () => {
  const times = { startedAt: 1_000, finishedAt: 2_000 };
  const later = { startedAt: 1_500, finishedAt: 4_000 };
  const open = runsByNode(view, [counted('a', 'SUCCEEDED', 2, times), counted('a', 'RUNNING', 1, { startedAt: 900 })]);
  expect(open.get('a')).toMatchObject({ startedAt: 900, finishedAt: null });
  const ended = runsByNode(view, [counted('a', 'SUCCEEDED', 2, times), counted('a', 'FAILED', 1, later)]);
  expect(ended.get('a')).toMatchObject({ startedAt: 1_000, finishedAt: 4_000 });
});

test('a folded node counts the step runs of all its steps', () => {
  const folded = graphOf(planOfSteps({ a: {}, b: {}, c: {} }), { first: 2 });
  const runs = runsByNode(folded, [counted('b', 'SUCCEEDED'), counted('c', 'FAILED', 4)]);
  expect(runs.get('…')).toMatchObject({ total: 5, state: 'FAILED' });
  expect(runs.get('a')).toMatchObject({ total: 0, state: 'PENDING', stepRunId: null });
});
