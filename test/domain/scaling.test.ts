import fc from 'fast-check';
import {
  changePool,
  NO_DEMAND,
  PATIENCE_SECONDS,
  settle,
  startable,
  wantedWorkers,
  type Demand,
  type Member,
  type Wishes,
} from '../../src/domain/scaling';

const SLOTS = { here: 4, elsewhere: 100 };
const BOUNDS = { min: 1, max: 8 };
const here = (demand: Partial<Demand>) => ({ here: { ...NO_DEMAND, ...demand }, elsewhere: NO_DEMAND });

describe('the number of workers that are wanted', () => {
  it('gives each step a slot that runs, or has waited long enough', () => {
    expect(wantedWorkers(here({}), SLOTS, BOUNDS)).toBe(1);
    expect(wantedWorkers(here({ running: 4 }), SLOTS, BOUNDS)).toBe(1);
    expect(wantedWorkers(here({ running: 4, ready: 1, oldestSeconds: 5 }), SLOTS, BOUNDS)).toBe(2);
    expect(wantedWorkers(here({ running: 4, ready: 9, oldestSeconds: 5 }), SLOTS, BOUNDS)).toBe(4);
    expect(wantedWorkers(here({ ready: 10_000, oldestSeconds: 5 }), SLOTS, BOUNDS)).toBe(8);
  });

  it('leaves a burst of short steps to the workers there are', () => {
    expect(wantedWorkers(here({ running: 4, ready: 500, oldestSeconds: PATIENCE_SECONDS / 2 }), SLOTS, BOUNDS)).toBe(1);
  });

  it('counts steps that run elsewhere against the places to watch them, not against the slots of the machine', () => {
    const cluster: Demand = { running: 90, ready: 5, oldestSeconds: 60 };
    expect(wantedWorkers({ here: NO_DEMAND, elsewhere: cluster }, SLOTS, BOUNDS)).toBe(1);
    expect(wantedWorkers({ here: NO_DEMAND, elsewhere: { ...cluster, ready: 11 } }, SLOTS, BOUNDS)).toBe(2);
  });

  const demand = fc.record({ ready: fc.nat(5_000), oldestSeconds: fc.nat(600), running: fc.nat(5_000) });
  const bounds = fc.tuple(fc.integer({ min: 1, max: 50 }), fc.nat(50)).map(([min, more]) => ({ min, max: min + more }));

  it('stays between the least and the most, and never falls when there is more to do', () => {
    fc.assert(
      fc.property(demand, demand, bounds, fc.nat(100), fc.nat(60), (a, b, limits, more, older) => {
        const wanted = wantedWorkers({ here: a, elsewhere: b }, SLOTS, limits);
        expect(wanted).toBeGreaterThanOrEqual(limits.min);
        expect(wanted).toBeLessThanOrEqual(limits.max);
        const grown = { ready: a.ready + more, running: a.running + more, oldestSeconds: a.oldestSeconds + older };
        expect(wantedWorkers({ here: grown, elsewhere: b }, SLOTS, limits)).toBeGreaterThanOrEqual(wanted);
      }),
    );
  });
});

describe('settling', () => {
  const follow = (wanted: readonly number[], coolDownSeconds: number): number[] => {
    let wishes: Wishes = [];
    return wanted.map((one, second) => {
      const settled = settle(wishes, one, second, coolDownSeconds);
      ({ wishes } = settled);
      return settled.target;
    });
  };

  it('goes up at once, and down only after the cool-down', () => {
    expect(follow([1, 4, 1, 1, 1, 1], 3)).toEqual([1, 4, 4, 4, 1, 1]);
    expect(follow([3, 1, 3, 1, 3, 1], 3)).toEqual([3, 3, 3, 3, 3, 3]);
    expect(follow([5, 3, 2, 1, 1, 1, 1, 1], 3)).toEqual([5, 5, 5, 3, 2, 1, 1, 1]);
    expect(follow([4, 1], 0)).toEqual([4, 1]);
  });

  it('is always the most that was wanted within the cool-down, and remembers no more than it needs', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 20 }), { maxLength: 200 }),
        fc.integer({ min: 1, max: 30 }),
        (wanted, coolDown) => {
          const expected = wanted.map((_, at) => Math.max(...wanted.slice(Math.max(0, at - coolDown + 1), at + 1)));
          expect(follow(wanted, coolDown)).toEqual(expected);
          let wishes: Wishes = [];
          wanted.forEach((one, at) => ({ wishes } = settle(wishes, one, at, coolDown)));
          expect(wishes.length).toBeLessThanOrEqual(20);
        },
      ),
    );
  });
});

describe('changing a pool', () => {
  const member = (pid: number, running = 0, retiring = false): Member => ({ pid, running, retiring });

  it('starts what lacks, and recalls those that are about to leave first', () => {
    expect(changePool([member(1)], 3, 8)).toEqual({ start: 2, recall: [], retire: [] });
    expect(changePool([member(1), member(2, 1, true)], 3, 8)).toEqual({ start: 1, recall: [2], retire: [] });
  });

  it('lets the least busy go, the youngest among equals', () => {
    expect(changePool([member(1, 3), member(2), member(3), member(4, 1)], 2, 8).retire).toEqual([3, 2]);
    expect(changePool([member(1, 3), member(2, 1)], 1, 8).retire).toEqual([2]);
  });

  it('never has more processes than the most, nor fewer or more at work than wanted when it need not', () => {
    const members = fc
      .array(fc.tuple(fc.nat(5), fc.boolean()), { maxLength: 10 })
      .map((all) => all.map(([running, retiring], pid) => member(pid, running, retiring)));
    fc.assert(
      fc.property(members, fc.integer({ min: 1, max: 10 }), (list, target) => {
        const max = Math.max(10, list.length);
        const { start, recall, retire } = changePool(list, target, max);
        const active = list.filter(({ retiring }) => !retiring).length + start + recall.length - retire.length;
        expect(active).toBe(target);
        expect(list.length + start).toBeLessThanOrEqual(max);
        expect(recall.every((pid) => list[pid]?.retiring) && retire.every((pid) => !list[pid]?.retiring)).toBe(true);
        expect(start === 0 || retire.length === 0).toBe(true);
      }),
    );
  });
});

test('what a limit holds back starts nothing, and is not counted', () => {
  const usage = new Map([
    ['backend:r', { amount: 2, used: 1 }],
    ['resource:licence', { amount: 3, used: 0 }],
  ]);
  const waiting = [
    { lane: '', ready: 5 },
    { lane: '{"backend:r":1}', ready: 100 },
    { lane: '{"resource:licence":2}', ready: 4 },
    { lane: '{"backend:r":1,"resource:licence":1}', ready: 4 },
    { lane: '{"task:free":1}', ready: 7 },
  ];
  expect(startable(waiting, usage).map(({ lane, ready }) => [lane, ready])).toEqual([
    ['', 5],
    ['{"backend:r":1}', 1],
    ['{"resource:licence":2}', 1],
    ['{"task:free":1}', 7],
  ]);
});
