import { attemptKey, createStrayFinder } from '../../workers/strays';

const step = (stepRunId: string, attempt = 1) => ({ stepRunId, submissionId: '1', name: 'step', attempt });

test('a step that nobody here knows of is lost at the second beat', () => {
  const finder = createStrayFinder(() => false);
  expect(finder.look([step('1')], false)).toEqual([]);
  expect(finder.look([step('1'), step('2')], false)).toEqual([step('1')]);
  expect(finder.look([step('2')], false)).toEqual([step('2')]);
});

test('what is known is never lost, and another attempt of it is another', () => {
  const known = new Set([attemptKey(step('1', 2))]);
  const finder = createStrayFinder((one) => known.has(attemptKey(one)));
  for (let beat = 0; beat < 3; beat += 1) expect(finder.look([step('1', 2)], false)).toEqual([]);
  expect(finder.look([step('1', 1)], false)).toEqual([]);
  expect(finder.look([step('1', 1)], false)).toEqual([step('1', 1)]);
});

test('while work is being taken nothing is suspected', () => {
  const finder = createStrayFinder(() => false);
  finder.look([step('1')], false);
  expect(finder.look([step('1')], true)).toEqual([]);
  expect(finder.look([step('1')], false)).toEqual([]);
  expect(finder.look([step('1')], false)).toEqual([step('1')]);
});
