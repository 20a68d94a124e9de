/** The Backend RSERVE: scripts in sessions of a running Rserve, which may be on another machine. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { BackendSpec } from '../../domain/definitions';
import { messageOf, StepcastError } from '../../domain/errors';
import { resourceVariables } from '../../domain/resources';
import { safeName } from '../attempt/attemptDirectory';
import type { AttemptPlace, Backend, BackendHealth, PreparedAttempt } from '../backend';
import { driverOf } from '../script/exchange';
import { R } from '../script/r';
import { requestOf } from '../script/request';
import { readSetting } from '../secrets';
import { launchCode } from './code';
import { connectRserve, type RserveAddress, type RserveConnection } from './connection';
import { createGate } from './gate';
import { endAll, follow } from './session';
import { sendInputs } from './transfer';
import { createWatcher, type Watcher } from './watcher';

/** In an Attempt's directory: where its other half lies. */
const NOTE = 'rserve.json';
/** A session is a process of Rserve's machine: many that are opened together would all wait for too long. */
const OPENED_AT_ONCE = 8;

export function openRserve({ options, environment }: BackendSpec<'RSERVE'>): Backend {
  /** Throws CONFIGURATION when this worker lacks the password. */
  const address = (): RserveAddress => {
    const { host, port, socket, tls, user, password, connectTimeoutSeconds } = options;
    const login =
      user === undefined || password === undefined
        ? undefined
        : { user: readSetting(user), password: readSetting(password) };
    return {
      host,
      port,
      tls,
      connectTimeoutSeconds,
      ...(socket === undefined ? {} : { socket }),
      ...(login ? { login } : {}),
    };
  };

  const inTurn = createGate(OPENED_AT_ONCE);
  const connect = (): Promise<RserveConnection> => inTurn(async () => connectRserve(address()));

  /** Resolves when it was told to begin; what it gives resolves at its end. */
  async function launch(attempt: PreparedAttempt, watcher: Watcher, base: string): Promise<{ end: Promise<void> }> {
    const { task, directory } = attempt;
    const { command, name } = task;
    if (command.kind !== 'script')
      throw new StepcastError('BAD_INPUT', `Task \`${name}\` holds no script, and Rserve runs nothing else.`);
    const source = `${base}/script/${safeName(command.file ?? `${name}${R.extension}`)}`;
    const [driver, request] = [`${base}/.driver.R`, `${base}/.request`];
    const variables = { ...environment, ...resourceVariables(attempt.resources), ...task.environment };
    const told = requestOf(movedTo(base, attempt), { source, result: `${base}/.result` }, variables);
    await watcher.folders(foldersOf(attempt).map((folder) => `${base}/out/${folder}`));
    await watcher.upload(source, textOf(command.source));
    await watcher.upload(request, textOf(R.encode(told, driver)));
    await watcher.upload(driver, textOf(await readFile(driverOf(R), 'utf8')));
    await writeFile(join(directory.root, NOTE), JSON.stringify({ base }), { mode: 0o600 });
    const session = await connect();
    const home = { HOME: base, TMPDIR: `${base}/tmp` };
    const stdin = attempt.stdin === 'null' ? '/dev/null' : attempt.stdin.file.replace(directory.root, base);
    const code = launchCode({ base, driver, request, stdin, environment: { ...home, ...variables } });
    return { end: session.release(code) };
  }

  return {
    async start(attempt, hooks) {
      const watcher = await createWatcher(connect).catch((error: unknown) => {
        throw new StepcastError('UNAVAILABLE', messageOf(error), { cause: error });
      });
      let base: string | undefined;
      try {
        base = await watcher.make(options.folder ?? '');
        await sendInputs(watcher, attempt.directory, base, () => hooks.checkpoint());
        hooks.checkpoint();
        const { end } = await launch(attempt, watcher, base);
        return follow({ base, attempt, watcher, hooks, released: end });
      } catch (error) {
        if (base !== undefined) await watcher.remove(base).catch(() => {});
        watcher.close();
        throw error;
      }
    },

    async recover(attempt, hooks) {
      const base = await notedIn(attempt.directory);
      if (base === null) return null;
      const watcher = await createWatcher(connect);
      const { kind } = await watcher.state(base).catch((error: unknown) => {
        watcher.close();
        throw error;
      });
      if (kind !== 'missing') return follow({ base, attempt, watcher, hooks });
      watcher.close();
      return null;
    },

    async abandon(directory) {
      const base = await notedIn(directory);
      if (base === null) return;
      const watcher = await createWatcher(connect);
      try {
        await endAll(watcher, base, false);
        await watcher.remove(base);
      } finally {
        watcher.close();
      }
    },

    async health(): Promise<BackendHealth> {
      try {
        const session = await connect();
        const answer = await session.evaluate('R.version.string').finally(() => session.close());
        const [version = null] = answer === null || Buffer.isBuffer(answer) ? [] : answer;
        return { state: 'READY', version, message: '' };
      } catch (error) {
        const isUnfit = error instanceof StepcastError && error.code === 'CONFIGURATION';
        return { state: isUnfit ? 'MISSING' : 'UNAVAILABLE', version: null, message: messageOf(error) };
      }
    },

    close: () => Promise.resolve(),
  };
}

/** The same Attempt with the paths that it has on the other machine. */
function movedTo(base: string, attempt: PreparedAttempt): PreparedAttempt {
  const { root } = attempt.directory;
  const moved = (path: string): string => path.replaceAll(root, base);
  const inputPaths = Object.entries(attempt.inputPaths).map(([port, paths]): [string, string | readonly string[]] => [
    port,
    typeof paths === 'string' ? moved(paths) : paths.map(moved),
  ]);
  const directory = { root: base, out: `${base}/out`, tmp: `${base}/tmp` };
  return { ...attempt, directory, inputPaths: Object.fromEntries(inputPaths) };
}

/** Folders that outputs are promised in. */
const foldersOf = ({ outputPaths }: PreparedAttempt): string[] =>
  Object.values(outputPaths).flatMap((path) => (path.includes('/') ? [path.slice(0, path.lastIndexOf('/'))] : []));

const textOf = (text: string): AsyncIterable<Buffer> => Readable.from([Buffer.from(text)]);

/** Where the other half of an Attempt lies; null when it did not come to that. */
async function notedIn({ root }: AttemptPlace): Promise<string | null> {
  const text = await readFile(join(root, NOTE), 'utf8').catch(() => null);
  if (text === null) return null;
  const { base } = JSON.parse(text) as { base?: unknown };
  return typeof base === 'string' ? base : null;
}
