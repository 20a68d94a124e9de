import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Client } from 'pg';
import { newPassword, readConnection, writeConnection, type Connection } from './connection';
import { diskFull, EmbeddedServiceError, folderError, notWritable } from './errors';
import { findPostgres, type PostgresBinaries } from './postgresBinaries';
import { postgresUser, type PostgresUser } from './postgresUser';
import { freePort, isAlive, isProgram, run, signalAndWait, spawnTied, waitUntil, type TieMethod } from './process';
import { once, type EmbeddedOptions, type EmbeddedService } from './service';

const USER = 'stepcast';
const DATABASE = 'stepcast';
/** Recovery after a crash replays at most `max_wal_size`, which takes seconds; a slow disk is given this long. */
const READY_MS = 60_000;
/** A fast shutdown writes a checkpoint; after this time it is cut short, and the next start recovers. */
const STOP_MS = 6_000;
const START_ATTEMPTS = 20;
const DRAFT = 'draft-';
/** The kernel's limit for the path of a unix socket is 107 bytes. */
const MAX_SOCKET_FOLDER = 80;

const SETTINGS = [
  'fsync=on',
  'synchronous_commit=on',
  'full_page_writes=on',
  'wal_compression=on',
  'max_connections=200',
  'shared_buffers=128MB',
  'max_wal_size=1GB',
  'random_page_cost=1.1',
  'jit=off',
  'listen_addresses=127.0.0.1',
  'logging_collector=off',
  'log_checkpoints=off',
  'lc_messages=C',
];

/** Options that tests use to reach the ways other machines need. */
export interface PostgresOptions extends EmbeddedOptions {
  readonly tie?: TieMethod;
  readonly namespaces?: boolean;
}

interface Place {
  readonly folder: string;
  readonly data: string;
  readonly sockets: string;
  readonly connectionFile: string;
}

/**
 * A running Postgres with its data below `<home>/postgres`: adopts one that lives there already, else starts one, and
 * makes the data folder when there is none. Throws EmbeddedServiceError with one sentence on what to do.
 */
export async function ensurePostgres(options: PostgresOptions): Promise<EmbeddedService> {
  const folder = path.join(path.resolve(options.home), 'postgres');
  const place: Place = {
    folder,
    data: path.join(folder, 'data'),
    sockets: path.join(folder, 'sockets'),
    connectionFile: path.join(folder, 'connection.json'),
  };
  try {
    await mkdir(place.sockets, { recursive: true, mode: 0o700 });
    const adopted = await adopt(place, options.log);
    if (adopted) return adopted;
    const binaries = await findPostgres();
    const user = await postgresUser({ namespaces: options.namespaces ?? true });
    await user.own(place.folder);
    const password = await initialise(place, binaries, user, options.log);
    return await start(place, binaries, user, password, options);
  } catch (error) {
    throw folderError('postgres', place.folder, error);
  }
}

/** Uses the Postgres that lives on this folder already; waits for one that is just starting or shutting down. */
async function adopt(place: Place, log: (line: string) => void): Promise<EmbeddedService | undefined> {
  const lock = path.join(place.data, 'postmaster.pid');
  const lines = (await readFile(lock, 'utf8').catch(() => '')).split('\n');
  const pid = Number(lines[0]);
  const port = Number(lines[3]);
  if (!Number.isInteger(pid) || pid <= 0) return undefined;
  const kept = await readConnection(place.connectionFile);
  let answered = false;
  const settled = await waitUntil(async () => {
    if (!(await isProgram(pid, 'postgres'))) return true;
    answered = kept !== undefined && port > 0 && (await answers(urlOf(port, kept.password)));
    return answered;
  }, READY_MS);
  if (answered && kept) {
    log(`Postgres is running already (process ${pid}, port ${port})`);
    const stop = once(async (withinMs) => {
      if (kept.owner !== process.pid && isAlive(kept.owner)) return;
      await shutDown(pid, undefined, withinMs);
    });
    return { url: urlOf(port, kept.password), pid, stop };
  }
  if (!settled) {
    throw new EmbeddedServiceError(
      'postgres',
      `Process ${pid} runs Postgres on ${place.data} and does not answer: stop it with \`kill ${pid}\` and start again.`,
    );
  }
  // Postgres itself takes any process with this number for the holder of the lock, and would refuse to start.
  if (isAlive(pid)) await rm(lock, { force: true });
  return undefined;
}

