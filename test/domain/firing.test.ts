import { atPointer, bind, referencesIn, type BindingContext } from '../../src/domain/binding';
import {
  decideOverlap,
  jitterOf,
  MAX_WAITING,
  MISSED_RECORDED,
  ON_TIME_MS,
  planTimes,
  triggerCycle,
  type TriggerSpec,
} from '../../src/domain/firing';
import { hookRefusal, hookSignature } from '../../src/domain/webhook';

const NOW = Date.parse('2026-03-29T12:00:00Z');
const minutesAgo = (...minutes: number[]): number[] => minutes.map((minute) => NOW - minute * 60_000);
const fates = (catchUp: 'NONE' | 'LATEST' | 'ALL', times: readonly number[], catchUpLimit = 100): string[] =>
  planTimes({ catchUp, catchUpLimit }, times, NOW).map(({ fate }) => fate.kind);

describe('times that passed since the last look', () => {
  test('fire, whatever catch-up says, when the look was not much too late', () => {
    const times = [NOW - ON_TIME_MS, NOW - 1, NOW];
    for (const catchUp of ['NONE', 'LATEST', 'ALL'] as const)
      expect(fates(catchUp, times)).toEqual(Array(3).fill('fire'));
  });
  test('are skipped, made good by the latest, or made good up to a limit, when they were missed', () => {
    const times = minutesAgo(50, 40, 30, 20);
    expect(fates('NONE', times)).toEqual(['skip', 'skip', 'skip', 'skip']);
    expect(fates('LATEST', times)).toEqual(['skip', 'skip', 'skip', 'fire']);
    expect(fates('ALL', times, 3)).toEqual(['skip', 'fire', 'fire', 'fire']);
  });
  test('are not made good by LATEST when a time fires anyway', () => {
    expect(fates('LATEST', minutesAgo(40, 20, 0))).toEqual(['skip', 'skip', 'fire']);
  });
  test('are recorded as skipped only so far back', () => {
    const times = Array.from({ length: 500 }, (_, index) => NOW - (600 - index) * 60_000);
    const planned = planTimes({ catchUp: 'NONE', catchUpLimit: 1 }, times, NOW);
    expect(planned).toHaveLength(MISSED_RECORDED);
    expect(planned.at(-1)?.time).toBe(times.at(-1));
  });
});

describe('while an earlier submission has not ended', () => {
  const running = [{ submissionId: '1', state: 'RUNNING' as const }];
  test.each([
    ['SKIP', 'skip'],
    ['QUEUE', 'wait'],
    ['CANCEL_RUNNING', 'cancel'],
    ['ALLOW', 'submit'],
  ] as const)('%s means: %s', (overlap, kind) => {
    expect(decideOverlap(overlap, running, 0).kind).toBe(kind);
    expect(decideOverlap(overlap, [{ submissionId: '1', state: 'FAILED' }], 0).kind).toBe('submit');
  });
  test('one that is being cancelled is not cancelled again', () => {
    expect(decideOverlap('CANCEL_RUNNING', [{ submissionId: '1', state: 'CANCELLING' }], 0).kind).toBe('submit');
  });
  test('an earlier firing goes first, and only so many wait', () => {
    expect(decideOverlap('QUEUE', [], 1).kind).toBe('wait');
    expect(decideOverlap('QUEUE', running, MAX_WAITING).kind).toBe('skip');
  });
});

test('a delay is below the jitter, the same for the same firing, and spread over firings', () => {
  const schedule = { name: 'nightly', jitterSeconds: 60 };
  const delays = Array.from({ length: 200 }, (_, index) => jitterOf(schedule, NOW + index * 1_000));
  expect(delays.every((delay) => delay >= 0 && delay < 60)).toBe(true);
  expect(jitterOf(schedule, NOW)).toBe(delays[0]);
  expect(new Set(delays.map((delay) => Math.floor(delay / 10))).size).toBe(6);
  expect(jitterOf({ ...schedule, jitterSeconds: 0 }, NOW)).toBe(0);
});

