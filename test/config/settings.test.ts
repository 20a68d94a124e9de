import { readFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { readSettings, requireServices, SettingsError, unknownVariables, withFlags } from '../../src/config/settings';
import { settingsPage } from '../../src/config/settingsPage';

describe('settings', () => {
  test('an empty environment gives the documented defaults', () => {
    const settings = readSettings({});
    expect(settings).toMatchObject({
      port: 4000,
      host: '127.0.0.1',
      home: path.resolve('.stepcast'),
      databaseUrl: undefined,
      redisUrl: undefined,
      jobFolders: [],
      drainSeconds: 8,
      leaseSeconds: 12,
      maxUploadBytes: 5 * 2 ** 30,
      maxLogBytes: 16 * 2 ** 20,
      concurrency: Math.min(os.availableParallelism() * 2, 64),
    });
  });

  test('an empty variable is the same as none', () => {
    expect(readSettings({ PORT: '', DATABASE_URL: ' ' })).toEqual(readSettings({}));
  });

  test('they cannot be changed afterwards', () => {
    expect(() => Object.assign(readSettings({}), { port: 1 })).toThrow(TypeError);
  });

  test('sizes take units, folders become absolute, lists are split', () => {
    const settings = readSettings({
      STEPCAST_MAX_UPLOAD_BYTES: '2GiB',
      STEPCAST_MAX_INLINE_BYTES: '65536',
      STEPCAST_HOME: 'data',
      STEPCAST_JOBS: ['a', '/b'].join(path.delimiter),
      STEPCAST_QUEUES: 'LOCAL, r-batch',
      STEPCAST_ALLOWED_ORIGINS: 'https://a.example,http://localhost:5173',
      STEPCAST_PUBLIC_URL: 'https://stepcast.example/base/',
      REDIS_URL: 'rediss://:p@cache.example:6380/1',
    });
    expect(settings).toMatchObject({
      maxUploadBytes: 2 * 2 ** 30,
      maxInlineBytes: 65_536,
      home: path.resolve('data'),
      jobFolders: [path.resolve('a'), '/b'],
      queues: ['LOCAL', 'r-batch'],
      allowedOrigins: ['https://a.example', 'http://localhost:5173'],
      publicUrl: 'https://stepcast.example/base',
      redisUrl: 'rediss://:p@cache.example:6380/1',
    });
  });

  test.each([
    [{ PORT: 'abc' }, 'PORT is "abc": it must be a whole number from 0 to 65535.'],
    [{ PORT: '70000' }, 'PORT is "70000": it must be a whole number from 0 to 65535.'],
    [{ PORT: '4e3' }, 'PORT is "4e3": it must be a whole number from 0 to 65535.'],
    [
      { STEPCAST_MAX_BODY_BYTES: '1 elephant' },
      'STEPCAST_MAX_BODY_BYTES is "1 elephant": it must be a size from 16 KiB to 128 MiB, such as 1048576 or 1MiB.',
    ],
    [
      { STEPCAST_LOG_LEVEL: 'loud' },
      'STEPCAST_LOG_LEVEL is "loud": it must be one of silent, error, warn, info, debug and trace.',
    ],
    [
      { STEPCAST_ALLOWED_ORIGINS: 'https://a.example/path' },
      'STEPCAST_ALLOWED_ORIGINS is "https://a.example/path": it must be a comma-separated list of origins such as https://app.example.org, or *.',
    ],
    [
      { DATABASE_URL: 'mysql://me:hunter2@db.example/x' },
      'DATABASE_URL is "mysql://me:***@db.example/x": it must be a URL such as postgresql://user:password@host:5432/database.',
    ],
    [
      { DATABASE_URL: 'postgres://me:hunter@2@:bad host/x' },
      'DATABASE_URL is "postgres://***@:bad host/x": it must be a URL such as postgresql://user:password@host:5432/database.',
    ],
    [
      { DATABASE_URL: 'host=db password=hunter2' },
      'DATABASE_URL is "host=db password=***": it must be a URL such as postgresql://user:password@host:5432/database.',
    ],
    [{ STEPCAST_SECRET: 'hunter2' }, 'STEPCAST_SECRET is not usable: it must be a text of at least 32 characters.'],
  ])('%j is refused with one sentence', (environment, sentence) => {
    expect(() => readSettings(environment)).toThrow(new SettingsError([sentence]));
    expect(sentence).not.toContain('hunter');
  });

  test('another address than this machine is refused while there are no keys', () => {
    expect(() => readSettings({ HOST: '0.0.0.0' })).toThrow(/HOST is "0\.0\.0\.0": .*without access keys/);
  });

  test('all wrong variables are named at once', () => {
    expect(() => readSettings({ PORT: 'x', STEPCAST_MAX_DEPTH: '-1' })).toThrow(/PORT.*\n.*STEPCAST_MAX_DEPTH/);
  });

  test('a most of workers that is less than the least is refused', () => {
    const environment = { STEPCAST_WORKERS_MIN: '3', STEPCAST_WORKERS_MAX: '2' };
    const sentence = 'STEPCAST_WORKERS_MAX is 2: it must not be less than STEPCAST_WORKERS_MIN, which is 3.';
    expect(() => readSettings(environment)).toThrow(new SettingsError([sentence]));
    expect(readSettings({ ...environment, STEPCAST_WORKERS_MAX: '3' })).toMatchObject({ workersMin: 3, workersMax: 3 });
  });

  test('flags win over variables, and an unknown flag names the known ones', () => {
    const environment = withFlags(['--port', '4001', '--queues=R,SQL'], { PORT: '4002', HOST: 'localhost' });
    expect(readSettings(environment)).toMatchObject({ port: 4001, queues: ['R', 'SQL'], host: 'localhost' });
    expect(() => withFlags(['--prot', '1'], {})).toThrow(/--prot.*--port/);
  });

  test('a process that cannot start services says which URL it needs', () => {
    expect(() => requireServices(readSettings({ DATABASE_URL: 'postgres://u@h/d' }))).toThrow(/^REDIS_URL must be set/);
  });

  test('a misspelt variable is pointed out', () => {
    expect(unknownVariables({ STEPCAST_CONCURENCY: '4', STEPCAST_TEST_X: '1', PATH: '' })).toEqual([
      'STEPCAST_CONCURENCY is not a setting and has no effect: see docs/settings.md for the names.',
    ]);
  });

  test('the manual page equals the table of the parser', () => {
    expect(readFileSync(path.join(__dirname, '../../docs/settings.md'), 'utf8')).toBe(settingsPage());
  });
});