/** Makes the data folder when there is none, in one step, and returns the password. */
async function initialise(
  place: Place,
  binaries: PostgresBinaries,
  user: PostgresUser,
  log: (line: string) => void,
): Promise<string> {
  const kept = await readConnection(place.connectionFile);
  const entries = await readdir(place.data).catch(() => undefined);
  if (entries && entries.length > 0) {
    const version = (await readFile(path.join(place.data, 'PG_VERSION'), 'utf8').catch(() => '')).trim();
    if (version === '' || !entries.includes('global')) throw brokenData(place);
    if (version !== binaries.major) {
      throw new EmbeddedServiceError(
        'postgres',
        `${place.data} was written by Postgres ${version} and this is Postgres ${binaries.major}: dump it with the old ` +
          `version and load it again, or move the folder away to start afresh.`,
      );
    }
    if (kept) return kept.password;
    throw new EmbeddedServiceError(
      'postgres',
      `${place.connectionFile} is missing or damaged, and it held the password of the database: bring it back from a ` +
        `backup, or move ${place.folder} away to start afresh.`,
    );
  }
  log('Postgres: making the data folder');
  // Left by a start that was cut off.
  const drafts = (await readdir(place.folder)).filter((name) => name.startsWith(DRAFT));
  for (const name of drafts) await rm(path.join(place.folder, name), { recursive: true, force: true });
  const password = newPassword();
  const draft = await mkdtemp(path.join(place.folder, DRAFT));
  const passwordFile = path.join(draft, 'password');
  const data = path.join(draft, 'data');
  try {
    await writeFile(passwordFile, `${password}\n`, { mode: 0o600 });
    await user.own(draft);
    const { ok, output } = await run(
      [
        ...[...user.prefix, binaries.initdb, '--pgdata', data, '--username', USER, '--pwfile', passwordFile],
        ...['--auth=scram-sha-256', '--encoding=UTF8', '--locale-provider=builtin', '--locale=C'],
        ...['--builtin-locale=C.UTF-8', '--no-instructions'],
      ],
      { cwd: place.folder },
    );
    if (!ok) throw explain(output, place, user);
    await writeConnection(place.connectionFile, { port: await freePort(), password, owner: process.pid, pid: 0 });
    await rm(place.data, { recursive: true, force: true });
    await rename(data, place.data);
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
  return password;
}

async function start(
  place: Place,
  binaries: PostgresBinaries,
  user: PostgresUser,
  password: string,
  options: PostgresOptions,
): Promise<EmbeddedService> {
  let port = await freePort((await readConnection(place.connectionFile))?.port);
  const sockets = place.sockets.length <= MAX_SOCKET_FOLDER ? place.sockets : '';
  for (let attempt = 1; ; attempt += 1) {
    const settings = [...SETTINGS, `port=${port}`, `unix_socket_directories=${sockets}`];
    const child = await spawnTied({
      prefix: user.prefix,
      command: [binaries.postgres, '-D', place.data, ...settings.flatMap((setting) => ['-c', setting])],
      signal: 'SIGINT',
      cwd: place.folder,
      env: { LC_ALL: 'C' },
      log: options.log,
      method: options.tie,
    });
    const maintenance = urlOf(port, password, 'postgres');
    const settled = await waitUntil(async () => child.hasExited() || (await answers(maintenance)), READY_MS);
    if (!child.hasExited()) {
      const pid = Number(
        (await readFile(path.join(place.data, 'postmaster.pid'), 'utf8').catch(() => '')).split('\n')[0],
      );
      const stop = once((withinMs) => shutDown(pid > 0 ? pid : (child.child.pid ?? 0), child.exited, withinMs));
      if (!settled) {
        await stop();
        throw new EmbeddedServiceError(
          'postgres',
          `Postgres on ${place.data} does not answer after ${READY_MS / 1_000} seconds: ${lastLine(child.tail())}`,
        );
      }
      const connection: Connection = { port, password, owner: process.pid, pid };
      await writeConnection(place.connectionFile, connection);
      await createDatabase(maintenance);
      return { url: urlOf(port, password), pid, stop, exited: child.exited };
    }
    const reason = child.tail();
    const passing =
      /pre-existing shared memory block|could not create any TCP\/IP sockets|lock file .* already exists/.test(reason);
    if (!passing || attempt >= START_ATTEMPTS) throw explain(reason, place, user);
    await waitUntil(() => Promise.resolve(false), 250);
    port = await freePort();
  }
}

async function createDatabase(maintenance: string): Promise<void> {
  const client = new Client({ connectionString: maintenance });
  await client.connect();
  try {
    const { rowCount } = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [DATABASE]);
    if (rowCount === 0) await client.query(`CREATE DATABASE ${DATABASE}`);
  } finally {
    await client.end();
  }
}

/** Fast shutdown, then an immediate one: the next start recovers from that. */
async function shutDown(pid: number, exited?: Promise<void>, withinMs = STOP_MS): Promise<void> {
  if (pid <= 0) return;
  if (!(await signalAndWait(pid, 'SIGINT', withinMs))) await signalAndWait(pid, 'SIGQUIT', 2_000);
  await exited;
}

async function answers(url: string): Promise<boolean> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 2_000 });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query('SELECT 1');
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => undefined);
  }
}

function urlOf(port: number, password: string, database = DATABASE): string {
  return `postgresql://${USER}:${password}@127.0.0.1:${port}/${database}`;
}

function explain(output: string, place: Place, user: PostgresUser): EmbeddedServiceError {
  const say = (message: string): EmbeddedServiceError =>
    new EmbeddedServiceError('postgres', message, { cause: new Error(output) });
  if (/No space left on device|Disk quota exceeded/i.test(output)) return say(diskFull(place.folder));
  if (/permission denied|Read-only file system|Operation not permitted/i.test(output)) {
    if (user.account === undefined) return say(notWritable(place.folder));
    return say(
      `Postgres refuses to run as root, and the user ${user.account} cannot reach ${place.folder}: set STEPCAST_HOME to ` +
        `a folder that all may enter, such as one below /var/lib, start as an ordinary user, or set DATABASE_URL.`,
    );
  }
  if (
    /invalid (primary )?checkpoint record|could not (open|read|locate) .*(global|pg_control|pg_wal)|database files are incompatible|incorrect checksum in control file|is not a valid data directory/i.test(
      output,
    )
  ) {
    return brokenData(place, output);
  }
  return say(`Postgres did not start on ${place.data}: ${lastLine(output)}`);
}

function brokenData(place: Place, output?: string): EmbeddedServiceError {
  return new EmbeddedServiceError(
    'postgres',
    `${place.data} is not a usable database: bring it back from a backup, or move ${place.folder} away to start afresh.`,
    { cause: output },
  );
}

function lastLine(output: string): string {
  const lines = output.trim().split('\n');
  return (lines.findLast((line) => /FATAL|PANIC|error/i.test(line)) ?? lines.at(-1) ?? 'no reason was given').trim();
}
