import fc from 'fast-check';
import { admit, lacking, needsOf, waitReasons, type Candidate, type Usage } from '../../src/domain/admit';

const usage = (limits: Record<string, [used: number, amount: number]>): Map<string, Usage> =>
  new Map(Object.entries(limits).map(([key, [used, amount]]) => [key, { used, amount }]));
const step = (id: string, needs: Record<string, number> = {}): Candidate => ({ id, needs });

test('steps without limits are admitted in their order, as many as there are slots', () => {
  expect(admit([step('a'), step('b'), step('c')], usage({}), 2)).toEqual(['a', 'b']);
});

test('a limit that is full holds back its steps and nobody else', () => {
  const candidates = [step('a', { m: 1 }), step('b', { m: 1 }), step('c', { n: 1 }), step('d')];
  expect(admit(candidates, usage({ m: [1, 2], n: [2, 2] }), 10)).toEqual(['a', 'd']);
});

test('a limit of 0 holds back everything, one that is gone nothing', () => {
  expect(admit([step('a', { m: 1 })], usage({ m: [0, 0] }), 10)).toEqual([]);
  expect(admit([step('a', { m: 1 })], usage({}), 10)).toEqual(['a']);
});

test('a step that needs much is not overtaken for ever by those that need little', () => {
  const candidates = [step('large', { m: 3 }), step('small', { m: 1 })];
  expect(admit(candidates, usage({ m: [1, 3] }), 10)).toEqual([]);
  expect(admit(candidates, usage({ m: [0, 3] }), 10)).toEqual(['large']);
});

test('a step keeps only what it lacks: a limit with room for it stays open to others', () => {
  const candidates = [step('both', { m: 1, n: 1 }), step('one', { n: 1 })];
  expect(admit(candidates, usage({ m: [1, 1], n: [0, 1] }), 10)).toEqual(['one']);
});

test('a step that needs more than there is since the limit was lowered runs alone', () => {
  expect(admit([step('a', { m: 5 })], usage({ m: [1, 2] }), 10)).toEqual([]);
  expect(admit([step('a', { m: 5 }), step('b', { m: 1 })], usage({ m: [0, 2] }), 10)).toEqual(['a']);
});

test('no limit is ever passed, and no slot stays free beside a step that fits', () => {
  const needs = fc.dictionary(fc.constantFrom('a', 'b', 'c'), fc.integer({ min: 1, max: 3 }));
  const limits = fc.dictionary(
    fc.constantFrom('a', 'b', 'c'),
    fc.tuple(fc.integer({ min: 0, max: 4 }), fc.integer({ min: 0, max: 6 })),
  );
  fc.assert(
    fc.property(fc.array(needs, { maxLength: 12 }), limits, fc.integer({ min: 0, max: 8 }), (all, given, count) => {
      const candidates = all.map((one, index) => step(String(index), one));
      const admitted = admit(candidates, usage(given), count);
      expect(admitted.length).toBeLessThanOrEqual(count);
      for (const [key, [used, amount]] of Object.entries(given)) {
        const taken = admitted.reduce((sum, id) => sum + Math.min(all[Number(id)]?.[key] ?? 0, amount), 0);
        if (taken > 0) expect(used + taken).toBeLessThanOrEqual(amount);
      }
      const [first] = candidates;
      if (first && count > 0 && lacking(first.needs, usage(given)).length === 0) expect(admitted).toContain('0');
    }),
  );
});

test('who waits is told what for', () => {
  const now = usage({
    'resource:matlab': [2, 2],
    'resource:gpu': [3, 4],
    'task:align': [4, 4],
    'user:a:b': [1, 1],
    'backend:grid': [8, 8],
    'job:open': [0, 9],
  });
  const lane = JSON.stringify({
    'resource:matlab': 1,
    'resource:gpu': 2,
    'task:align': 1,
    'user:a:b': 1,
    'backend:grid': 1,
    'job:open': 1,
  });
  expect(waitReasons(needsOf(lane), now)).toEqual([
    '2 of 2 matlab in use',
    '3 of 4 gpu in use, 2 needed',
    '4 of 4 steps of task align run',
    '1 of 1 steps of a:b run',
    '8 of 8 steps run on backend grid',
  ]);
  expect(needsOf('')).toEqual({});
});
