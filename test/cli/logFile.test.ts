import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { openLog } from '../../src/cli/logFile';

test('a log turns over when it is full, keeps one predecessor and goes on after a restart', async () => {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'stepcast-log-'));
  const first = openLog(folder, 'api', 20);
  for (const line of ['one 456789', 'two 456789', 'three 6789']) first.write(line);
  await first.close();
  const second = openLog(folder, 'api', 20);
  second.write('four 56789');
  await second.close();
  expect((await readdir(folder)).sort()).toEqual(['api.log', 'api.log.1']);
  expect(await readFile(path.join(folder, 'api.log.1'), 'utf8')).toBe('three 6789\n');
  expect(await readFile(path.join(folder, 'api.log'), 'utf8')).toBe('four 56789\n');
  await rm(folder, { recursive: true });
});
