import { existsSync, mkdirSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createBench, type Bench } from './support';
import { backendOf } from './written';

let bench: Bench;
beforeEach(() => (bench = createBench()));
afterEach(async () => {
  jest.restoreAllMocks();
  await bench.close();
});

const reap = (): Promise<number> => bench.host.reap(() => Promise.resolve(new Set()));

/** Its health takes until there is a file `answer` in its folder; there it notes that it was closed. */
const SLOW = `
import { existsSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
export default {
  commands: ['argv'],
  open: ({ folder }) => ({
    start: () => { throw new Error('not now'); },
    async health() {
      writeFileSync(folder + '/asked', '');
      while (!existsSync(folder + '/answer')) await delay(10);
      return { state: 'READY', version: null, message: '' };
    },
    close: async () => writeFileSync(folder + '/closed', ''),
  }),
};`;

test('an idle backend is closed, and none that is just asked for its health', async () => {
  const plugins = join(bench.home, 'plugins');
  unlinkSync(plugins);
  mkdirSync(plugins);
  writeFileSync(join(plugins, 'slow.mjs'), SLOW);
  const has = (name: string): boolean => existsSync(join(bench.home, name));
  const health = bench.host.health(backendOf(`kind: custom\nplugin: slow\noptions: { folder: "${bench.home}" }`));
  while (!has('asked')) await new Promise((resolve) => setTimeout(resolve, 10));
  const later = Date.now() + 3_600_000;
  jest.spyOn(Date, 'now').mockImplementation(() => later);
  await reap();
  expect(has('closed')).toBe(false);
  writeFileSync(join(bench.home, 'answer'), '');
  expect(await health).toMatchObject({ state: 'READY' });
  await reap();
  expect(has('closed')).toBe(true);
});

test('a directory that was left while its backend was being noted is removed', async () => {
  const left = join(bench.workDir, 'kept', 'run-7.1');
  mkdirSync(left, { recursive: true });
  writeFileSync(join(left, 'backend.json'), '{"name":"bo');
  expect(await reap()).toBe(1);
  expect(existsSync(left)).toBe(false);
});
