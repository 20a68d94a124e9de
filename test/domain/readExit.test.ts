import { readExit, type ExitFacts } from '../../src/domain/readExit';
import type { MissingOutputRule } from '../../src/domain/definitions';

const rules = (missingOutput: MissingOutputRule = 'FAIL') => ({
  exitRules: { success: [0, 3], temporary: [75], terminate: [9] },
  missingOutput,
  timeoutSeconds: 90,
});
const facts = (more: Partial<ExitFacts>): ExitFacts => ({
  exitCode: 0,
  signal: null,
  timedOut: false,
  cancelled: null,
  missing: [],
  ...more,
});
const FAILED_FOR_GOOD = { state: 'FAILED', retryable: false, terminate: false };
const FAILED_FOR_NOW = { state: 'FAILED', retryable: true, terminate: false };

describe('the reading of an exit', () => {
  test.each([0, 3])('code %i is plain success, without words', (exitCode) => {
    expect(readExit(rules(), facts({ exitCode }))).toEqual({
      state: 'SUCCEEDED',
      retryable: false,
      terminate: false,
      message: '',
    });
  });

  test('a declared temporary code may be tried again', () => {
    expect(readExit(rules(), facts({ exitCode: 75 }))).toMatchObject(FAILED_FOR_NOW);
  });

  test('a code in no list fails for good and says what success would be', () => {
    const reading = readExit(rules(), facts({ exitCode: 1 }));
    expect(reading).toMatchObject(FAILED_FOR_GOOD);
    expect(reading.message).toBe('Exit code 1. Success would be 0 or 3.');
  });

  test('a terminating code ends the submission as succeeded, whatever is missing', () => {
    expect(readExit(rules(), facts({ exitCode: 9, missing: ['`a`'] }))).toMatchObject({
      state: 'SUCCEEDED',
      terminate: true,
    });
  });

  test('127 is explained as a shell means it', () => {
    expect(readExit(rules(), facts({ exitCode: 127 })).message).toContain('was not found');
  });

  test('a kill from outside hints at memory and may be tried again', () => {
    const reading = readExit(rules(), facts({ exitCode: null, signal: 'SIGKILL' }));
    expect(reading).toMatchObject(FAILED_FOR_NOW);
    expect(reading.message).toMatch(/SIGKILL.*memory/);
  });

  test('a crash fails for good', () => {
    const reading = readExit(rules(), facts({ exitCode: null, signal: 'SIGSEGV' }));
    expect(reading).toMatchObject(FAILED_FOR_GOOD);
    expect(reading.message).toContain('SIGSEGV');
  });

  test('a timeout is named as such, not as the signal that ended it', () => {
    const reading = readExit(rules(), facts({ exitCode: null, signal: 'SIGKILL', timedOut: true }));
    expect(reading).toMatchObject(FAILED_FOR_NOW);
    expect(reading.message).toContain('timeout of 90 seconds');
    expect(reading.message).not.toContain('memory');
  });

  test('a cancel wins over everything', () => {
    expect(readExit(rules(), facts({ cancelled: 'cancelled', timedOut: true })).state).toBe('CANCELLED');
    expect(readExit(rules(), facts({ cancelled: 'shutdown' })).message).toContain('shut down');
  });

  test.each([
    ['FAIL', { state: 'FAILED', terminate: false }],
    ['CONTINUE', { state: 'SUCCEEDED', terminate: false }],
    ['TERMINATE', { state: 'SUCCEEDED', terminate: true }],
  ] as const)('a missing output under %s', (rule, expected) => {
    const reading = readExit(rules(rule), facts({ missing: ['`table`'] }));
    expect(reading).toMatchObject(expected);
    expect(reading.message).toContain('`table`');
  });

  test('a missing output says nothing when the command failed already', () => {
    expect(readExit(rules('CONTINUE'), facts({ exitCode: 1, missing: ['`table`'] }))).toMatchObject(FAILED_FOR_GOOD);
  });

  test('an output that cannot be taken fails even where missing ones are allowed', () => {
    const reading = readExit(rules('CONTINUE'), facts({ faults: ['It is no JSON.'] }));
    expect(reading).toMatchObject({ ...FAILED_FOR_GOOD, message: 'It is no JSON.' });
  });
});
