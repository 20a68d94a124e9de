/** One Attempt on any Backend, from its inputs to its outcome. */
import { open, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type { ArtifactStore } from '../../artifacts/store';
import { buildArgv, outputPath } from '../../domain/argv';
import { messageOf, StepcastError } from '../../domain/errors';
import { readExit } from '../../domain/readExit';
import { resourceVariables } from '../../domain/resources';
import type {
  AttemptObserver,
  AttemptOutcome,
  AttemptPlace,
  AttemptRequest,
  Backend,
  CommandExit,
  CommandHooks,
  PlacedAttempt,
  PreparedAttempt,
  RunningAttempt,
  StartedCommand,
} from '../backend';
import { marks } from '../process/identity';
import { CommandNotStarted } from '../process/nativeProcess';
import { createAttemptDirectory, removeTree, type AttemptDirectory } from './attemptDirectory';
import { collectOutputs, type Collected } from './collectOutputs';
import { commandEnvironment } from './environment';
import { watchLimits } from './limits';
import { keep, keptPlace } from './place';
import { pump, type Pump } from './pump';
import { isLimit, type StopReason } from './stopReason';

/** What all Attempts of one worker share. */
export interface RunContext {
  /** Where the directories of Attempts are made that end with the worker. */
  readonly folder: string;
  /** The same for those that may outlive it. */
  readonly keptFolder: string;
  readonly workerMark: string;
  readonly artifacts: ArtifactStore;
  /** The PATH of commands whose Task sets none. */
  readonly path: string;
  /** The Backend that the request names. */
  readonly backendFor: (request: AttemptRequest) => Backend | Promise<Backend>;
}

/** Thrown inside when an Attempt is stopped between two steps of preparing or collecting. */
class Stopped extends Error {}

/** Between two tries to end a command. */
const END_AGAIN_MS = 2_000;

const NOTHING: Collected = { outputs: {}, missing: [], faults: [] };
const NO_EXIT: CommandExit = { exitCode: null, signal: null, cpuMs: null, maxRssBytes: null };

/** Starts the Attempt. Its outcome rejects only for the machine's own faults, and always after everything was ended. */
export function runAttempt(context: RunContext, request: AttemptRequest, observer: AttemptObserver): RunningAttempt {
  const { task, stepRunId, attempt, resources = {} } = request;
  const attemptMarks = marks(context.workerMark, stepRunId, attempt);
  let stopped: StopReason | undefined;
  let command: StartedCommand | undefined;
  let ending: Promise<void> | undefined;
  let letGo: (() => void) | undefined;
  let detached = false;
  let tells = false;
  let beat = (): void => {};

  const stop = (reason: StopReason): void => {
    stopped ??= reason;
    if (!command) return;
    if (stopped === 'shutdown' && command.detach && letGo) {
      detached = true;
      command.detach();
      letGo();
    } else ending ??= end(command);
  };
  /** Never rejects: what could not be ended is told, and tried again for as long as it runs. */
  const end = async (started: StartedCommand): Promise<void> => {
    try {
      await started.end(stopped === 'OUT_OF_MEMORY');
    } catch (error) {
      if (!command) return;
      observer.note?.(`The command could not be ended: ${messageOf(error)} It is tried again.`);
      setTimeout(() => {
        ending = undefined;
        if (stopped) stop(stopped);
      }, END_AGAIN_MS).unref();
    }
  };
  const checkpoint = (): void => {
    if (stopped) throw new Stopped();
  };
  const hooks: CommandHooks = {
    outOfMemory: () => stop('OUT_OF_MEMORY'),
    note: (message) => observer.note?.(message),
    progress: (percent, message) => {
      beat();
      // What the command itself tells says more than what its engine counts.
      if (!tells) observer.progress(percent, message);
    },
    checkpoint,
  };
  const heard: AttemptObserver = {
    log: (stream, bytes) => observer.log(stream, bytes),
    progress: (percent, message) => {
      tells = true;
      observer.progress(percent, message);
    },
  };

  async function run(): Promise<AttemptOutcome> {
    try {
      const backend = await context.backendFor(request);
      return (await goOn(backend)) ?? (await startAnew(backend));
    } catch (error) {
      if (error instanceof Stopped) return finish(NO_EXIT, NOTHING);
      if (isTasksFault(error)) return notStarted(error.message);
      throw asMachineFault(error, stepRunId);
    }
  }

  /** What an earlier worker started and left running, if the Backend finds it again. */
  async function goOn(backend: Backend): Promise<AttemptOutcome | null> {
    const place = backend.recover && keptPlace(context.keptFolder, stepRunId, attempt);
    if (!backend.recover || !place) return null;
    const placed: PlacedAttempt = { stepRunId, attempt, task, values: request.values, resources, directory: place };
    const found = await backend.recover(placed, hooks);
    if (!found) {
      await removeTree(place.root);
      return null;
    }
    return inDirectory({ ...place, remove: () => removeTree(place.root) }, () => found);
  }

  function startAnew(backend: Backend): Promise<AttemptOutcome> {
    const outlives = backend.recover !== undefined;
    const directory = createAttemptDirectory({
      parent: outlives ? context.keptFolder : context.folder,
      name: `${stepRunId}.${attempt}`,
      artifacts: context.artifacts,
      plain: task.inputs.length === 0 && task.outputs.length === 0 && !outlives && task.command.kind !== 'script',
      checkpoint,
    });
    return inDirectory(directory, async () => {
      if (outlives) await keep(directory, request.backend);
      const prepared = await prepare(directory);
      checkpoint();
      return backend.start(prepared, hooks);
    });
  }

  async function inDirectory(
    directory: AttemptPlace & Pick<AttemptDirectory, 'remove'>,
    start: () => StartedCommand | Promise<StartedCommand>,
  ): Promise<AttemptOutcome> {
    const files = new Map<'stdout' | 'stderr', FileHandle>();
    try {
      for (const { from } of task.outputs)
        if ((from === 'stdout' || from === 'stderr') && !files.has(from)) {
          const name = join(directory.root, from);
          files.set(from, await open(name, 'w', 0o600));
        }
      command = await start();
      const exit = await watch(command, files);
      if (stopped === 'cancelled' || stopped === 'shutdown' || task.outputs.length === 0) return finish(exit, NOTHING);
      return finish(exit, await collect(directory, exit, files));
    } finally {
      for (const file of files.values()) await file.close();
      if (!detached) await directory.remove();
    }
  }

  async function collect(
    directory: AttemptPlace,
    exit: CommandExit,
    files: ReadonlyMap<'stdout' | 'stderr', FileHandle>,
  ): Promise<Collected> {
    const streams = Object.fromEntries([...files.keys()].map((name) => [name, join(directory.root, name)]));
    // What was ended for a limit is collected as far as it came; only a cancel stops that.
    const endedBy = stopped;
    return collectOutputs({
      ports: task.outputs,
      stepRunId,
      directory,
      streams,
      returned: exit.returned ?? {},
      artifacts: context.artifacts,
      checkpoint: () => {
        if (stopped !== endedBy || stopped === 'fault') throw new Stopped();
      },
    });
  }

  async function prepare(directory: AttemptDirectory): Promise<PreparedAttempt> {
    const { values } = request;
    const inputPaths = task.inputs.length > 0 ? await directory.stage(task.inputs, values) : {};
    for (const port of task.outputs) if (port.from === 'glob') await directory.makeRoomFor(outputPath(port, stepRunId));
    checkpoint();
    const outputPaths = Object.fromEntries(task.outputs.map((port) => [port.name, outputPath(port, stepRunId)]));
    const words = buildArgv(task, { inputPaths, outputPaths, values, id: stepRunId, tmp: directory.tmp, resources });
    const env = commandEnvironment({
      path: context.path,
      home: directory.root,
      tmp: directory.tmp,
      layers: [request.backend.environment, resourceVariables(resources), task.environment, words.environment],
      marks: attemptMarks,
    });
    const stdin = await chooseStdin(directory, inputPaths);
    const { argv } = words;
    return {
      ...{ stepRunId, attempt, task, values, resources, directory },
      ...{ argv, env, marks: attemptMarks, stdin, inputPaths, outputPaths },
    };
  }

  async function chooseStdin(
    directory: AttemptDirectory,
    inputPaths: Readonly<Record<string, string | string[]>>,
  ): Promise<'null' | { file: string }> {
    const port = 'stdin' in task.command ? task.command.stdin : undefined;
    if (port === undefined) return 'null';
    const staged = inputPaths[port];
    const path = typeof staged === 'string' ? staged : staged?.[0];
    if (path !== undefined) return { file: path };
    const value = request.values[port];
    if (value === null || value === undefined || staged !== undefined) return 'null';
    return { file: await directory.writeInput(port, typeof value === 'string' ? value : JSON.stringify(value)) };
  }

  async function watch(
    started: StartedCommand,
    files: ReadonlyMap<'stdout' | 'stderr', FileHandle>,
  ): Promise<CommandExit> {
    const parting = new Promise<CommandExit>((resolve) => (letGo = () => resolve(NO_EXIT)));
    const pumps: Pump[] = (['stdout', 'stderr'] as const).map((name) =>
      pump({ stream: started[name], name, observer: heard, file: files.get(name), beat: () => limits.beat() }),
    );
    const limits = watchLimits(task, stop, () => pumps.reduce((sum, each) => sum + each.heldUpMs(), 0));
    beat = () => limits.beat();
    for (const each of pumps) each.done.catch(() => stop('fault'));
    if (started.running) started.running.then(limits.begin, () => {});
    else limits.begin();
    // It may have been stopped while it was being started.
    if (stopped) stop(stopped);
    try {
      const exit = await Promise.race([started.exited, parting]);
      // From here on a stop changes nothing about how the command ended, and its pid may soon be another's.
      command = undefined;
      await ending;
      if (detached) for (const each of pumps) each.abandon();
      else await (started.settle?.(pumps) ?? Promise.all(pumps.map((each) => each.done)));
      return exit;
    } finally {
      limits.end();
    }
  }

  function notStarted(message: string): AttemptOutcome {
    const outcome = finish(NO_EXIT, NOTHING);
    return { ...outcome, state: 'FAILED', failure: 'NOT_STARTED', retryable: false, message };
  }

  function finish(exit: CommandExit, { outputs, missing, faults }: Collected): AttemptOutcome {
    const { exitCode, signal, cpuMs, maxRssBytes, treePeakBytes, failure } = exit;
    const reading = readExit(task, {
      exitCode,
      signal,
      passed: isLimit(stopped) ? stopped : null,
      ...(resources.memoryBytes === undefined
        ? {}
        : { memory: { limitBytes: resources.memoryBytes, usedBytes: treePeakBytes ?? 0 } }),
      cancelled: stopped === 'cancelled' || stopped === 'shutdown' ? stopped : null,
      ...(failure ? { told: failure } : {}),
      missing,
      faults,
    });
    const peakMemoryBytes = treePeakBytes ? Math.max(treePeakBytes, maxRssBytes ?? 0) : maxRssBytes;
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
