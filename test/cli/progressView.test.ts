import { PassThrough } from 'node:stream';
import type { Step, SubmissionEvent } from '../../src/cli/client/submissions';
import { duration, lineView, progressView } from '../../src/cli/progressView';

const steps = ['load', 'count'].map((name): Step => ({
  id: name,
  name,
  state: 'PENDING',
  percent: null,
  attempt: 0,
  exitCode: null,
  cached: false,
  startedAt: null,
  finishedAt: null,
  message: '',
}));

function event(stepRunId: string, more: Partial<SubmissionEvent>): SubmissionEvent {
  const none = { state: null, percent: null, attempt: 1, message: '', at: '2026-01-01T00:00:00.000Z' };
  return { seq: 1, type: 'STEP_STATE', stepName: stepRunId, stepRunId, ...none, ...more };
}

function show(isTTY: boolean): string {
  const output = Object.assign(new PassThrough(), { isTTY, rows: 24, columns: 120 });
  const view = progressView(steps, output);
  view.event(event('load', { state: 'RUNNING' }));
  view.event(event('load', { state: 'SUCCEEDED', at: '2026-01-01T00:00:02.500Z' }));
  view.event(event('count', { state: 'RUNNING' }));
  view.event(event('count', { type: 'STEP_PROGRESS', percent: 50, message: 'half' }));
  view.close();
  return (output.read() as Buffer).toString();
}

test('a terminal shows a bar per step', () => {
  const text = show(true);
  expect(text).toMatch(/load {3}█{30} {2}succeeded +2\.5 s/);
  expect(text).toMatch(/count {2}█{15}░{15} {2}running .* half/);
});

test('anything else gets plain lines', () => {
  expect(show(false)).toBe('  load   running\n  load   succeeded  2.5 s\n  count  running\n  count  50 %  half\n');
});

test('durations are read at a glance', () => {
  expect([340, 12_340, 245_000].map(duration)).toEqual(['340 ms', '12.3 s', '4 min 5 s']);
});

test('elements of a scatter are counted, and their lines stay few', () => {
  const lines: string[] = [];
  const view = lineView([{ name: 'each' }], (line) => lines.push(line));
  view.event(event('each', { state: 'RUNNING', message: '1000 elements', attempt: 0 }));
  for (let index = 0; index < 1_000; index += 1) {
    const element = { stepName: `each[${index}]` };
    view.event(event(`e${index}`, { ...element, state: 'RUNNING' }));
    view.event(event(`i${index}`, { stepName: `each[${index}]/inner`, state: 'SUCCEEDED' }));
    view.event(event(`e${index}`, { ...element, state: index === 6 ? 'FAILED' : 'SUCCEEDED' }));
  }
  expect(lines).toHaveLength(12);
  expect(lines[0]).toBe('  each  running  1000 elements');
  expect(lines).toContain('  each  7 done, 1 failed');
  expect(lines.at(-1)).toBe('  each  1000 done, 1 failed');
});
