import fc from 'fast-check';
import { cronProblem, firingsAfter, latestFirings, nextFirings } from '../../src/domain/cron';
import { isTimeZone, localDate, zoneOffset } from '../../src/domain/zonedTime';

const at = (iso: string): number => Date.parse(iso);
const shown = (instants: readonly number[]): string[] =>
  instants.map((instant) => new Date(instant).toISOString().slice(5, 16));
/** What fires between two moments. */
const between = (cron: string, timeZone: string, from: string, to: string): string[] => {
  const found: number[] = [];
  for (const instant of firingsAfter({ cron, timeZone }, at(from) - 1)) {
    if (instant >= at(to)) break;
    found.push(instant);
  }
  return shown(found);
};

describe('when the clocks go forward (Stockholm, 29 March 2026, 02:00 becomes 03:00)', () => {
  const day = ['Europe/Stockholm', '2026-03-28T12:00Z', '2026-03-30T12:00Z'] as const;

  test('a time that does not exist fires once, as much later as the clocks jump', () => {
    expect(between('30 2 * * *', ...day)).toEqual(['03-29T01:30', '03-30T00:30']);
    expect(nextFirings({ cron: '30 2 * * *', timeZone: 'Europe/Stockholm' }, at('2026-03-29T01:29:59Z'), 1)).toEqual([
      at('2026-03-29T01:30Z'),
    ]);
  });
  test('a time that it would meet fires once, not twice', () => {
    expect(between('30 2,3 * * *', 'Europe/Stockholm', '2026-03-29T00:00Z', '2026-03-29T12:00Z')).toEqual([
      '03-29T01:30',
    ]);
  });
  test('what fires every hour or every few minutes goes on without a pause', () => {
    expect(between('0 * * * *', 'Europe/Stockholm', '2026-03-29T00:00Z', '2026-03-29T04:00Z')).toEqual([
      '03-29T00:00',
      '03-29T01:00',
      '03-29T02:00',
      '03-29T03:00',
    ]);
    expect(between('*/30 * * * *', 'Europe/Stockholm', '2026-03-29T00:30Z', '2026-03-29T02:00Z')).toEqual([
      '03-29T00:30',
      '03-29T01:00',
      '03-29T01:30',
    ]);
  });
  test('midnight that does not exist (Cairo, 24 April 2026) fires at one', () => {
    expect(between('0 0 * * *', 'Africa/Cairo', '2026-04-23T12:00Z', '2026-04-25T12:00Z')).toEqual([
      '04-23T22:00',
      '04-24T21:00',
    ]);
  });
});

describe('when the clocks go back (Stockholm, 25 October 2026, 03:00 becomes 02:00)', () => {
  test('a time that exists twice fires once, the first time', () => {
    expect(between('30 2 * * *', 'Europe/Stockholm', '2026-10-24T12:00Z', '2026-10-26T12:00Z')).toEqual([
      '10-25T00:30',
      '10-26T01:30',
    ]);
  });
  test('it does not fire again for someone who begins to look between the two', () => {
    const [next] = nextFirings({ cron: '30 2 * * *', timeZone: 'Europe/Stockholm' }, at('2026-10-25T00:45Z'), 1);
    expect(shown([next ?? 0])).toEqual(['10-26T01:30']);
  });
  test('what fires every hour fires in both', () => {
    expect(between('15 * * * *', 'Europe/Stockholm', '2026-10-25T00:00Z', '2026-10-25T03:00Z')).toEqual([
      '10-25T00:15',
      '10-25T01:15',
      '10-25T02:15',
    ]);
    expect(between('*/30 * * * *', 'Europe/Stockholm', '2026-10-25T00:00Z', '2026-10-25T02:30Z')).toEqual([
      '10-25T00:00',
      '10-25T00:30',
      '10-25T01:00',
      '10-25T01:30',
      '10-25T02:00',
    ]);
  });
  test('also where clocks move by half an hour (Lord Howe)', () => {
    expect(between('45 1 * * *', 'Australia/Lord_Howe', '2026-04-04T12:00Z', '2026-04-05T20:00Z')).toEqual([
      '04-04T14:45',
      '04-05T15:15',
    ]);
    expect(between('15 2 * * *', 'Australia/Lord_Howe', '2026-10-03T12:00Z', '2026-10-04T20:00Z')).toEqual([
      '10-03T15:45',
      '10-04T15:15',
    ]);
  });
});

