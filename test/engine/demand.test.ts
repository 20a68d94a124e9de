import { startableWork } from '../../src/engine/demand';
import { pauseBackend, pauseSubmission, unpauseBackend, unpauseSubmission } from '../../src/engine/pause';
import { job, task, type TestEngine } from './support';
import { withEngine } from './withEngine';

let engine: TestEngine;
withEngine(async (given) => {
  engine = given;
  await engine.define(
    [task('work'), { ...task('licensed'), uses: { licence: 2 } }],
    [
      job('one', { only: {} }),
      job('pair', { first: {}, second: { after: ['first'] } }),
      job('licensed', { only: { task: 'licensed' } }),
    ],
    { resources: [{ name: 'licence', description: '', amount: 5 }] },
  );
});

const ready = async (limit = 100): Promise<number> =>
  (await startableWork(engine.db, ['local'], limit)).reduce((sum, one) => sum + one.ready, 0);
const submit = (name: string, times: number) => Promise.all(Array.from({ length: times }, () => engine.submit(name)));

test('what would start is what is ready, of each priority, up to the count that was asked for', async () => {
  expect(await ready()).toBe(0);
  await submit('pair', 4);
  await engine.submit('one', { priority: 'HIGH' });
  expect(
    (await startableWork(engine.db, ['local'], 100)).map(({ priority, ready: count }) => [priority, count]),
  ).toEqual([
    [0, 1],
    [1, 4],
  ]);
  expect(await ready(3)).toBe(4);
  expect(await startableWork(engine.db, ['elsewhere'], 100)).toEqual([]);
  await engine.claim(await engine.worker(), 2);
  expect(await ready()).toBe(3);
});

test('limits hold back all but what fits beside what runs', async () => {
  await submit('licensed', 6);
  expect(await ready()).toBe(2);
  await submit('one', 3);
  expect(await ready()).toBe(5);
  await engine.claim(await engine.worker(), 1);
  await engine.claim(await engine.worker(), 100);
  expect(await ready()).toBe(0);
});

test('pauses hold back everything, for as long as they last', async () => {
  const [id = ''] = await submit('one', 2);
  const local = ['local', [0, 1, 2]] as const;
  await pauseSubmission(engine.dependencies, id, 'later');
  expect(await ready()).toBe(1);
  await unpauseSubmission(engine.dependencies, id);
  await pauseBackend(engine.dependencies, ...local, 'later');
  expect(await ready()).toBe(0);
  await unpauseBackend(engine.dependencies, ...local);
  expect(await ready()).toBe(2);
});
