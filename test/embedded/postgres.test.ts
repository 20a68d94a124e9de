import { chmod, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { EmbeddedServiceError, ensurePostgres } from '../../src/embedded';
import { asOrdinaryUser, isRoot, kill, makeHome, NOBODY, query, removeHomes, startParent, untilGone } from './support';

const log = (): void => undefined;

afterAll(removeHomes);

describe('the Postgres that comes with the project', () => {
  test('starts as the present user, keeps its data and its password, and stops', async () => {
    const home = await makeHome();
    const first = await ensurePostgres({ home, log });
    await query(first.url, 'CREATE TABLE t AS SELECT 1 AS n');
    expect(
      await query(first.url, "SELECT current_setting('max_connections') AS n, version() ~ '^PostgreSQL' AS real"),
    ).toEqual([{ n: '200', real: true }]);
    expect((await stat(path.join(home, 'postgres', 'connection.json'))).mode & 0o777).toBe(0o600);
    await first.stop();
    const second = await ensurePostgres({ home, log });
    expect(second.url).toBe(first.url);
    expect(await query(second.url, 'SELECT n FROM t')).toEqual([{ n: 1 }]);
    await second.stop();
    await expect(query(second.url, 'SELECT 1')).rejects.toThrow();
  });

  test('starts as an ordinary user', async () => {
    const home = await makeHome(NOBODY);
    const parent = await startParent('ensurePostgres', { home }, asOrdinaryUser);
    expect(await query(parent.url, 'SELECT 1 AS n')).toEqual([{ n: 1 }]);
    expect((await stat(path.join(home, 'postgres', 'data'))).uid).toBe(isRoot ? NOBODY : process.getuid?.());
    await kill(parent.process, 'SIGTERM');
    await untilGone(parent.pid);
  });

  test('starts where user namespaces are off', async () => {
    const home = await makeHome();
    if (isRoot) {
      await expect(ensurePostgres({ home, log, namespaces: false })).rejects.toThrow(/that all may enter/);
      await chmod(home, 0o755);
    }
    const service = await ensurePostgres({ home, log, namespaces: false });
    expect(await query(service.url, 'SELECT 1 AS n')).toEqual([{ n: 1 }]);
    await service.stop();
  });

  test.each(['setpriv', 'wrapper'])(
    'dies with its killed parent, tied by %s, and starts again with its data',
    async (tie) => {
      const home = await makeHome();
      const parent = await startParent('ensurePostgres', { home, tie });
      await query(parent.url, 'CREATE TABLE t AS SELECT 2 AS n');
      await kill(parent.process, 'SIGKILL');
      await untilGone(parent.pid);
      const again = await ensurePostgres({ home, log });
      expect(await query(again.url, 'SELECT n FROM t')).toEqual([{ n: 2 }]);
      await again.stop();
    },
  );

  test('recovers after it was killed itself, though its lock names a process that lives', async () => {
    const home = await makeHome();
    const service = await ensurePostgres({ home, log });
    await query(service.url, 'CREATE TABLE t AS SELECT 3 AS n');
    process.kill(service.pid, 'SIGKILL');
    await service.exited;
    const lock = path.join(home, 'postgres', 'data', 'postmaster.pid');
    const lines = (await readFile(lock, 'utf8')).split('\n');
    await writeFile(lock, [String(process.pid), ...lines.slice(1)].join('\n'));
    const again = await ensurePostgres({ home, log });
    expect(await query(again.url, 'SELECT n FROM t')).toEqual([{ n: 3 }]);
    await again.stop();
  });

  test('one that lives is adopted, and left to the living process that started it', async () => {
    const home = await makeHome();
    const parent = await startParent('ensurePostgres', { home });
    const adopted = await ensurePostgres({ home, log });
    expect(adopted).toMatchObject({ url: parent.url, pid: parent.pid });
    await adopted.stop();
    expect(await query(parent.url, 'SELECT 1 AS n')).toEqual([{ n: 1 }]);
    await kill(parent.process, 'SIGTERM');
    await untilGone(parent.pid);
  });

  test('a broken data folder, a file in the way, no permission and a full disk are told in one sentence', async () => {
    const broken = await makeHome();
    await mkdir(path.join(broken, 'postgres', 'data'), { recursive: true });
    await writeFile(path.join(broken, 'postgres', 'data', 'something'), '');
    await expect(ensurePostgres({ home: broken, log })).rejects.toThrow(
      `${broken}/postgres/data is not a usable database: bring it back from a backup, or move ${broken}/postgres away to start afresh.`,
    );

    const inTheWay = await makeHome();
    await writeFile(path.join(inTheWay, 'postgres'), '');
    await expect(ensurePostgres({ home: inTheWay, log })).rejects.toThrow(EmbeddedServiceError);
    await expect(ensurePostgres({ home: inTheWay, log })).rejects.toThrow(/a file is in the way/);

    const locked = path.join(await makeHome(NOBODY), 'locked');
    await mkdir(locked, { mode: 0o555 });
    await expect(startParent('ensurePostgres', { home: locked }, asOrdinaryUser)).rejects.toThrow(
      `EmbeddedServiceError: ${locked}/postgres cannot be written`,
    );

    const small = await makeHome();
    const onSmallDisk = ['unshare', '--user', '--map-root-user', '--mount', 'sh', '-c'];
    const mounted = [...onSmallDisk, `mount -t tmpfs -o size=12m tmpfs ${small} && exec "$0" "$@"`];
    await expect(startParent('ensurePostgres', { home: small }, mounted)).rejects.toThrow(
      `EmbeddedServiceError: The disk that holds ${small}/postgres is full`,
    );
  });

  test('a control file that was cut off is told in one sentence', async () => {
    const home = await makeHome();
    await (await ensurePostgres({ home, log })).stop();
    await rm(path.join(home, 'postgres', 'data', 'global', 'pg_control'));
    await expect(ensurePostgres({ home, log })).rejects.toThrow(/is not a usable database/);
  });
});
