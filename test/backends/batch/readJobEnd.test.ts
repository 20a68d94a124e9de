import { readJobEnd, type JobEndFacts } from '../../../src/backends/batch/readJobEnd';
import type { RunnerEnd } from '../../../src/backends/batch/runnerFiles';

const figures = { cpuMs: 10, peakBytes: null, sizes: null };
const read = (facts: Partial<JobEndFacts>) =>
  readJobEnd({
    ...{ title: 'Slurm job 1', runner: null, scheduler: null, program: 'sh', resources: {}, timeLimitSeconds: 60 },
    ...facts,
  });

describe('a job that somebody outside cancelled', () => {
  test.each<[string, RunnerEnd | null]>([
    ['the command was ended by the signal', { ...figures, stopped: true, how: 'signal', signal: 'SIGTERM' }],
    ['a shell whose child was ended first', { ...figures, stopped: true, how: 'code', code: 143 }],
    ['a command that cleaned up and ended well', { ...figures, stopped: true, how: 'code', code: 0 }],
    ['without a word of its runner', null],
  ])('was ended by a signal from outside: %s', (_, runner) => {
    expect(read({ runner, scheduler: { kind: 'cancelled' } })).toMatchObject({
      exitCode: null,
      signal: 'SIGTERM',
      failure: { kind: 'SIGNAL' },
    });
  });

  test('has succeeded when it had ended before', () => {
    const runner: RunnerEnd = { ...figures, stopped: false, how: 'code', code: 0 };
    const exit = read({ runner, scheduler: { kind: 'cancelled' } });
    expect(exit).toMatchObject({ exitCode: 0, signal: null });
    expect(exit.failure).toBeUndefined();
  });
});
