import fc from 'fast-check';
import { quantile, remaining, type Distribution } from '../../src/domain/durations';
import { estimate, type JobHistory, type StepNow } from '../../src/domain/estimate';

const always = (seconds: number): Distribution => ({
  count: 9,
  min: seconds,
  p10: seconds,
  p50: seconds,
  p90: seconds,
  max: seconds,
});
const spread: Distribution = { count: 100, min: 0, p10: 10, p50: 50, p90: 90, max: 100 };

const distributions = fc
  .array(fc.integer({ min: 0, max: 100_000 }), { minLength: 5, maxLength: 5 })
  .map((values) => values.sort((a, b) => a - b))
  .map(([min = 0, p10 = 0, p50 = 0, p90 = 0, max = 0]): Distribution => ({ count: 5, min, p10, p50, p90, max }));

describe('a distribution', () => {
  it('gives each share of the runs its duration, in between on a line', () => {
    const seconds = [0, 0.1, 0.3, 0.5, 0.95, 1].map((share) => Math.round(quantile(spread, share)));
    expect(seconds).toEqual([0, 10, 30, 50, 95, 100]);
  });
  it('tells of a run under way from those that lasted as long', () => {
    expect(remaining(spread, 0, 0.5)).toBe(50);
    // Of those that lasted 50, half ended by 75.
    expect(remaining(spread, 50, 0.5)).toBeCloseTo(25);
    expect(remaining(spread, 100, 0.5)).toBeNull();
  });
  it('never tells a time that is negative or past the longest run', () => {
    fc.assert(
      fc.property(
        distributions,
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (d, e, q) => {
          const elapsed = e * d.max * 0.999;
          const left = remaining(d, elapsed, q);
          if (elapsed >= d.max) return left === null;
          return left !== null && left >= -1e-6 && elapsed + left <= d.max + 1e-6;
        },
      ),
    );
  });
});

const step = (name: string, now: Partial<StepNow> = {}): StepNow => ({
  name,
  predecessors: [],
  conditional: false,
  pending: 0,
  ready: 0,
  running: [],
  ...now,
});
const history = (steps: Readonly<Record<string, Distribution>>, olderVersions = false): JobHistory => ({
  job: always(100),
  steps: new Map(Object.entries(steps)),
  olderVersions,
});

describe('the time that is left', () => {
  it('is that of the longest way through what is left', () => {
    const steps = [
      step('split'),
      step('short', { predecessors: [0], running: [1] }),
      step('long', { predecessors: [0], running: [4] }),
      step('join', { predecessors: [1, 2], pending: 1 }),
    ];
    const times = history({ split: always(99), short: always(3), long: always(10), join: always(5) });
    expect(estimate(steps, times)).toEqual({ secondsLeft: 11, secondsLeftHigh: 11, basis: 'THIS_VERSION' });
  });
  it('has a high figure beside the likely one', () => {
    const steps = [step('work', { running: [0] }), step('end', { predecessors: [0], pending: 1 })];
    const { secondsLeft, secondsLeftHigh } = estimate(steps, history({ work: spread, end: always(1) }));
    expect([secondsLeft, secondsLeftHigh]).toEqual([51, 91]);
  });
  it('of many runs of one step follows from how many run at once', () => {
    const steps = [step('each', { ready: 6, running: [0, 5] }), step('join', { predecessors: [0], pending: 1 })];
    // 10 + 5 + 6 × 10 seconds of work, two at a time, and then 1.
    expect(estimate(steps, history({ each: always(10), join: always(1) })).secondsLeft).toBe(38.5);
  });
  it('is at least all the work that is left, when ready steps wait for workers', () => {
    const steps = [step('a', { running: [0] }), step('b', { ready: 1 }), step('c', { ready: 1 })];
    expect(estimate(steps, history({ a: always(10), b: always(10), c: always(10) })).secondsLeft).toBe(30);
  });
  it('leaves out what a condition skipped in every run of this version', () => {
    const steps = [step('a', { running: [4] }), step('rare', { predecessors: [0], pending: 1, conditional: true })];
    expect(estimate(steps, history({ a: always(10) })).secondsLeft).toBe(6);
    expect(estimate(steps, history({ a: always(10) }, true))).toMatchObject({ secondsLeft: null, basis: 'NO_HISTORY' });
  });
  it('says when it rests on older versions', () => {
    expect(estimate([step('a', { ready: 1 })], history({ a: always(1) }, true)).basis).toBe('OLDER_VERSIONS');
  });
  it('is not told before the first success, nor of a step that nobody has seen end', () => {
    const unknown = { secondsLeft: null, secondsLeftHigh: null, basis: 'NO_HISTORY' };
    expect(estimate([step('a', { ready: 1 })], { ...history({ a: always(1) }), job: null })).toEqual(unknown);
    expect(estimate([step('new', { ready: 1 })], history({ a: always(1) }))).toEqual(unknown);
  });
  it('is not told of a step that has outlasted all before', () => {
    const steps = [step('a', { running: [11] })];
    expect(estimate(steps, history({ a: always(10) }))).toEqual({
      secondsLeft: null,
      secondsLeftHigh: null,
      basis: 'OUTLASTED',
    });
  });
});
