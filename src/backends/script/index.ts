/** The Backends that run source code: one mechanism, and a small driver in each language. */
import { readdirSync, renameSync, rmSync } from 'node:fs';
import type { BackendSpec } from '../../domain/definitions';
import { commandEnvironment } from '../attempt/environment';
import type { Backend, BackendHealth, PreparedAttempt } from '../backend';
import type { BackendServices } from '../kinds';
import { CommandNotStarted } from '../process/nativeProcess';
import { startProcess, watchProcess } from '../process/start';
import { driverOf, writeExchange } from './exchange';
import { interpreterEnvironment, interpreterHealth, locateInterpreter, stampOf, type Environment } from './interpreter';
import type { AnyScriptOptions, Language } from './language';
import { createPool } from './pool';
import { asTold, withResult } from './result';

type ScriptSpec = Pick<BackendSpec, 'environment'> & { readonly options: AnyScriptOptions };

/** The opener of a kind of Backend that runs scripts of this language. */
export function openScripts(language: Language): (spec: ScriptSpec, services: BackendServices) => Backend {
  return (spec, services) => openBackend(language, spec, services);
}

function openBackend(language: Language, { environment, options }: ScriptSpec, services: BackendServices): Backend {
  const driver = driverOf(language);
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
            const env = { ...language.waitingVariables, ...baseEnvironment(home) };
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
        const ended = withResult(asTold(exit, exchange.result), exchange.result, attempt.task);
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
    // What is empty is replaced.
    if (readdirSync(folder).length === 0 && readdirSync(out).length === 0) renameSync(folder, out);
  } catch {
    // On two disks, for one: it will change its folder itself.
  }
}
