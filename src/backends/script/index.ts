/** The Backends that run source code: one mechanism, and a small driver in each language. */
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, parse } from 'node:path';
import type { BackendSpec } from '../../domain/definitions';
import { StepcastError } from '../../domain/errors';
import { safeName } from '../attempt/attemptDirectory';
import { commandEnvironment } from '../attempt/environment';
import type { Backend, BackendHealth, CommandExit, PreparedAttempt } from '../backend';
import type { BackendServices } from '../kinds';
import { CommandNotStarted } from '../process/nativeProcess';
import { startProcess, watchProcess } from '../process/start';
import { interpreterEnvironment, interpreterHealth, locateInterpreter, stampOf, type Environment } from './interpreter';
import type { AnyScriptOptions, Language } from './language';
import { createPool } from './pool';
import { requestOf } from './request';
import { withResult } from './result';

/** Beside the working directory of an Attempt: the source, what it is told, and what it returns. */
const EXCHANGE = 'script';
const DRIVERS = join(__dirname, 'drivers');
const PRIVATE = 0o600;

type ScriptSpec = Pick<BackendSpec, 'environment'> & { readonly options: AnyScriptOptions };

/** The opener of a kind of Backend that runs scripts of this language. */
export function openScripts(language: Language): (spec: ScriptSpec, services: BackendServices) => Backend {
  return (spec, services) => openBackend(language, spec, services);
}

function openBackend(language: Language, { environment, options }: ScriptSpec, services: BackendServices): Backend {
  const driver = join(DRIVERS, language.driver);
  const { pool: size = 0, preload = [] } = options;
  /** What an interpreter has around it before there is an Attempt. */
  const baseEnvironment = (home: string): Environment =>
    interpreterEnvironment(
      language,
      options,
      commandEnvironment({ path: services.path, home, tmp: home, layers: [environment], marks: services.marks }),
    );
  const pool =
    size === 0
      ? undefined
      : createPool({
          size,
          parent: services.folder,
          log: services.log,
          command: (home) => {
            const env = baseEnvironment(home);
            const found = locateInterpreter(language, options, env);
            return 'path' in found
              ? { argv: [found.path, ...language.arguments(driver, null, preload)], env }
              : undefined;
          },
        });
  let known: { readonly stamp: string; readonly health: BackendHealth } | undefined;

  return {
    start(attempt, hooks) {
      const env = interpreterEnvironment(language, options, attempt.env);
      const found = locateInterpreter(language, options, env);
      if ('problem' in found) throw new CommandNotStarted(found.problem);
      const exchange = writeExchange(language, attempt, env);
      hooks.checkpoint();
      const waiting = runsWarm(attempt) ? pool?.take() : undefined;
      const warm = waiting?.process;
      if (waiting) moveInto(attempt.directory.out, waiting.folder);
      // The end of its input is also that of the script's.
      warm?.stdin?.end(`${exchange.request}\n`);
      const argv = [found.path, ...language.arguments(driver, exchange.request, preload)];
      const started = warm ? watchProcess(warm, attempt, hooks) : startProcess(attempt, hooks, { argv, env });
      const exited = started.exited.then((exit) => {
        const ended = withResult(asTold(exit, exchange.ended), exchange.result, attempt.task);
        rmSync(exchange.folder, { recursive: true, force: true });
        return ended;
      });
      return { ...started, exited };
    },

    async health() {
      const env = baseEnvironment(services.folder);
      const found = locateInterpreter(language, options, env);
      if ('problem' in found) return { state: 'MISSING', version: null, message: found.problem };
      const stamp = stampOf(found.path);
      if (known?.stamp !== stamp) {
        const health = await interpreterHealth(language, found.path, env);
        if (health.state !== 'READY') return health;
        known = { stamp, health };
      }
      return { ...known.health, message: pool?.trouble() ?? '' };
    },

    close: async () => pool?.close(),
  };
}

/**
 * What is read when an interpreter starts, or a package is loaded, would come too late: a Task with an environment of its
 * own, or with data on its standard input, starts an interpreter of its own.
 */
function runsWarm({ task, stdin }: PreparedAttempt): boolean {
  return stdin === 'null' && Object.keys(task.environment).length === 0;
}

/**
 * The folder that an interpreter works in becomes that of the Attempt, if both are empty: Octave reads all of its library's
 * folders again when it changes its own.
 */
function moveInto(out: string, folder: string): void {
  try {
    if (readdirSync(folder).length > 0 || readdirSync(out).length > 0) return;
    // What is empty is replaced.
    renameSync(folder, out);
  } catch {
    // On two disks, for one: it will change its folder itself.
  }
}

interface Exchange {
  readonly folder: string;
  /** The paths of what the driver reads and writes. */
  readonly request: string;
  readonly result: string;
  /** There when the interpreter had done all, with the exit code 0, before it ended itself at once. */
  readonly ended: string;
}

/** Some languages have no other way to end without the time that their own end takes than to kill themselves. */
const asTold = (exit: CommandExit, ended: string): CommandExit =>
  exit.signal === 'SIGKILL' && existsSync(ended) ? { ...exit, exitCode: 0, signal: null } : exit;

function writeExchange(language: Language, attempt: PreparedAttempt, env: Readonly<Record<string, string>>): Exchange {
  const { command, name } = attempt.task;
  if (command.kind !== 'script')
    throw new StepcastError('BAD_INPUT', `Task \`${name}\` holds no script, and ${language.title} runs nothing else.`);
  const folder = join(attempt.directory.root, EXCHANGE);
  const { name: base, ext } = parse(command.file ?? `${name}${language.extension}`);
  const source = join(folder, safeName(`${language.sourceName(base)}${ext}`));
  // Names that no source has: they have no extension, or begin with a dot.
  const result = join(folder, '.result');
  const exchange = { folder, request: join(folder, '.request'), result, ended: `${result}.ended` };
  const request = requestOf(attempt, { source, result: exchange.result }, env);
  // Synchronous: for small files that costs less than the trips through Node's thread pool.
  mkdirSync(folder, { mode: 0o700 });
  writeFileSync(source, language.sourceText(command.source), { mode: PRIVATE });
  writeFileSync(exchange.request, language.encode(request, join(DRIVERS, language.driver)), { mode: PRIVATE });
  return exchange;
}
