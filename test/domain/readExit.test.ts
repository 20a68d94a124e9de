import { readExit, type ExitFacts } from '../../src/domain/readExit';
import type { MissingOutputRule, RetryPolicy } from '../../src/domain/definitions';

const rules = (missingOutput: MissingOutputRule = 'FAIL', retry: Partial<RetryPolicy> = {}) => ({
  exitRules: { success: [0, 3], temporary: [75], terminate: [9] },
  missingOutput,
  timeoutSeconds: 90,
  heartbeatSeconds: 30,
  retry: { maxAttempts: 3, initialDelaySeconds: 1, maxDelaySeconds: 60, factor: 2, ...retry },
});
const facts = (more: Partial<ExitFacts>): ExitFacts => ({
  exitCode: 0,
  signal: null,
  passed: null,
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
      failure: null,
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
    const reading = readExit(rules(), facts({ exitCode: null, signal: 'SIGKILL', passed: 'TIMEOUT' }));
    expect(reading).toMatchObject(FAILED_FOR_NOW);
    expect(reading.message).toContain('timeout of 90 seconds');
    expect(reading.message).not.toContain('memory');
  });

  test('a command that reports nothing is taken to hang, and may be tried again', () => {
    const reading = readExit(rules(), facts({ exitCode: null, signal: 'SIGTERM', passed: 'HEARTBEAT' }));
    expect(reading).toMatchObject({ ...FAILED_FOR_NOW, failure: 'HEARTBEAT' });
    expect(reading.message).toContain('reported nothing for 30 seconds');
  });

  test('too much memory is told with both figures, and more of the same helps only where it grows', () => {
    const memory = { limitBytes: 64 * 1024 ** 2, usedBytes: 70.5 * 1024 ** 2 };
    const grows = { growth: { memoryFactor: 2, maxMemoryBytes: 128 * 1024 ** 2 } };
    const read = (limitBytes: number, retry: Partial<RetryPolicy>) =>
      readExit(
        rules('FAIL', retry),
        facts({ exitCode: null, signal: 'SIGKILL', passed: 'OUT_OF_MEMORY', memory: { ...memory, limitBytes } }),
      );
    expect(read(memory.limitBytes, {})).toMatchObject({ ...FAILED_FOR_GOOD, failure: 'OUT_OF_MEMORY' });
    expect(read(memory.limitBytes, {}).message).toContain('used 71 MB of memory');
    expect(read(memory.limitBytes, {}).message).toContain('may use 64 MB');
    expect(read(memory.limitBytes, grows)).toMatchObject(FAILED_FOR_NOW);
    expect(read(grows.growth.maxMemoryBytes, grows)).toMatchObject(FAILED_FOR_GOOD);
  });

  test('a shutdown hands the work back, but for a command that began and must not run twice', () => {
    const once = rules('FAIL', { on: { exitCodes: [], signals: [], causes: [] } });
    const ended = facts({ exitCode: null, signal: 'SIGTERM', cancelled: 'shutdown' });
    expect(readExit(rules(), ended).state).toBe('CANCELLED');
    expect(readExit(once, ended)).toMatchObject({ ...FAILED_FOR_GOOD, failure: 'LOST' });
    expect(readExit(once, { ...ended, signal: null }).state).toBe('CANCELLED');
  });

  test.each([
    ['EXIT_CODE', { exitCode: 1 }],
    ['SIGNAL', { exitCode: null, signal: 'SIGSEGV' }],
    ['MACHINE', { exitCode: null }],
    ['MISSING_OUTPUT', { missing: ['`a`'] }],
    ['BAD_OUTPUT', { faults: ['It is no JSON.'] }],
  ] as const)('tells %s from the other kinds of failure', (kind, what) => {
    expect(readExit(rules(), facts(what))).toMatchObject({ state: 'FAILED', failure: kind });
  });

  test('a cancel wins over everything', () => {
    expect(readExit(rules(), facts({ cancelled: 'cancelled', passed: 'TIMEOUT' })).state).toBe('CANCELLED');
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
