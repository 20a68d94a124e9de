import { afterCrash, NO_CRASHES, type Crashes } from '../../workers/crashes';

/** Crashes as soon as it was started again, so many times. */
const crashing = (times: number, from: Crashes = NO_CRASHES): readonly Crashes[] => {
  const all = [from];
  for (let count = 0; count < times; count += 1) {
    const last = all.at(-1) ?? from;
    all.push(afterCrash(last, Math.max(0, last.restartAt)));
  }
  return all.slice(1);
};

test('the pause before the next start doubles with each crash, up to half a minute', () => {
  const starts = crashing(10).map(({ restartAt }) => restartAt);
  const pauses = starts.map((at, index) => at - (starts[index - 1] ?? 0));
  expect(pauses).toEqual([250, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
});

test('processes that crash together count once', () => {
  const first = afterCrash(NO_CRASHES, 1_000);
  expect([afterCrash(first, 1_000), afterCrash(first, 1_100)]).toEqual([first, first]);
});

test('after a minute without a crash a row begins anew', () => {
  const [last = NO_CRASHES] = crashing(5).slice(-1);
  expect(afterCrash(last, last.restartAt + 59_000).inRow).toBe(6);
  expect(afterCrash(last, last.restartAt + 61_000).inRow).toBe(1);
});
