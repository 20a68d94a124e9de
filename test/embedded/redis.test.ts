import { mkdir, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createClient } from 'redis';
import { ensureRedis } from '../../src/embedded';
import { asOrdinaryUser, kill, makeHome, NOBODY, removeHomes, startParent, untilGone } from './support';

const log = (): void => undefined;

afterAll(removeHomes);

async function command(url: string, ...args: string[]): Promise<unknown> {
  const client = createClient({ url, socket: { reconnectStrategy: false } });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await client.sendCommand(args);
  } finally {
    client.destroy();
  }
}

describe('the Redis that comes with the project', () => {
  test('starts as the present user, wants its password, keeps its data and stops', async () => {
    const home = await makeHome();
    const first = await ensureRedis({ home, log });
    await command(first.url, 'SET', 'a', '1');
    const anonymous = new URL(first.url);
    anonymous.password = '';
    await expect(command(anonymous.href, 'GET', 'a')).rejects.toThrow(/NOAUTH/);
    for (const file of ['connection.json', 'redis.conf']) {
      expect((await stat(path.join(home, 'redis', file))).mode & 0o777).toBe(0o600);
    }
    await first.stop();
    await expect(command(first.url, 'PING')).rejects.toThrow();
    const second = await ensureRedis({ home, log });
    expect(second.url).toBe(first.url);
    expect(await command(second.url, 'GET', 'a')).toBe('1');
    await second.stop();
  });

  test('starts as an ordinary user', async () => {
    const home = await makeHome(NOBODY);
    const parent = await startParent('ensureRedis', { home }, asOrdinaryUser);
    expect(await command(parent.url, 'PING')).toBe('PONG');
    await kill(parent.process, 'SIGTERM');
    await untilGone(parent.pid);
  });

  test.each(['setpriv', 'wrapper'])(
    'dies with its killed parent, tied by %s, and starts again with its data',
    async (tie) => {
      const home = await makeHome();
      const parent = await startParent('ensureRedis', { home, tie });
      await command(parent.url, 'SET', 'a', '2');
      await kill(parent.process, 'SIGKILL');
      await untilGone(parent.pid);
      const again = await ensureRedis({ home, log });
      expect(await command(again.url, 'GET', 'a')).toBe('2');
      await again.stop();
    },
  );

  test('one that lives is adopted, and left to the living process that started it', async () => {
    const home = await makeHome();
    const parent = await startParent('ensureRedis', { home });
    const adopted = await ensureRedis({ home, log });
    expect(adopted).toMatchObject({ url: parent.url, pid: parent.pid });
    await adopted.stop();
    expect(await command(parent.url, 'PING')).toBe('PONG');
    await kill(parent.process, 'SIGKILL');
    await untilGone(parent.pid);
  });

  test('data it cannot read is told in one sentence', async () => {
    const home = await makeHome();
    const folder = path.join(home, 'redis', 'data', 'appendonlydir');
    await mkdir(folder, { recursive: true });
    await writeFile(path.join(folder, 'appendonly.aof.manifest'), 'nonsense\n');
    await expect(ensureRedis({ home, log })).rejects.toThrow(
      `${home}/redis/data cannot be read by Redis: move it away and start again, no work is lost (Redis only delivers).`,
    );
  });
});
