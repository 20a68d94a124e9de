import { mkdtemp, rm, stat } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { signingSecret } from '../../src/config/secret';

let home: string;
beforeEach(async () => {
  home = await mkdtemp(path.join(os.tmpdir(), 'stepcast-secret-'));
});
afterEach(() => rm(home, { recursive: true, force: true }));

test('a secret is made once, also for callers at the same time, and only the owner may read it', async () => {
  const settings = { home: path.join(home, 'new'), secret: undefined };
  const made = await Promise.all([1, 2, 3, 4].map(() => signingSecret(settings)));
  const [first] = made;
  expect(new Set(made).size).toBe(1);
  expect(first).toMatch(/^[0-9a-f]{64}$/);
  expect(await signingSecret(settings)).toBe(first);
  expect((await stat(path.join(settings.home, 'secret'))).mode & 0o777).toBe(0o600);
});

test('a secret of the settings is used as it is', async () => {
  expect(await signingSecret({ home, secret: 'x'.repeat(32) })).toBe('x'.repeat(32));
});
