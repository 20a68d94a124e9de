import type { BackendHealth } from '../../src/domain/backendHealth';
import type { BackendSpec } from '../../src/domain/definitions';
import { createEngineWatch, type EngineWatch } from '../../workers/engineWatch';
import { eventually } from '../e2e/support/wait';

const READY: BackendHealth = { state: 'READY', version: '1.0', message: '' };
const MISSING: BackendHealth = { state: 'MISSING', version: null, message: 'not installed' };
const spec = (name: string, description = ''): BackendSpec => ({
  ...{ name, description, kind: 'LOCAL', environment: {}, options: {} },
});

const open: EngineWatch[] = [];
afterEach(() => open.splice(0).forEach((watch) => watch.stop()));

interface Watched {
  readonly watch: EngineWatch;
  readonly told: [string, BackendHealth][];
  readonly asked: string[];
  readonly became: number[];
  readonly logged: string[];
}

function watching(ask: (spec: BackendSpec) => Promise<BackendHealth>, intervalMs = 20, answerMs = 10_000): Watched {
  const told: [string, BackendHealth][] = [];
  const asked: string[] = [];
  const became: number[] = [];
  const logged: string[] = [];
  const watch = createEngineWatch({
    ask: (one) => {
      asked.push(one.name);
      return ask(one);
    },
    tell: async (backend, health) => void told.push([backend, health]),
    onReady: () => void became.push(asked.length),
    log: (level, message) => logged.push(`${level} ${message}`),
    ...{ intervalMs, answerMs },
  });
  open.push(watch);
  return { watch, told, asked, became, logged };
}

test('a backend is not ready before its engine has answered', async () => {
  let answer: (health: BackendHealth) => void = () => undefined;
  const { watch, told, became } = watching(() => new Promise((resolve) => (answer = resolve)));
  watch.watch([spec('r')]);
  expect(watch.isReady('r')).toBe(false);
  answer(READY);
  await eventually('it is ready', () => watch.isReady('r'));
  expect(told).toEqual([['r', READY]]);
  expect(became).toHaveLength(1);
});

test('an engine that appears is found without a restart, and one that goes is left alone', async () => {
  let health = MISSING;
  const { watch, told, became, logged } = watching(() => Promise.resolve(health));
  watch.watch([spec('r')]);
  await eventually('it was asked twice', () => told.length >= 2);
  expect([watch.isReady('r'), became]).toEqual([false, []]);
  health = READY;
  await eventually('it is ready', () => watch.isReady('r'));
  expect(became).toHaveLength(1);
  health = MISSING;
  await eventually('it is gone', () => !watch.isReady('r'));
  // Each change once; what was never there is no trouble.
  expect(logged).toEqual([
    'info backend r is MISSING: not installed',
    'info backend r is ready',
    'warn backend r is MISSING: not installed',
  ]);
});

test('an engine without an answer is UNAVAILABLE, is asked one question at a time, and holds up no other', async () => {
  const { watch, told, asked } = watching(
    ({ name }) => (name === 'hangs' ? new Promise(() => undefined) : Promise.resolve(READY)),
    ...([20, 50] as const),
  );
  watch.watch([spec('hangs'), spec('quick')]);
  await eventually('the other one is ready', () => watch.isReady('quick'));
  await eventually('it was told twice', () => told.filter(([name]) => name === 'hangs').length >= 2);
  expect(told.find(([name]) => name === 'hangs')?.[1]).toMatchObject({
    state: 'UNAVAILABLE',
    message: 'Its engine gave no answer within 0.05 s.',
  });
  expect(asked.filter((name) => name === 'hangs')).toHaveLength(1);
});

test('an engine that cannot even be asked is UNAVAILABLE, with the reason', async () => {
  const { watch, told } = watching(() => Promise.reject(new Error('no such module')));
  watch.watch([spec('custom')]);
  await eventually('it was told', () => told.length > 0);
  expect(told[0]).toEqual(['custom', { state: 'UNAVAILABLE', version: null, message: 'no such module' }]);
});

test('a backend that is defined anew is asked at once, and the answer about its old form counts no more', async () => {
  const answers: ((health: BackendHealth) => void)[] = [];
  const { watch, told, asked } = watching(() => new Promise((resolve) => answers.push(resolve)), 3_600_000);
  watch.watch([spec('r', 'old')]);
  watch.watch([spec('r', 'old')]);
  expect(asked).toEqual(['r']);
  watch.watch([spec('r', 'new')]);
  expect(asked).toEqual(['r', 'r']);
  answers[0]?.(READY);
  answers[1]?.(MISSING);
  await eventually('the new one answered', () => told.length > 0);
  expect(told).toEqual([['r', MISSING]]);
  expect(watch.isReady('r')).toBe(false);
});
