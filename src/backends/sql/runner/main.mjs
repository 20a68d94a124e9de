// @ts-check
/**
 * The process that runs one query: it loads the engine, waits for its request, and ends. It is plain JavaScript, so that
 * it starts from this file as it stands, from the sources and from the build.
 */
import { writeSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { QueryFailure } from './failure.mjs';

/** @import { RunnerMessage, RunnerRequest } from '../messages.js' with { 'resolution-mode': 'require' } */

const CONTROL = 3;
const FAILED = 1;

/** @param {RunnerMessage} message */
const tell = (message) => writeSync(CONTROL, `${JSON.stringify(message)}\n`);

/** The engine and what uses it, or nothing after it was told that it is missing. */
async function load() {
  try {
    const duckdb = await import('@duckdb/node-api');
    return { duckdb, ...(await import('./database.mjs')), ...(await import('./run.mjs')) };
  } catch (error) {
    tell({ kind: 'missing', message: error instanceof Error ? error.message : String(error) });
    return undefined;
  }
}

/** @param {NonNullable<Awaited<ReturnType<typeof load>>>} engine */
async function answer({ duckdb, prepareDatabase, runPlan }) {
  const instance = await duckdb.DuckDBInstance.create(':memory:', { threads: '1' });
  const connection = await instance.connect();
  tell({ kind: 'ready', version: duckdb.version() });
  const request = await text(process.stdin);
  // A process that was kept ready and is not needed any more.
  if (request === '') return 0;
  /** @type {RunnerRequest} */
  const { plan, folders, settings } = JSON.parse(request);
  try {
    process.chdir(folders.out);
    await prepareDatabase(connection, folders, settings);
    const returned = await runPlan(connection, plan, folders, settings);
    tell({ kind: 'ended', returned, ...usage() });
    return 0;
  } catch (error) {
    const failure = QueryFailure.of(error);
    process.stderr.write(`${failure.message}\n`);
    tell({ kind: 'ended', returned: {}, ...usage(), ...(failure.outOfMemory ? { outOfMemory: failure.summary } : {}) });
    return FAILED;
  }
}

function usage() {
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
  return { cpuMs: Math.round((userCPUTime + systemCPUTime) / 1000), maxRssBytes: maxRSS * 1024 };
}

const engine = await load();
// Closing the engine would only take time: its memory goes with the process.
if (engine) process.exit(await answer(engine));
