import { mkdirSync, readdirSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createBench, outputPort, task } from '../support';
import { backendOf } from '../written';

/** Its commands could outlive their worker. */
const LASTING = `export default {
  commands: ['argv'],
  open: (options, { startProcess }) => ({
    start: (attempt, hooks) => startProcess(attempt, hooks),
    recover: async () => null,
    health: async () => ({ state: 'READY', version: null, message: '' }),
    close: async () => {},
  }),
};`;

test('a command that clears the directory of its attempt has its outcome, and leaves nothing', async () => {
  const bench = createBench(backendOf('kind: custom\nplugin: lasting'));
  const plugins = join(bench.home, 'plugins');
  unlinkSync(plugins);
  mkdirSync(plugins);
  writeFileSync(join(plugins, 'lasting.mjs'), LASTING);
  const clear = 'cd ..; for one in *; do [ "$one" = out ] || rm -rf "$one"; done; echo 1 > out/one';
  try {
    const outcome = await bench.run(task(['sh', '-c', clear], { outputs: [outputPort('one')] }));
    expect([outcome.state, outcome.message]).toEqual(['SUCCEEDED', '']);
    expect(await bench.content(outcome.outputs.one)).toBe('1\n');
    expect(readdirSync(join(bench.workDir, 'kept'))).toEqual([]);
  } finally {
    await bench.close();
  }
});
