/** One Attempt, from its inputs to its outcome. */
import { open, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type { ArtifactStore } from '../../artifacts/store';
import { buildArgv, outputPath } from '../../domain/argv';
import { messageOf, StepcastError } from '../../domain/errors';
import { readExit, type LimitKind } from '../../domain/readExit';
import { resourceVariables } from '../../domain/resources';
import type { AttemptObserver, AttemptOutcome, AttemptRequest, RunningAttempt } from '../backend';
import { createAttemptDirectory, type AttemptDirectory } from './attemptDirectory';
import { collectOutputs, type Collected } from './collectOutputs';
import { commandEnvironment } from './environment';
import { watchHeartbeat, type HeartbeatWatch } from './heartbeat';
import { ATTEMPT_VARIABLE, marks, WORKER_VARIABLE } from './identity';
import { awaitEnd } from './lastBytes';
import { limitMemory } from './memoryLimit';
import { CommandNotStarted, spawnProcess, type NativeProcess, type ProcessExit } from './nativeProcess';
import { killTree, type Tree } from './processTree';
import { pump, type Pump } from './pump';

/** What all Attempts of one worker share. */
export interface RunContext {
  /** Where the directories of Attempts are made. */
  readonly folder: string;
  readonly workerMark: string;
  readonly artifacts: ArtifactStore;
  /** The PATH of commands whose Task sets none. */
  readonly path: string;
}

type StopReason = 'cancelled' | 'shutdown' | LimitKind | 'fault';

/** Thrown inside when an Attempt is stopped between two steps of preparing or collecting. */
class Stopped extends Error {}

/** Node's timers hold no more; longer timeouts (24 days) end there. */
const MAX_TIMER_MS = 2 ** 31 - 1;

const NOTHING: Collected = { outputs: {}, missing: [], faults: [] };
const NO_EXIT: ProcessExit = { exitCode: null, signal: null, cpuMs: null, maxRssBytes: null };

/** Starts the Attempt. Its outcome rejects only for the machine's own faults, and always after everything was ended. */
export function runAttempt(context: RunContext, request: AttemptRequest, observer: AttemptObserver): RunningAttempt {
  const { task, stepRunId, attempt } = request;
  const attemptMarks = marks(context.workerMark, stepRunId, attempt);
  const { resources = {} } = request;
  let stopped: StopReason | undefined;
  /** The most that was seen of the whole tree, in bytes; known only when its memory is limited. */
  let treePeak: number | undefined;
  let tree: Tree | undefined;
  let killing: Promise<unknown> | undefined;

  const stop = (reason: StopReason): void => {
    stopped ??= reason;
    // What takes too much memory would take more while it is asked to end.
    if (tree) killing ??= stopped === 'OUT_OF_MEMORY' ? killTree(tree, 0) : killTree(tree);
  };
  const checkpoint = (): void => {
    if (stopped) throw new Stopped();
  };

  async function run(): Promise<AttemptOutcome> {
    const directory = createAttemptDirectory({
      parent: context.folder,
      name: `${stepRunId}.${attempt}`,
      artifacts: context.artifacts,
      plain: task.inputs.length === 0 && task.outputs.length === 0,
      checkpoint,
    });
    try {
      return await runIn(directory);
    } catch (error) {
      if (error instanceof Stopped) return finish(NO_EXIT, NOTHING);
      if (isTasksFault(error))
        return {
          ...finish(NO_EXIT, NOTHING),
          state: 'FAILED',
          failure: 'NOT_STARTED',
          retryable: false,
          message: error.message,
        };
      throw asMachineFault(error, stepRunId);
    } finally {
      await directory.remove();
    }
  }

  async function runIn(directory: AttemptDirectory): Promise<AttemptOutcome> {
    const files = new Map<'stdout' | 'stderr', FileHandle>();
    try {
      const command = await prepare(directory, files);
      const exit = await execute(command, files);
      if (stopped === 'cancelled' || stopped === 'shutdown') return finish(exit, NOTHING);
      const streams = Object.fromEntries([...files.keys()].map((name) => [name, join(directory.root, name)]));
      const { artifacts } = context;
      const ports = task.outputs;
      if (ports.length === 0) return finish(exit, NOTHING);
      // What was ended for a limit is collected as far as it came; only a cancel stops that.
      const endedBy = stopped;
      const collectCheckpoint = (): void => {
        if (stopped !== endedBy || stopped === 'fault') throw new Stopped();
      };
      return finish(
        exit,
        await collectOutputs({ ports, stepRunId, directory, streams, artifacts, checkpoint: collectCheckpoint }),
      );
    } finally {
      for (const file of files.values()) await file.close();
    }
  }

  async function prepare(directory: AttemptDirectory, files: Map<'stdout' | 'stderr', FileHandle>) {
    const { values } = request;
    const inputPaths = task.inputs.length > 0 ? await directory.stage(task.inputs, values) : {};
    for (const port of task.outputs) {
      if (port.from === 'glob') await directory.makeRoomFor(outputPath(port, stepRunId));
      else if (port.from !== 'value' && !files.has(port.from))
        files.set(port.from, await open(join(directory.root, port.from), 'wx', 0o600));
    }
    checkpoint();
    const outputPaths = Object.fromEntries(task.outputs.map((port) => [port.name, outputPath(port, stepRunId)]));
    const words = buildArgv(task, { inputPaths, outputPaths, values, id: stepRunId, tmp: directory.tmp, resources });
    const env = commandEnvironment({
      path: context.path,
      home: directory.root,
      tmp: directory.tmp,
      layers: [request.backendEnvironment, resourceVariables(resources), task.environment, words.environment],
      marks: attemptMarks,
    });
    return { argv: words.argv, cwd: directory.out, env, stdin: await chooseStdin(directory, inputPaths) };
  }

  async function chooseStdin(
    directory: AttemptDirectory,
    inputPaths: Readonly<Record<string, string | string[]>>,
  ): Promise<'null' | { file: string }> {
    const port = task.command.kind === 'expression' ? undefined : task.command.stdin;
    if (port === undefined) return 'null';
    const staged = inputPaths[port];
    const path = typeof staged === 'string' ? staged : staged?.[0];
    if (path !== undefined) return { file: path };
    const value = request.values[port];
    if (value === null || value === undefined || staged !== undefined) return 'null';
    return { file: await directory.writeInput(port, typeof value === 'string' ? value : JSON.stringify(value)) };
  }

  async function execute(
    command: Parameters<typeof spawnProcess>[0],
    files: ReadonlyMap<'stdout' | 'stderr', FileHandle>,
  ): Promise<ProcessExit> {
    const child: NativeProcess = spawnProcess(command);
    const list = [`${ATTEMPT_VARIABLE}=${attemptMarks[ATTEMPT_VARIABLE]}`, `${WORKER_VARIABLE}=${context.workerMark}`];
    const own: Tree = { pid: child.pid, marks: list };
    tree = own;
    const pumps: Pump[] = (['stdout', 'stderr'] as const).map((name) =>
      pump({ stream: child[name], name, observer, file: files.get(name), beat: () => limits.beat() }),
    );
    const limits = watchLimits(own, () => pumps.reduce((sum, each) => sum + each.heldUpMs(), 0));
    for (const each of pumps) each.done.catch(() => stop('fault'));
    const exit = await child.exited;
    limits.end();
    // From here on a stop changes nothing about how the command ended, and its pid may soon be another's.
    tree = undefined;
    await killing;
    await awaitEnd(own, pumps);
    return exit;
  }

  /** The clock and the scales: a command that passes a limit of its Task is ended. */
  function watchLimits(own: Tree, heldUpMs: () => number): { beat(): void; end(): void } {
    const { timeoutSeconds, heartbeatSeconds } = task;
    const { memoryBytes } = resources;
    const timer = setTimeout(stop, Math.min(timeoutSeconds * 1000, MAX_TIMER_MS), 'TIMEOUT');
    const memory = memoryBytes === undefined ? undefined : limitMemory(own, memoryBytes, () => stop('OUT_OF_MEMORY'));
    const heartbeat: HeartbeatWatch | undefined =
      heartbeatSeconds === undefined
        ? undefined
        : watchHeartbeat({ seconds: heartbeatSeconds, heldUpMs, onMissed: () => stop('HEARTBEAT') });
    return {
      beat: () => heartbeat?.beat(),
      end: () => {
        clearTimeout(timer);
        heartbeat?.end();
        treePeak = memory?.end();
      },
    };
  }

  function finish(exit: ProcessExit, { outputs, missing, faults }: Collected): AttemptOutcome {
    const { exitCode, signal, cpuMs, maxRssBytes } = exit;
    const reading = readExit(task, {
      exitCode,
      signal,
      passed: stopped === 'TIMEOUT' || stopped === 'HEARTBEAT' || stopped === 'OUT_OF_MEMORY' ? stopped : null,
      ...(resources.memoryBytes === undefined
        ? {}
        : { memory: { limitBytes: resources.memoryBytes, usedBytes: treePeak ?? 0 } }),
      cancelled: stopped === 'cancelled' || stopped === 'shutdown' ? stopped : null,
      missing,
      faults,
    });
    const peakMemoryBytes = treePeak ? Math.max(treePeak, maxRssBytes ?? 0) : maxRssBytes;
    return { ...reading, exitCode, signal, outputs, cpuMs, peakMemoryBytes };
  }

  return { outcome: run(), cancel: stop };
}

/** Faults that follow the Task or its data to every machine. */
function isTasksFault(error: unknown): error is StepcastError {
  if (error instanceof CommandNotStarted) return true;
  return error instanceof StepcastError && ['BAD_INPUT', 'NOT_FOUND', 'LIMIT_EXCEEDED'].includes(error.code);
}

function asMachineFault(error: unknown, stepRunId: string): StepcastError {
  if (error instanceof StepcastError) return error;
  const message = `This worker's machine could not run step run ${stepRunId}: ${messageOf(error)}`;
  return new StepcastError('UNAVAILABLE', message, { cause: error });
}
