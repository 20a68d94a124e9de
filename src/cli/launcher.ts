import { access, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Environment, Settings } from '../config/settings';
import { freePort } from '../embedded';
import { lockHome } from './instanceLock';
import { openLog, type LogFile } from './logFile';
import { startServices, type Services } from './services';
import { StartError } from './startError';
import { supervise, type Supervised } from './supervise';

/** The longest a first start waits for the API: migrations of a large database take their time. */
const READY_MS = 120_000;
const READY_POLL_MS = 25;
/** A request in the very moment of the start may stay without an answer: then another one is made soon. */
const READY_TRY_MS = 500;
/** From the signal to the end of everything: ten seconds. The children get most of it, then Redis, then Postgres. */
const CHILDREN_STOP_MS = 8_700;
const SERVICE_STOP_MS = 500;
const MAX_DRAIN_SECONDS = 8;

export interface LauncherOptions {
  readonly settings: Settings;
  /** What the children inherit. */
  readonly environment: Environment;
  /** The folder of the built programs. */
  readonly dist: string;
  readonly print: (line: string) => void;
  /** Shows one example, live, on the very first start. */
  readonly firstExample?: (options: { readonly url: string; readonly print: (line: string) => void }) => Promise<void>;
}

/** Everything `npm start` runs. */
export interface Launched {
  /** Where the API answers. */
  readonly url: string;
  /** Settles when it ended by itself: with the reason. */
  readonly ended: Promise<string>;
  /** Stops all in order, within ten seconds. */
  stop(): Promise<void>;
  /** Kills the API and the worker; Redis and Postgres end with this process. */
  hurry(): void;
}

/** Starts the services, the API and one worker, and waits until the API serves. Throws StartError, and leaves nothing. */
export async function launch(options: LauncherOptions): Promise<Launched> {
  const { settings, print } = options;
  const began = Date.now();
  const unlock = await lockHome(settings.home);
  let services: Services | undefined;
  const children: Supervised[] = [];
  const logs: LogFile[] = [];
  let giveUp: (reason: string) => void = () => undefined;
  const ended = new Promise<string>((resolve) => {
    giveUp = resolve;
  });
  let stopping: Promise<void> | undefined;
  const stop = (): Promise<void> =>
    (stopping ??= (async () => {
      await Promise.all(children.map((child) => child.stop(CHILDREN_STOP_MS)));
      await services?.stop(SERVICE_STOP_MS);
      await Promise.all(logs.map((log) => log.close()));
      await unlock();
    })());

  try {
    const port = await usablePort(settings);
    const url = `http://${settings.host.includes(':') ? `[${settings.host}]` : settings.host}:${port}`;
    services = await startServices({
      settings,
      print,
      moved: () => children.forEach((child) => child.restart()),
      gaveUp: giveUp,
    });
    print(`  Postgres and Redis  ready  ${elapsed(began)}`);
    const { databaseUrl, redisUrl } = services;
    const environment = (): NodeJS.ProcessEnv => ({
      ...options.environment,
      DATABASE_URL: databaseUrl(),
      REDIS_URL: redisUrl(),
      HOST: settings.host,
      PORT: String(port),
      STEPCAST_HOME: settings.home,
      STEPCAST_DRAIN_SECONDS: String(Math.min(settings.drainSeconds, MAX_DRAIN_SECONDS)),
    });
    const run = (name: string, entry: string): Supervised => {
      const log = openLog(path.join(settings.home, 'logs'), name.toLowerCase());
      logs.push(log);
      const child = supervise({
        name,
        entry: path.join(options.dist, entry),
        environment,
        log,
        print,
        gaveUp: giveUp,
      });
      children.push(child);
      return child;
    };
    const api = run('API', 'schema/main.js');
    run('Worker', 'workers/main.js');
    await untilReady(url, api, ended);
    print(`  API and worker      ready  ${elapsed(began)}`);
    await welcome(url, options);
    return { url, ended, stop, hurry: () => children.forEach((child) => child.kill()) };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The port the API will take. Throws the sentence for a port that cannot be had. */
async function usablePort({ host, port }: Settings): Promise<number> {
  if (port === 0) return freePort();
  const error = await new Promise<NodeJS.ErrnoException | undefined>((resolve) => {
    const server = createServer();
    server.once('error', resolve);
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(undefined)));
  });
  if (error === undefined) return port;
  const another = `choose another one with \`PORT=${port < 65_000 ? port + 1 : 4001} npm start\``;
  switch (error.code) {
    case 'EADDRINUSE':
      throw new StartError(`Port ${port} on ${host} is taken by another program: ${another}.`);
    case 'EACCES':
      throw new StartError(`Port ${port} may only be used by root: ${another}.`);
    default:
      throw new StartError(`Port ${port} on ${host} cannot be used (${error.message}): ${another}.`);
  }
}

async function untilReady(url: string, api: Supervised, ended: Promise<string>): Promise<void> {
  const over = Date.now() + READY_MS;
  let reason: string | undefined;
  void ended.then((text) => {
    reason = text;
  });
  while (!(await isReady(url))) {
    // What it cannot do at the first try, such as reaching a database, it tells in its last lines.
    if (api.crashes() > 0) throw new StartError(api.tail() === '' ? 'The API ended before it served.' : api.tail());
    if (reason !== undefined) throw new StartError(reason);
    if (Date.now() > over) throw new StartError(`The API does not answer on ${url} after ${READY_MS / 1_000} s.`);
    await delay(READY_POLL_MS);
  }
}

async function isReady(url: string): Promise<boolean> {
  try {
    const response = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(READY_TRY_MS) });
    await response.body?.cancel();
    return response.ok;
  } catch {
    return false;
  }
}

/** Shows one example on the very first start; afterwards, where to go. */
async function welcome(url: string, { settings, print, firstExample }: LauncherOptions): Promise<void> {
  const marker = path.join(settings.home, 'first-example-shown');
  const first = await access(marker).then(
    () => false,
    () => true,
  );
  if (first && firstExample) {
    print('');
    try {
      await firstExample({ url, print });
      await writeFile(marker, '');
    } catch (error) {
      print(`The example could not be shown: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  print('');
  print(`  GraphiQL     ${url}/graphiql`);
  print(`  GraphQL API  ${url}/graphql  (HTTP and WebSocket)`);
  print(`  Submit       npm run stepcast -- submit JOB --input NAME=VALUE --watch`);
  print(`  Jobs         npm run stepcast -- jobs`);
  print(`  Data         ${settings.home}`);
  print('');
  print('Ctrl-C stops everything.');
}

function elapsed(since: number): string {
  return `(${((Date.now() - since) / 1_000).toFixed(1)} s)`;
}
