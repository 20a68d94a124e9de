import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createClient } from 'redis';
import { newPassword, readConnection, writeConnection } from './connection';
import { diskFull, EmbeddedServiceError, folderError, notWritable } from './errors';
import { freePort, isAlive, isProgram, signalAndWait, spawnTied, waitUntil, type TieMethod } from './process';
import { findRedis } from './redisBinary';
import { once, type EmbeddedOptions, type EmbeddedService } from './service';

/** Databases of the server: tests take one for each file. */
export const REDIS_DATABASES = 256;
/** Loading a large append-only file takes seconds. */
const READY_MS = 60_000;
const STOP_MS = 5_000;
const START_ATTEMPTS = 5;

/** Options that tests use to reach the ways other machines need. */
export interface RedisOptions extends EmbeddedOptions {
  readonly tie?: TieMethod;
}

/**
 * A running Redis with its data below `<home>/redis`: adopts one that lives there already, else starts one. Throws
 * EmbeddedServiceError with one sentence on what to do.
 */
export async function ensureRedis(options: RedisOptions): Promise<EmbeddedService> {
  const folder = path.join(path.resolve(options.home), 'redis');
  try {
    await mkdir(path.join(folder, 'data'), { recursive: true, mode: 0o700 });
    return (await adopt(folder, options.log)) ?? (await start(folder, options));
  } catch (error) {
    throw folderError('redis', folder, error);
  }
}

async function adopt(folder: string, log: (line: string) => void): Promise<EmbeddedService | undefined> {
  const kept = await readConnection(connectionFile(folder));
  if (!kept || kept.pid <= 0) return undefined;
  const { pid, port, password, owner } = kept;
  let answered = false;
  const settled = await waitUntil(async () => {
    if (!(await isServer(pid))) return true;
    // Its parent's death has told it to stop: wait for the end, and never hand out one that is leaving.
    answered = (await processOf(urlOf(port, password))) === pid;
    return answered;
  }, READY_MS);
  if (answered) {
    log(`Redis is running already (process ${pid}, port ${port})`);
    const stop = once(async (withinMs) => {
      if (owner !== process.pid && isAlive(owner)) return;
      await shutDown(pid, undefined, withinMs);
    });
    return { url: urlOf(port, password), pid, stop };
  }
  if (!settled) {
    throw new EmbeddedServiceError(
      'redis',
      `Process ${pid} runs Redis on ${folder} and does not answer: stop it with \`kill ${pid}\` and start again.`,
    );
  }
  return undefined;
}

async function start(folder: string, options: RedisOptions): Promise<EmbeddedService> {
  const { server, env } = await findRedis(path.dirname(folder), options.log);
  const kept = await readConnection(connectionFile(folder));
  const password = kept?.password ?? newPassword();
  let port = await freePort(kept?.port);
  for (let attempt = 1; ; attempt += 1) {
    const configuration = path.join(folder, 'redis.conf');
    await writeFile(configuration, configurationOf(folder, port, password), { mode: 0o600 });
    const child = await spawnTied({
      command: [server, configuration],
      signal: 'SIGTERM',
      cwd: folder,
      env,
      log: options.log,
      method: options.tie,
    });
    const url = urlOf(port, password);
    let pid: number | undefined;
    await waitUntil(async () => {
      if (child.hasExited()) return true;
      pid = await processOf(url);
      return pid !== undefined;
    }, READY_MS);
    if (pid !== undefined && !child.hasExited()) {
      const found = pid;
      await writeConnection(connectionFile(folder), { port, password, owner: process.pid, pid });
      return { url, pid, stop: once((withinMs) => shutDown(found, child.exited, withinMs)), exited: child.exited };
    }
    if (!child.hasExited()) {
      child.child.kill('SIGKILL');
      await child.exited;
    }
    const taken = /Address already in use/i.test(child.tail());
    if (!taken || attempt >= START_ATTEMPTS) throw explain(child.tail(), folder);
    port = await freePort();
  }
}

function configurationOf(folder: string, port: number, password: string): string {
  return [
    'bind 127.0.0.1',
    'protected-mode yes',
    `port ${port}`,
    `requirepass ${password}`,
    'daemonize no',
    `dir ${JSON.stringify(path.join(folder, 'data'))}`,
    `databases ${REDIS_DATABASES}`,
    'appendonly yes',
    'appendfsync everysec',
    'save ""',
    'maxmemory-policy noeviction',
    'loglevel notice',
    '',
  ].join('\n');
}

async function shutDown(pid: number, exited?: Promise<void>, withinMs = STOP_MS): Promise<void> {
  if (!(await signalAndWait(pid, 'SIGTERM', withinMs))) await signalAndWait(pid, 'SIGKILL', 1_000);
  await exited;
}

async function isServer(pid: number): Promise<boolean> {
  return (await isProgram(pid, 'redis')) || (await isProgram(pid, 'valkey'));
}

/** The process number of the Redis at this address; undefined when it does not answer, or still loads its data. */
async function processOf(url: string): Promise<number | undefined> {
  const client = createClient({ url, socket: { reconnectStrategy: false, connectTimeout: 2_000 } });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.ping();
    const found = /process_id:(\d+)/.exec(await client.info('server'))?.[1];
    return found === undefined ? undefined : Number(found);
  } catch {
    return undefined;
  } finally {
    client.destroy();
  }
}

function urlOf(port: number, password: string): string {
  return `redis://:${password}@127.0.0.1:${port}/0`;
}

function connectionFile(folder: string): string {
  return path.join(folder, 'connection.json');
}

function explain(output: string, folder: string): EmbeddedServiceError {
  const say = (message: string): EmbeddedServiceError =>
    new EmbeddedServiceError('redis', message, { cause: new Error(output) });
  if (/No space left on device|Disk quota exceeded/i.test(output)) return say(diskFull(folder));
  if (/permission denied|Read-only file system/i.test(output)) return say(notWritable(folder));
  if (/bad file format|unexpected end of file|AOF|RDB/i.test(output) && /error|fatal|bad/i.test(output)) {
    return say(
      `${path.join(folder, 'data')} cannot be read by Redis: move it away and start again, no work is lost ` +
        `(Redis only delivers).`,
    );
  }
  return say(`Redis did not start in ${folder}: ${output.trim().split('\n').at(-1) ?? 'no reason was given'}`);
}
