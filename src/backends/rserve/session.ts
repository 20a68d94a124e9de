/** A script under way on Rserve's machine: its output while it runs, its end, and what is brought back then. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '../../domain/errors';
import type { CommandExit, CommandHooks, PlacedAttempt, StartedCommand } from '../backend';
import { MAX_RESULT_BYTES, withResult } from '../script/result';
import { holdMemory } from './memory';
import { fetchOutputs, fetchText } from './transfer';
import { RemoteError, type RemoteState, type Watcher } from './watcher';

/** How often what runs is looked at, in milliseconds: soon at first, later less often. */
const FIRST_LOOK_MS = 20;
const LAST_LOOK_MS = 500;
const GROWTH = 1.3;
/** A pause is at least so many times as long as the look took: a machine that is busy is not kept busy by being looked at. */
const BREATH = 4;
/** Between asking what a script has started to end, and ending it. */
const GRACE_MS = 500;
const END_ROUNDS = 20;
/** The session is there within this time after it was told to begin. */
const BEGIN_MS = 30_000;
/** Whoever has not disposed of it within this time after its end has left it to another worker. */
const DISPOSE_MS = 600_000;
const NO_FIGURES = { signal: null, cpuMs: null, maxRssBytes: null } as const;

export interface RemoteAttempt {
  readonly base: string;
  readonly attempt: PlacedAttempt;
  readonly watcher: Watcher;
  /** `isOurs` is asked before anything is ended, fetched or removed. */
  readonly hooks: Pick<CommandHooks, 'outOfMemory' | 'note' | 'isOurs'>;
  /** Resolves when the session that runs the script has ended; undefined when another worker began it. */
  readonly released?: Promise<void>;
}

/** Follows it to its end. */
export function follow({ base, attempt, watcher, hooks, released }: RemoteAttempt): StartedCommand {
  let over: RemoteState | undefined;
  let ended = false;
  let ending: Promise<void> | undefined;
  let detached = false;
  let failure: Error | undefined;
  let disposal: NodeJS.Timeout | undefined;
  let lookAgain: () => void = () => {};
  const hurry = (): void => lookAgain();
  const goesOn = (): boolean => !ended && !detached && hooks.isOurs();
  let hasLeft = false;
  void released?.then(() => {
    hasLeft = true;
    hurry();
  });

  /** Waits, but not longer than until something has happened. */
  const wait = async (milliseconds: number): Promise<void> => {
    const waking = new AbortController();
    lookAgain = () => waking.abort();
    await delay(milliseconds, undefined, { signal: waking.signal }).catch(() => {});
  };

  async function* tail(name: string): AsyncGenerator<Buffer> {
    let pause = FIRST_LOOK_MS;
    for (let from = 0; !detached && failure === undefined;) {
      const isLast = over !== undefined;
      const asked = performance.now();
      const piece = await watcher.tail(`${base}/${name}`, from);
      if (piece.length > 0) {
        from += piece.length;
        pause = FIRST_LOOK_MS;
        yield piece;
      } else if (isLast) return;
      else {
        await delay(Math.max(pause, BREATH * (performance.now() - asked)));
        pause = Math.min(LAST_LOOK_MS, pause * GROWTH);
      }
    }
  }
  const stream = (name: string): Readable => {
    const readable = Readable.from(tail(name), { objectMode: false });
    readable.on('error', (error) => (failure ??= error));
    return readable;
  };
  const [stdout, stderr] = [stream('stdout'), stream('stderr')];
  const read = Promise.all([stdout, stderr].map((each) => new Promise((resolve) => each.once('close', resolve))));

  async function untilOver(): Promise<RemoteState> {
    const began = performance.now();
    let pause = FIRST_LOOK_MS;
    for (;;) {
      const asked = performance.now();
      const isLate = hasLeft || asked - began > BEGIN_MS;
      const state = await watcher.state(base);
      if (state.kind !== 'running' && (state.kind !== 'beginning' || isLate)) return state;
      await wait(Math.max(pause, BREATH * (performance.now() - asked)));
      pause = Math.min(LAST_LOOK_MS, pause * GROWTH);
    }
  }

  async function finish(): Promise<CommandExit> {
    const memory = holdMemory(base, attempt.resources.memoryBytes, watcher, hooks);
    over = await untilOver().finally(memory.end);
    if (!hooks.isOurs()) {
      watcher.close();
      return { ...NO_FIGURES, exitCode: null };
    }
    // What the script has left running ends with it.
    await (ending ?? endAll(watcher, base, true));
    await read;
    if (failure !== undefined) throw failure;
    const exit = await collect(over);
    disposal = setTimeout(() => watcher.close(), DISPOSE_MS);
    disposal.unref();
    const treePeakBytes = memory.peakBytes();
    return treePeakBytes === null ? exit : { ...exit, treePeakBytes };
  }

  async function collect(state: RemoteState): Promise<CommandExit> {
    if (state.kind !== 'ended') {
      const message =
        'The session of R ended without a word: it crashed, or somebody or the system (for want of memory) ended it.';
      return { ...NO_FIGURES, exitCode: null, ...(ended ? {} : { failure: { kind: 'LOST', message } }) };
    }
    const { exitCode, cpuMs, maxRssBytes } = state;
    const exit: CommandExit = { exitCode, cpuMs, maxRssBytes, signal: null };
    const { task, directory } = attempt;
    if (ended || task.outputs.length === 0) return exit;
    try {
      await fetchOutputs(watcher, base, directory, { goesOn, note: hooks.note });
    } catch (error) {
      if (!(error instanceof RemoteError)) throw error;
      const message = `What the script has left could not be brought back. ${error.message}`;
      return { ...exit, failure: { kind: 'BAD_OUTPUT', message } };
    }
    if (!goesOn()) return exit;
    const text = await fetchText(watcher, `${base}/.result`, MAX_RESULT_BYTES);
    const result = join(directory.tmp, '.result');
    // Paths are those of the other machine.
    if (text !== null) await writeFile(result, text.replaceAll(base, JSON.stringify(directory.root).slice(1, -1)));
    return withResult(exit, result, task);
  }

  const exited = finish().catch((error: unknown): CommandExit => {
    failure ??= asError(error);
    watcher.close();
    if (detached) return { ...NO_FIGURES, exitCode: null };
    const message = `Rserve went away while the script ran: ${messageOf(error)}`;
    return { ...NO_FIGURES, exitCode: null, failure: { kind: 'LOST', message } };
  });

  return {
    stdout,
    stderr,
    exited,
    async end(urgent) {
      ended = true;
      ending ??= endAll(watcher, base, urgent).catch((error: unknown) => {
        failure ??= asError(error);
        watcher.close();
      });
      await ending;
      hurry();
      await exited;
    },
    async dispose() {
      clearTimeout(disposal);
      await watcher.remove(base).catch(() => {}); // what is left there goes when it is old
      watcher.close();
    },
    detach() {
      detached = true;
      watcher.close();
      hurry();
    },
  };
}

const asError = (thrown: unknown): Error => (thrown instanceof Error ? thrown : new Error(messageOf(thrown)));

/** Ends the session and all that it has started, also what has left it. */
export async function endAll(watcher: Watcher, base: string, urgent: boolean): Promise<void> {
  if (!urgent && (await watcher.signal(base, 'TERM')) > 0) await delay(GRACE_MS);
  for (let round = 0; round < END_ROUNDS; round += 1) {
    if ((await watcher.signal(base, 'KILL')) === 0) return;
    await delay(FIRST_LOOK_MS);
  }
}
