import { readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';
import { isAlive } from '../../src/embedded';
import { makeApp, READY, untilGone, urlIn, type App } from './launchedApp';

// Stands for the API and the worker: what the launcher does with them does not depend on what they do.
const PROGRAM = (body: string): string => `
const { exitWithParent } = require('../src/config/parentWatch.ts');
const { writeFileSync } = require('node:fs');
const home = process.env.STEPCAST_HOME;
${body}`;
const API = PROGRAM(`
if (process.env.FAKE_API_FAILS) { console.error('DATABASE_URL cannot be reached: check the host.'); process.exit(1); }
const server = require('node:http').createServer((request, response) => response.end(process.env.DATABASE_URL));
server.listen(Number(process.env.PORT), process.env.HOST);
writeFileSync(home + '/api.pid', String(process.pid));
exitWithParent(async () => { server.close(); console.log('stopped cleanly'); });`);
const WORKER = PROGRAM(`
writeFileSync(home + '/worker.pid', String(process.pid));
console.log(JSON.stringify({ level: 30, msg: 'quiet' }));
console.log(JSON.stringify({ level: 40, msg: 'the disk is slow' }));
const timer = setInterval(() => {}, 1000);
exitWithParent(async () => {
  clearInterval(timer);
  if (process.env.FAKE_SLOW_STOP) await new Promise((resolve) => setTimeout(resolve, 500));
  console.log('stopped cleanly');
});`);

let app: App;

beforeAll(async () => {
  app = await makeApp(['src/cli', 'src/config', 'src/embedded'], { api: API, worker: WORKER });
}, 120_000);
afterEach(() => app.stopAll());
afterAll(() => app.remove());

async function pidsOf(home: string): Promise<Record<'api' | 'worker' | 'postgres' | 'redis', number>> {
  const connection = async (service: string): Promise<number> =>
    (JSON.parse(await readFile(path.join(home, service, 'connection.json'), 'utf8')) as { pid: number }).pid;
  return {
    api: Number(await readFile(path.join(home, 'api.pid'), 'utf8')),
    worker: Number(await readFile(path.join(home, 'worker.pid'), 'utf8')),
    postgres: await connection('postgres'),
    redis: await connection('redis'),
  };
}

describe('npm start', () => {
  test('starts everything, shows warnings only, and stops all on SIGINT in order', async () => {
    const launcher = await app.start();
    const output = await launcher.says(READY);
    await launcher.says('Worker: the disk is slow');
    expect(launcher.output()).not.toContain('quiet');
    expect(await (await fetch(urlIn(output))).text()).toMatch(/^postgresql:\/\/.*@127\.0\.0\.1:\d+\/stepcast$/);
    expect(output).toContain(`${urlIn(output)}/graphiql`);
    const pids = await pidsOf(launcher.home);
    launcher.process.kill('SIGINT');
    expect(await launcher.ended).toBe(0);
    expect(Object.values(pids).filter(isAlive)).toEqual([]);
    for (const name of ['api', 'worker']) {
      expect(await readFile(path.join(launcher.home, 'logs', `${name}.log`), 'utf8')).toContain('stopped cleanly');
    }
    expect(await readdir(launcher.home)).not.toContain('launcher.pid');
  });

  test.each(['SIGTERM', 'SIGHUP'] as const)('stops all on %s', async (signal) => {
    const launcher = await app.start();
    await launcher.says('the disk is slow');
    await launcher.says(READY);
    const pids = await pidsOf(launcher.home);
    launcher.process.kill(signal);
    expect(await launcher.ended).toBe(0);
    expect(Object.values(pids).filter(isAlive)).toEqual([]);
  });

  test('a signal to all of its processes at once stops them in order, too', async () => {
    const launcher = await app.start({ FAKE_SLOW_STOP: '1' });
    await launcher.says(READY);
    const pids = await pidsOf(launcher.home);
    for (const pid of [pids.worker, pids.api]) process.kill(pid, 'SIGTERM');
    launcher.process.kill('SIGTERM');
    expect(await launcher.ended).toBe(0);
    expect(await readFile(path.join(launcher.home, 'logs', 'worker.log'), 'utf8')).toContain('stopped cleanly');
  });

  test('after kill -9 the children go too, and the next start takes the folder over', async () => {
    const launcher = await app.start();
    await launcher.says('the disk is slow');
    await launcher.says(READY);
    const pids = Object.values(await pidsOf(launcher.home));
    launcher.process.kill('SIGKILL');
    await untilGone(pids);
    const again = await app.start({ STEPCAST_HOME: launcher.home });
    await again.says(READY);
  });

  test('when npm is killed, all that it started goes', async () => {
    await writeFile(
      path.join(app.folder, 'package.json'),
      JSON.stringify({ scripts: { start: `"${process.execPath}" src/cli/start.ts` } }),
    );
    const launcher = await app.start({}, ['npm', 'start', '--silent']);
    await launcher.says('the disk is slow');
    await launcher.says(READY);
    const pids = Object.values(await pidsOf(launcher.home));
    launcher.process.kill('SIGKILL');
    await untilGone(pids);
  });

  test('a crashed API, worker, Redis and Postgres come back', async () => {
    const launcher = await app.start();
    const url = urlIn(await launcher.says(READY));
    await launcher.says('the disk is slow');
    const pids = await pidsOf(launcher.home);
    process.kill(pids.worker, 'SIGKILL');
    await launcher.says('Worker ended unexpectedly (SIGKILL)');
    await launcher.says('the disk is slow', 2);
    process.kill(pids.redis, 'SIGKILL');
    await launcher.says('Redis is back.');
    process.kill(pids.postgres, 'SIGKILL');
    await launcher.says('Postgres is back.');
    process.kill(pids.api, 'SIGKILL');
    await launcher.says('API ended unexpectedly (SIGKILL)');
    await untilAnswers(url);
    const now = await pidsOf(launcher.home);
    expect(Object.values(now).every(isAlive)).toBe(true);
    expect(new Set([...Object.values(pids), ...Object.values(now)]).size).toBe(8);
  });

  test('two on one folder are one too many', async () => {
    const launcher = await app.start();
    await launcher.says(READY);
    const second = await app.start({ STEPCAST_HOME: launcher.home });
    expect(await second.ended).toBe(1);
    expect(second.output()).toContain(
      `Stepcast runs on ${launcher.home} already (process ${launcher.process.pid}): stop that one, or set STEPCAST_HOME to another folder.`,
    );
  });

  test('a taken port, a wrong setting and an API that cannot start end it with one sentence and leave nothing', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    const taken = await app.start({ PORT: String(port) });
    expect(await taken.ended).toBe(1);
    expect(taken.output()).toContain(`Port ${port} on 127.0.0.1 is taken by another program: choose another one with`);
    server.close();

    const wrong = await app.start({ PORT: 'http' });
    expect(await wrong.ended).toBe(1);
    expect(wrong.output()).toBe('PORT is "http": it must be a whole number from 0 to 65535.\n');

    const broken = await app.start({ FAKE_API_FAILS: '1' });
    expect(await broken.ended).toBe(1);
    expect(broken.output()).toMatch(/\nDATABASE_URL cannot be reached: check the host\.\n$/);
    expect(await readdir(broken.home)).not.toContain('launcher.pid');
    const redis = JSON.parse(await readFile(path.join(broken.home, 'redis/connection.json'), 'utf8')) as {
      pid: number;
    };
    expect(isAlive(redis.pid)).toBe(false);
  });

  test('with both URLs set it starts no service of its own', async () => {
    const launcher = await app.start({
      DATABASE_URL: process.env['STEPCAST_TEST_DATABASE_URL'] ?? '',
      REDIS_URL: process.env['STEPCAST_TEST_REDIS_URL'] ?? '',
    });
    const output = await launcher.says(READY);
    expect(await (await fetch(urlIn(output))).text()).toBe(process.env['STEPCAST_TEST_DATABASE_URL']);
    const entries = await readdir(launcher.home);
    expect(entries).not.toContain('postgres');
    expect(entries).not.toContain('redis');
  });
});

async function untilAnswers(url: string): Promise<void> {
  for (;;) {
    const answered = await fetch(url).then(
      () => true,
      () => false,
    );
    if (answered) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