describe('triggers that wait for jobs', () => {
  const after = (name: string, source: string, job: string): TriggerSpec => ({
    name,
    description: '',
    job,
    inputs: {},
    priority: 'NORMAL',
    label: '',
    enabled: true,
    on: { kind: 'COMPLETION', job: source, ending: 'ANY' },
  });
  test('may branch and meet', () => {
    expect(
      triggerCycle([after('1', 'a', 'b'), after('2', 'a', 'c'), after('3', 'b', 'd'), after('4', 'c', 'd')]),
    ).toBeNull();
  });
  test('may not lead back, by however many', () => {
    expect(triggerCycle([after('1', 'a', 'a')])?.jobs).toEqual(['a', 'a']);
    expect(
      triggerCycle([after('0', 'x', 'a'), after('1', 'a', 'b'), after('2', 'b', 'c'), after('3', 'c', 'a')])?.jobs,
    ).toEqual(['a', 'b', 'c', 'a']);
  });
  test('are walked through also in a chain of a thousand', () => {
    const chain = Array.from({ length: 1_000 }, (_, index) => after(`t${index}`, `j${index}`, `j${index + 1}`));
    expect(triggerCycle(chain)).toBeNull();
    expect(triggerCycle([...chain, after('back', 'j1000', 'j0')])?.jobs).toHaveLength(1_002);
  });
});

describe('references', () => {
  const context: BindingContext = {
    firing: { time: Date.parse('2026-03-28T23:30:00Z'), previous: null, timeZone: 'Europe/Stockholm' },
    body: { a: { 'x/y': [1, { b: 'deep' }] }, file: { n: 1 } },
    submission: {
      facts: { id: 'S1', state: 'SUCCEEDED', label: 'l', job: 'j' },
      inputs: { title: 'T' },
      outputs: { n: 3 },
    },
  };
  const bound = (value: unknown): unknown => bind(value, context, (held) => ({ held }));

  test('are replaced wherever they stand, and nothing else is', () => {
    expect(
      bound({
        time: { firing: 'time' },
        date: { firing: 'date' },
        previous: { firing: 'previous' },
        list: [{ body: '/a/x~1y/1/b' }, 'plain', { deeper: { submission: 'id' } }],
        output: { output: 'n' },
        input: { input: 'title' },
        gone: { output: 'nothing' },
      }),
    ).toEqual({
      time: '2026-03-28T23:30:00Z',
      date: '2026-03-29',
      previous: null,
      list: ['deep', 'plain', { deeper: 'S1' }],
      output: { held: 3 },
      input: { held: 'T' },
      gone: null,
    });
  });
  test('are left alone inside of a value that is taken as it is', () => {
    expect(bound({ x: { value: { firing: 'time' } } })).toEqual({ x: { firing: 'time' } });
    expect(referencesIn({ x: { value: { firing: 'time' } } })).toEqual([]);
  });
  test('make a text of a file also from what is none', () => {
    expect(bound({ text: { body: '/file' }, name: 'f.json' })).toEqual({ text: '{"n":1}', name: 'f.json' });
    expect(bound({ text: { input: 'title' } })).toEqual({ text: 'T' });
    expect(bound({ text: { output: 'n' } })).toEqual({ text: '3' });
  });
  test('never reach what a document only inherits', () => {
    expect(atPointer({}, '/constructor')).toBeUndefined();
    expect(atPointer([1], '/length')).toBeUndefined();
    expect(bound({ body: '/__proto__' })).toBeNull();
  });
});

describe('a signature', () => {
  const body = Buffer.from('{}');
  const timestamp = String(NOW / 1_000);
  const signed = (secret: string) => ({ timestamp, signature: hookSignature(secret, timestamp, body), body });

  test('is that of any good secret, and of no other', () => {
    expect(hookRefusal(signed('b'), ['a', 'b'], NOW)).toBeNull();
    expect(hookRefusal(signed('c'), ['a', 'b'], NOW)).toBe('forged');
    expect(hookRefusal(signed('a'), [], NOW)).toBe('forged');
    expect(hookRefusal({ ...signed('a'), body: Buffer.from('{ }') }, ['a'], NOW)).toBe('forged');
  });
  test('holds for five minutes, in both directions', () => {
    expect(hookRefusal(signed('a'), ['a'], NOW + 299_000)).toBeNull();
    expect(hookRefusal(signed('a'), ['a'], NOW + 301_000)).toBe('stale');
    expect(hookRefusal(signed('a'), ['a'], NOW - 301_000)).toBe('stale');
  });
  test.each([undefined, '', 'sha256=', 'sha1=00', `sha256=${'G'.repeat(64)}`])('is never %s', (signature) => {
    expect(hookRefusal({ timestamp, signature, body }, ['a'], NOW)).toBe('unsigned');
  });
});
