/** One Attempt on any Backend, from its inputs to its outcome. */
import { open, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type { ArtifactStore } from '../../artifacts/store';
import { placeOf } from '../../domain/backendOptions';
import { messageOf, StepcastError } from '../../domain/errors';
import { readExit } from '../../domain/readExit';
import type {
  AttemptObserver,
  AttemptOutcome,
  AttemptPlace,
  AttemptRequest,
  Backend,
  CommandExit,
  CommandHooks,
  PlacedAttempt,
  RunningAttempt,
  StartedCommand,
} from '../backend';
import { marks } from '../process/identity';
import { CommandNotStarted } from '../process/nativeProcess';
import { createAttemptDirectory, removeTree, type AttemptDirectory } from './attemptDirectory';
import { collectOutputs, type Collected } from './collectOutputs';
import { watchLimits } from './limits';
import { isHeld, keep, release, takeOver } from './place';
import { prepareAttempt } from './prepare';
import { pump, type Pump } from './pump';
import { isLimit, isParting, type StopReason } from './stopReason';

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
  /** Whether nobody can have taken this worker for dead: what outlives it is its own to end, collect and remove. */
  readonly isLeased: () => boolean;
  /** The Backend that the request names. */
  readonly backendFor: (request: AttemptRequest) => Backend | Promise<Backend>;
}

/** Thrown inside when an Attempt is stopped between two steps of preparing or collecting. */
class Stopped extends Error {}

/** Between two tries to end a command. */
const END_AGAIN_MS = 2_000;

const NOTHING: Collected = { outputs: {}, missing: [], faults: [] };
const RUNS_ON = 'It is handed over: what it has started runs on, and the next worker goes on with that.';
const NO_EXIT: CommandExit = { exitCode: null, signal: null, cpuMs: null, maxRssBytes: null };

