/** A process of this machine that runs one query: see `runner/main.mjs`. It may be started before its query is known. */
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { messageOf, StepcastError } from '../../domain/errors';
import type { CommandExit, CommandHooks, StartedCommand } from '../backend';
import { awaitEnd } from '../process/lastBytes';
import { limitMemory } from '../process/memoryLimit';
import { processStart } from '../process/processList';
import { killTree, type Tree } from '../process/processTree';
import { readMessage, type RunnerMessage, type RunnerRequest } from './messages';

/** What tells that the engine can be used: its version, or why it cannot. */
export type Readiness = { readonly version: string } | { readonly missing: string };

/** A runner that waits for its query. */
export interface Runner {
  /** Rejects when the process ended without a word. */
  readonly ready: Promise<Readiness>;
  /** Whether it still waits. */
  alive(): boolean;
  /** Gives it its query, once. */
  run(
    request: RunnerRequest,
    hooks: Pick<CommandHooks, 'outOfMemory'>,
    memoryBytes: number | undefined,
  ): StartedCommand;
  /** Ends it unused. */
  discard(): Promise<void>;
}

const PROGRAM = join(__dirname, 'runner', 'main.mjs');
/** By this variable all that belongs to one runner is told from others: it has no Attempt yet when it starts. */
const RUNNER_VARIABLE = 'STEPCAST_SQL_RUNNER';
const CONTROL = 3;

/** Starts one. `marks` are those of its worker: it dies with it. */
export function startRunner(marks: Readonly<Record<string, string>>, path: string): Runner {
  const id = randomUUID();
  const env = { ...marks, [RUNNER_VARIABLE]: id, PATH: path, LANG: 'C.UTF-8' };
  const child = spawn(process.execPath, [PROGRAM], { env, detached: true, stdio: ['pipe', 'pipe', 'pipe', 'pipe'] });
  let ended: Extract<RunnerMessage, { kind: 'ended' }> | undefined;
  let missing: string | undefined;
  let tell: (readiness: Readiness) => void;
  let fail: (error: Error) => void;
  const ready = new Promise<Readiness>((resolve, reject) => {
    tell = resolve;
    fail = reject;
  });
  ready.catch(() => {}); // only who asks for it cares

  const { pid, stdin, stdout, stderr } = child;
  // One that could not be started tells so a moment later, too.
  child.on('error', (error) => fail(new StepcastError('UNAVAILABLE', messageOf(error), { cause: error })));
  if (pid === undefined) throw new StepcastError('UNAVAILABLE', 'This worker could not start a process for a query.');
  const tree: Tree = { pid, marks: [`${RUNNER_VARIABLE}=${id}`] };
  stdin.on('error', () => {}); // it ended before it was asked: its exit tells

  const heard = new Promise<void>((resolve) => {
    const lines = createInterface({ input: child.stdio[CONTROL] as Readable, crlfDelay: Infinity });
    lines.on('line', (line) => {
      const message = readMessage(line);
      if (!message) return;
      switch (message.kind) {
        case 'ready':
          return tell({ version: message.version });
        case 'missing':
          missing = message.message;
          return tell({ missing });
        case 'ended':
          ended = message;
      }
    });
    lines.once('close', resolve);
  });
  const exited = new Promise<Pick<CommandExit, 'exitCode' | 'signal'>>((resolve) => {
    child.once('exit', (exitCode, signal) => {
      fail(
        new StepcastError('UNAVAILABLE', `The process for queries ended before it was ready (${exitCode ?? signal}).`),
      );
      resolve({ exitCode, signal });
    });
  });

  const outcome = async (): Promise<CommandExit> => {
    const exit = await exited;
    await heard;
    const { cpuMs = null, maxRssBytes = null, returned = {}, outOfMemory } = ended ?? {};
    const facts: CommandExit = { ...exit, cpuMs, maxRssBytes, returned };
    if (missing !== undefined) return { ...facts, failure: { kind: 'NOT_STARTED', message: explainMissing(missing) } };
    return outOfMemory === undefined
      ? facts
      : { ...facts, failure: { kind: 'OUT_OF_MEMORY', message: explainMemory(outOfMemory) } };
  };

  return {
    ready,
    // Looked up, for its end is heard of a moment later.
    alive: () => missing === undefined && child.exitCode === null && processStart(pid) !== undefined,
    run(request, hooks, memoryBytes) {
      stdin.end(JSON.stringify(request));
      const memory = memoryBytes === undefined ? undefined : limitMemory(tree, memoryBytes, hooks.outOfMemory);
      return {
        stdout,
        stderr,
        exited: outcome().then((exit) => {
          const peak = memory?.end();
          return peak === undefined ? exit : { ...exit, treePeakBytes: peak };
        }),
        end: (urgent) => (urgent ? killTree(tree, 0) : killTree(tree)),
        settle: (pumps) => awaitEnd(tree, pumps),
      };
    },
    async discard() {
      stdin.end();
      stdout.resume();
      stderr.resume();
      await killTree(tree, 0);
    },
  };
}

export const explainMissing = (why: string): string =>
  `The SQL engine DuckDB is not installed for this machine: ${why.split('\n', 1)[0] ?? ''} ` +
  'Install it where Stepcast lies: npm install @duckdb/node-api (with its optional packages).';

const explainMemory = (said: string): string =>
  `The query needs more memory than it may use, and could not put what it holds on disk. ${said} ` +
  "Raise the memory in the task's resources, or the Backend's memory-limit.";
