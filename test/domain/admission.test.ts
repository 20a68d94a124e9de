import { admittedPriority, NO_ADMISSION_LIMITS, retryAfterSeconds, tooMany } from '../../src/domain/admission';

const limits = { lowerBeyond: 3, refuseBeyond: 5 };

test('up to the first limit a submission is admitted as asked, beyond it one class less urgent', () => {
  expect(admittedPriority('HIGH', 2, limits)).toBe('HIGH');
  expect(admittedPriority('HIGH', 3, limits)).toBe('NORMAL');
  expect(admittedPriority('NORMAL', 9, limits)).toBe('LOW');
  expect(admittedPriority('LOW', 3, limits)).toBe('LOW');
  expect(admittedPriority('HIGH', 1_000, NO_ADMISSION_LIMITS)).toBe('HIGH');
});

test('beyond the second limit submissions are too many', () => {
  expect(tooMany(4, 1, limits)).toBe(0);
  expect(tooMany(4, 3, limits)).toBe(2);
  expect(tooMany(9, 1, limits)).toBe(5);
  expect(tooMany(1_000, 1_000, NO_ADMISSION_LIMITS)).toBe(0);
});

test('when to try again follows from how fast others ended, from a second to an hour', () => {
  expect(retryAfterSeconds(2, { count: 10, seconds: 100 })).toBe(20);
  expect(retryAfterSeconds(1, { count: 1_000, seconds: 10 })).toBe(1);
  expect(retryAfterSeconds(1_000, { count: 1, seconds: 500 })).toBe(3_600);
  expect(retryAfterSeconds(1, { count: 3, seconds: 0 })).toBe(1);
  expect(retryAfterSeconds(1, { count: 0, seconds: 0 })).toBe(60);
});
