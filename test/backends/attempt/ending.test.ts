import { mkdirSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createBench, isRunning, pidsIn, task, type Bench } from '../support';
import { backendOf } from '../written';

/** Starts processes of this machine, and cannot end them before it was asked so many times. */
const RELUCTANT = `export default {
  commands: ['argv'],
  open: ({ refusals }, { startProcess }) => ({
    start: (attempt, hooks) => {
      const started = startProcess(attempt, hooks);
      let asked = 0;
      return {
        ...started,
        end: (urgent) => {
          asked += 1;
          if (asked === 1) throw new Error('it throws.');
          if (asked <= refusals) return Promise.reject(new Error('it rejects.'));
          return started.end(urgent);
        },
      };
    },
    health: async () => ({ state: 'READY', version: null, message: '' }),
    close: async () => {},
  }),
};`;

describe('a command that cannot be ended at first', () => {
  let bench: Bench;
  beforeEach(() => {
    bench = createBench(backendOf('kind: custom\nplugin: reluctant\noptions: { refusals: 2 }'));
    const plugins = join(bench.home, 'plugins');
    unlinkSync(plugins);
    mkdirSync(plugins);
    writeFileSync(join(plugins, 'reluctant.mjs'), RELUCTANT);
  });
  afterEach(() => bench.close());

  it('is asked again until it ends, and its log tells why it took so long', async () => {
    const attempt = bench.start(task(['sh', '-c', 'echo "main=$$"; exec sleep 1000']));
    await attempt.until('main=');
    attempt.cancel('cancelled');
    expect(await attempt.outcome).toMatchObject({ state: 'CANCELLED' });
    expect(pidsIn(attempt.output()).filter(isRunning)).toEqual([]);
    expect(attempt.notes).toEqual([
      'The command could not be ended: it throws. It is tried again.',
      'The command could not be ended: it rejects. It is tried again.',
    ]);
  });

  it('that ends by itself meanwhile has its outcome', async () => {
    const attempt = bench.start(task(['sh', '-c', 'echo up; sleep 1; exit 3']));
    await attempt.until('up');
    attempt.cancel('cancelled');
    expect(await attempt.outcome).toMatchObject({ state: 'CANCELLED', exitCode: 3 });
  });
});
