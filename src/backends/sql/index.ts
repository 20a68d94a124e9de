/** The Backend SQL: queries over files, on the engine DuckDB, each in a process of its own that is confined to its files. */
import { accessSync, constants } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, relative } from 'node:path';
import type { SqlOptions } from '../../domain/backends/sql';
import type { BackendSpec } from '../../domain/definitions';
import { messageOf, StepcastError } from '../../domain/errors';
import type { Backend, BackendHealth, PreparedAttempt } from '../backend';
import type { BackendServices } from '../kinds';
import { planQuery } from '../query/plan';
import type { RunnerRequest, RunnerSettings } from './messages';
import { explainMissing, startRunner, type Runner } from './runnerProcess';

/** What a process holds beside the engine's own memory. In bytes. */
const PROCESS_BYTES = 160 * 1024 ** 2;
/** The engine does not work with less. */
const MIN_ENGINE_BYTES = 64 * 1024 ** 2;
/** Of a query whose Task and Backend say nothing: what is more goes to disk. */
const DEFAULT_ENGINE_BYTES = 1024 ** 3;
const DEFAULT_SAMPLE_ROWS = 200_000;
const DEFAULT_POOL = 1;

export function openSql({ options }: BackendSpec<'SQL'>, { marks, path, log }: BackendServices): Backend {
  const { pool = DEFAULT_POOL } = options;
  const waiting: Runner[] = [];
  let version: string | undefined;
  let closed = false;

  /** Runners are started ahead of their queries, so that a query does not wait for the engine to load. */
  const fill = (): void => {
    if (closed) return;
    const alive = waiting.filter((runner) => runner.alive());
    waiting.length = 0;
    waiting.push(...alive);
    try {
      while (waiting.length < pool) waiting.push(startRunner(marks, path));
    } catch (error) {
      // The query that was given the last one runs; the next one tries again.
      log(`No process could be started for the next query: ${messageOf(error)}`);
    }
  };
  const take = (): Runner => {
    for (let runner = waiting.shift(); runner; runner = waiting.shift()) if (runner.alive()) return runner;
    return startRunner(marks, path);
  };

  return {
    start(attempt, hooks) {
      const unreadable = databaseProblem(options);
      if (unreadable !== undefined) throw new StepcastError('UNAVAILABLE', unreadable);
      const request = requestOf(attempt, options);
      const runner = take();
      const command = runner.run(request, hooks, attempt.resources.memoryBytes);
      fill();
      return command;
    },

    async health(): Promise<BackendHealth> {
      const unreadable = databaseProblem(options);
      if (unreadable !== undefined) return { state: 'UNAVAILABLE', version: null, message: unreadable };
      if (version === undefined) {
        const runner = take();
        const readiness = await runner.ready;
        if ('missing' in readiness)
          return { state: 'MISSING', version: null, message: explainMissing(readiness.missing) };
        version = readiness.version;
        if (waiting.length < pool && !closed) waiting.push(runner);
        else await runner.discard();
      }
      return { state: 'READY', version: `DuckDB ${version}`, message: '' };
    },

    async close() {
      closed = true;
      await Promise.all(waiting.splice(0).map((runner) => runner.discard()));
    },
  };
}

function requestOf(attempt: PreparedAttempt, options: SqlOptions): RunnerRequest {
  const { root, out, tmp } = attempt.directory;
  // The folder of a long run may be called anything; relative to the working directory it is plain.
  const plan = planQuery(attempt, 'duckdb', (path) => escapePattern(relative(out, path)));
  return {
    plan,
    folders: { out, tmp, others: [join(root, 'in')] },
    settings: settingsOf(attempt, options),
  };
}

function settingsOf({ resources, env }: PreparedAttempt, options: SqlOptions): RunnerSettings {
  const { memoryBytes, cpus, diskBytes } = resources;
  const engineBytes =
    memoryBytes === undefined ? (options.memoryBytes ?? DEFAULT_ENGINE_BYTES) : memoryBytes - PROCESS_BYTES;
  return {
    threads: Math.max(1, Math.floor(cpus ?? options.threads ?? availableParallelism())),
    memoryBytes: Math.max(MIN_ENGINE_BYTES, engineBytes),
    sampleRows: options.sampleRows ?? DEFAULT_SAMPLE_ROWS,
    timeZone: env.TZ ?? 'UTC',
    ...(diskBytes === undefined ? {} : { diskBytes }),
    ...(options.database === undefined ? {} : { database: options.database }),
  };
}

/** Why the Backend's database cannot be used; undefined when it can, or there is none. */
function databaseProblem({ database }: SqlOptions): string | undefined {
  if (database === undefined) return undefined;
  try {
    accessSync(database, constants.R_OK);
    return undefined;
  } catch (error) {
    return `The database ${database} cannot be read on this worker: ${messageOf(error)}`;
  }
}

/** The engine takes paths as patterns. */
const escapePattern = (path: string): string => path.replace(/[*?[]/g, '[$&]');