const zones = fc.constantFrom('UTC', 'Europe/Stockholm', 'America/New_York', 'Australia/Lord_Howe', 'Africa/Cairo');
const lines = fc.constantFrom(
  '30 2 * * *',
  '0 0 * * *',
  '*/20 * * * *',
  '0 */2 * * *',
  '45 1 * * 0',
  '15 23 L * *',
  '0 1-3 * * *',
);
const moments = fc.integer({ min: at('2026-01-01T00:00Z'), max: at('2026-12-31T00:00Z') });

test('from wherever one begins to look, the same times follow', () => {
  fc.assert(
    fc.property(zones, lines, moments, fc.integer({ min: 1, max: 20 }), (timeZone, cron, start, skip) => {
      const all = nextFirings({ cron, timeZone }, start, skip + 5);
      expect([...all].sort((a, b) => a - b)).toEqual(all);
      expect(new Set(all).size).toBe(all.length);
      const middle = all[skip - 1] ?? start;
      expect(nextFirings({ cron, timeZone }, middle, 5)).toEqual(all.slice(skip, skip + 5));
    }),
    { numRuns: 200 },
  );
});

test('the latest times of a span are the end of all of them', () => {
  fc.assert(
    fc.property(zones, lines, moments, fc.integer({ min: 0, max: 40 }), (timeZone, cron, start, days) => {
      const until = start + days * 86_400_000;
      const all: number[] = [];
      for (const instant of firingsAfter({ cron, timeZone }, start)) {
        if (instant > until) break;
        all.push(instant);
      }
      expect(latestFirings({ cron, timeZone }, start, until, 7)).toEqual({
        instants: all.slice(-7),
        more: all.length > 7,
      });
    }),
    { numRuns: 100 },
  );
});

test('a year of silence of a line that fires each second costs little', () => {
  const { instants, more } = latestFirings(
    { cron: '* * * * * *', timeZone: 'Europe/Stockholm' },
    at('2025-06-01T00:00Z'),
    at('2026-06-01T00:00Z'),
    10,
  );
  expect(more).toBe(true);
  expect(instants.at(-1)).toBe(at('2026-06-01T00:00Z'));
  expect(instants).toHaveLength(10);
});

test.each([
  ['61 * * * *', /minute|constraint|got value 61/i],
  ['* * * *', '4 fields'],
  ['H * * * *', "'H' is not understood"],
  ['0 0 30 2 *', 'never fires'],
  ['0 0 * * FOO', /./],
  ['', '0 fields'],
])('%s is refused with a reason', (cron, reason) => {
  expect(cronProblem(cron)).toMatch(reason);
});

test.each(['@daily', '0 6 * * MON-FRI', '0 0 29 2 *', '*/5 8-18 * * 1-5', '30 0 0 1 * *', '0 12 L * *', '0 9 * * 1#1'])(
  '%s is a cron line',
  (cron) => {
    expect(cronProblem(cron)).toBeNull();
    expect(nextFirings({ cron, timeZone: 'UTC' }, at('2026-01-01T00:00Z'), 1)).toHaveLength(1);
  },
);

test('a zone is a name of the database of time zones', () => {
  expect(['UTC', 'Europe/Stockholm', 'Etc/GMT+5'].filter(isTimeZone)).toHaveLength(3);
  expect(['Europe/Stockolm', '', '+01:00', 'x'.repeat(100)].filter(isTimeZone)).toEqual([]);
});

test('a date is that of the zone', () => {
  expect(localDate('Pacific/Auckland', at('2026-06-30T12:00Z'))).toBe('2026-07-01');
  expect(zoneOffset('Asia/Kolkata', at('2026-06-30T12:00Z'))).toBe(5.5 * 3_600_000);
});
