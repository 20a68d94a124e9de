import type { RetryPolicy, TaskSpec } from '../../src/domain/definitions';
import { resourcesOf, resourceVariables, resourceWords } from '../../src/domain/resources';
import { failureAfterLoss, isRetried, MAX_LOST_ATTEMPTS, type Failure } from '../../src/domain/retry';

const policy = (more: Partial<RetryPolicy> = {}): RetryPolicy => ({
  maxAttempts: 3,
  initialDelaySeconds: 1,
  maxDelaySeconds: 60,
  factor: 2,
  ...more,
});
const rules = (more: Partial<RetryPolicy> = {}): Pick<TaskSpec, 'retry' | 'exitRules'> => ({
  retry: policy(more),
  exitRules: { success: [0], temporary: [75], terminate: [] },
});
const failure = (kind: Failure['kind'], more: Partial<Failure> = {}): Failure => ({
  kind,
  exitCode: null,
  signal: null,
  ...more,
});
const ONLY = { exitCodes: [137], signals: ['SIGKILL'], causes: ['MISSING_OUTPUT'] } as const;

describe('what is tried again', () => {
  test.each([
    ['a temporary exit code', failure('EXIT_CODE', { exitCode: 75 }), true],
    ['another exit code', failure('EXIT_CODE', { exitCode: 1 }), false],
    ['a signal from outside', failure('SIGNAL', { signal: 'SIGTERM' }), true],
    ['a crash', failure('SIGNAL', { signal: 'SIGSEGV' }), false],
    ['a timeout', failure('TIMEOUT'), true],
    ['a missed heartbeat', failure('HEARTBEAT'), true],
    ['too much memory', failure('OUT_OF_MEMORY'), false],
    ['a missing output', failure('MISSING_OUTPUT'), false],
    ['an output that cannot be taken', failure('BAD_OUTPUT'), false],
    ['a command that does not start', failure('NOT_STARTED'), false],
    ['a fault of the machine', failure('MACHINE'), true],
  ])('when nothing is said: %s', (_, what, expected) => {
    expect(isRetried(rules(), what)).toBe(expected);
  });

  test.each([
    ['the listed exit code', failure('EXIT_CODE', { exitCode: 137 }), true],
    ['a temporary exit code', failure('EXIT_CODE', { exitCode: 75 }), true],
    ['the listed signal', failure('SIGNAL', { signal: 'SIGKILL' }), true],
    ['another signal', failure('SIGNAL', { signal: 'SIGTERM' }), false],
    ['the listed cause', failure('MISSING_OUTPUT'), true],
    ['a timeout', failure('TIMEOUT'), false],
    ['a fault of the machine', failure('MACHINE'), true],
  ])('when a list is given: %s', (_, what, expected) => {
    expect(isRetried(rules({ on: ONLY }), what)).toBe(expected);
  });
});

describe('a lost worker', () => {
  test('is borne until it looks like the fault of the step', () => {
    const answers = Array.from({ length: MAX_LOST_ATTEMPTS }, (_, index) => failureAfterLoss(policy(), index + 1));
    expect(answers.map((answer) => answer === null)).toEqual([true, true, false]);
  });

  test('fails a step at once that must not run twice', () => {
    expect(failureAfterLoss(policy({ on: ONLY }), 1)).toContain('does not allow another try');
  });
});

describe('resources', () => {
  const task = { resources: { memoryBytes: 100, cpus: 2 }, retry: policy() };

  test('stay as they are when nothing grows', () => {
    expect(resourcesOf(task, 3)).toEqual(task.resources);
    expect(resourcesOf({ retry: policy() }, 3)).toEqual({});
  });

  test.each([
    [0, 100],
    [1, 150],
    [2, 225],
    [3, 300],
    [5_000, 300],
  ])('grow with each of %i tries that used too much, up to the cap', (outOfMemory, memoryBytes) => {
    const growing = { ...task, retry: policy({ growth: { memoryFactor: 1.5, maxMemoryBytes: 300 } }) };
    expect(resourcesOf(growing, outOfMemory)).toEqual({ memoryBytes, cpus: 2 });
  });

  test('never shrink', () => {
    const low = { ...task, retry: policy({ growth: { memoryFactor: 2, maxMemoryBytes: 50 } }) };
    expect(resourcesOf(low, 1).memoryBytes).toBe(100);
  });

  test('are told as words and as variables, as far as they are declared', () => {
    expect(resourceWords({})).toEqual({});
    expect(resourceWords({ memoryBytes: 3 * 1024 ** 2 + 1, cpus: 2, diskBytes: 7 })).toEqual({
      MEMORY: '3145729',
      MEMORY_MB: '3',
      CPUS: '2',
      DISK: '7',
    });
    expect(resourceVariables({ cpus: 2 })).toEqual({ STEPCAST_CPUS: '2' });
  });
});