/** Starts the Attempt. Its outcome rejects only for the machine's own faults, and always after everything was ended. */
export function runAttempt(context: RunContext, request: AttemptRequest, observer: AttemptObserver): RunningAttempt {
  const { task, stepRunId, attempt, resources = {} } = request;
  const attemptMarks = marks(context.workerMark, stepRunId, attempt);
  let stopped: StopReason | undefined;
  let command: StartedCommand | undefined;
  let ending: Promise<void> | undefined;
  let letGo = (): void => {};
  let tells = false;
  let beat = (): void => {};
  /** The directory that may outlive this worker; undefined when none does. */
  let kept: AttemptPlace | undefined;
  /** It goes on without this worker, as far as is known: its directory and all else of it is left alone. */
  let runsOn = false;
  let hasExited = false;
  let isOver = false;
  let isToHandOver = false;

  const isOurs = (): boolean => kept === undefined || (context.isLeased() && isHeld(kept, attempt));
  const part = (): void => {
    if (stopped === 'handover') observer.note?.(RUNS_ON);
    runsOn = true;
    const parted = command?.detach?.();
    if (stopped === 'handover') void Promise.resolve(parted).finally(letGo);
    else letGo();
  };
  const stop = (reason: StopReason): void => {
    if (isOver) return;
    if (!isOurs()) {
      stopped = 'lost';
      part();
      return;
    }
    if (stopped === undefined || (isParting(stopped) && isParting(reason))) stopped = reason;
    if (command && (!isParting(stopped) || !command.detach)) ending ??= end(command);
    // What has exited is all there still: another worker collects it.
    else if (command || (hasExited && kept && isParting(stopped))) part();
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
  const handOver = (): void => {
    isToHandOver = placeOf(request.backend) === 'elsewhere';
    const canPart = kept && !stopped && !hasExited && (!command || command.detach);
    if (isToHandOver && canPart) stop('handover');
  };
  const hold = (place: AttemptPlace): void => {
    kept = place;
    if (isToHandOver) handOver();
  };
  const checkpoint = (): void => {
    if (!isOurs()) stop('lost');
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
    isOurs,
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
    if (!backend.recover) return null;
    if (!context.isLeased()) throw yielded();
    const place = takeOver(context.keptFolder, stepRunId, attempt);
    if (!place) return null;
    runsOn = true;
    hold(place);
    const placed: PlacedAttempt = { stepRunId, attempt, task, values: request.values, resources, directory: place };
    const found = await backend.recover(placed, hooks);
    runsOn = false;
    const remove = (): Promise<void> => removeTree(place.root);
    if (found) return inDirectory({ ...place, remove }, () => found);
    if (!context.isLeased() || !release(place, attempt)) throw yielded();
    kept = undefined;
    await remove();
    return null;
  }

  function yielded(): Stopped {
    stopped = 'lost';
    runsOn = true;
    return new Stopped();
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
      if (outlives) {
        await keep(directory, attempt, request.backend);
        hold(directory);
      }
      const prepared = await prepareAttempt({
        request,
        resources,
        directory,
        checkpoint,
        path: context.path,
        attemptMarks,
      });
      checkpoint();
      return backend.start(prepared, hooks);
    });
  }

  async function inDirectory(
    directory: AttemptPlace & Pick<AttemptDirectory, 'remove'>,
    start: () => StartedCommand | Promise<StartedCommand>,
  ): Promise<AttemptOutcome> {
    const files = new Map<'stdout' | 'stderr', FileHandle>();
    let dispose = (): Promise<void> => Promise.resolve();
    try {
      for (const { from } of task.outputs)
        if ((from === 'stdout' || from === 'stderr') && !files.has(from)) {
          const name = join(directory.root, from);
          files.set(from, await open(name, 'w', 0o600));
        }
      command = await start();
      dispose = command.dispose ?? dispose;
      const exit = await watch(command, files);
      if (stopped === 'cancelled' || isParting(stopped) || task.outputs.length === 0) return finish(exit, NOTHING);
      return finish(exit, await collect(directory, exit, files));
    } finally {
      for (const file of files.values()) await file.close();
      if (!runsOn && (kept === undefined || release(kept, attempt))) {
        await dispose();
        await directory.remove();
      }
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
      stays: kept !== undefined,
      checkpoint: () => {
        if (!isOurs()) stop('lost');
        if (stopped !== endedBy || stopped === 'fault') throw new Stopped();
      },
    });
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
    if (stopped === 'handover' && !started.detach) stopped = undefined;
    // It may have been stopped while it was being started.
    if (stopped) stop(stopped);
    try {
      const exit = await Promise.race([started.exited, parting]);
      if (!isOurs()) stop('lost');
      // From here on a stop changes nothing about how the command ended, and its pid may soon be another's.
      command = undefined;
      hasExited = true;
      if (!runsOn) await ending;
      if (runsOn) for (const each of pumps) each.abandon();
      else await (started.settle?.(pumps) ?? Promise.all(pumps.map((each) => each.done)));
      return exit;
    } finally {
      command = undefined;
      limits.end();
    }
  }

  function notStarted(message: string): AttemptOutcome {
    const outcome = finish(NO_EXIT, NOTHING);
    return { ...outcome, state: 'FAILED', failure: 'NOT_STARTED', retryable: false, message };
  }

  function finish(told: CommandExit, { outputs, missing, faults }: Collected): AttemptOutcome {
    isOver = true;
    const exit = runsOn ? NO_EXIT : told;
    const { exitCode, signal, cpuMs, maxRssBytes, treePeakBytes, failure } = exit;
    const reading = readExit(task, {
      exitCode,
      signal,
      passed: isLimit(stopped) ? stopped : null,
      ...(resources.memoryBytes === undefined
        ? {}
        : { memory: { limitBytes: resources.memoryBytes, usedBytes: treePeakBytes ?? 0 } }),
      cancelled: stopped === 'cancelled' ? stopped : isParting(stopped) ? 'shutdown' : null,
      ...(failure ? { told: failure } : {}),
      missing,
      faults,
    });
    const peakMemoryBytes = treePeakBytes ? Math.max(treePeakBytes, maxRssBytes ?? 0) : maxRssBytes;
    const message = runsOn && isParting(stopped) ? RUNS_ON : reading.message;
    return { ...reading, message, exitCode, signal, outputs, cpuMs, peakMemoryBytes };
  }

  return { outcome: run(), cancel: stop, handOver };
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
