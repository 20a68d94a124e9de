/** A container from its start to its removal: its output, its end, and an engine that goes away in between. */
import { setTimeout as delay } from 'node:timers/promises';
import { messageOf, StepcastError } from '../../domain/errors';
import type { CommandExit, CommandHooks, StartedCommand } from '../backend';
import { EngineRefusal, isUnreachable, type EngineApi } from './api';
import { phaseOf, readEnd, type ContainerState, type EndContext } from './exit';
import { createOutputSink } from './output';
import { sampleUsage } from './usage';

export interface RunningContainer {
  readonly api: EngineApi;
  /** Its name. */
  readonly name: string;
  /** Its output from the first byte; null when it began before this worker knew it. */
  readonly attached: Awaited<ReturnType<EngineApi['hijack']>> | null;
  /** It had ended before this worker knew it. */
  readonly endedUnseen: boolean;
  readonly hooks: CommandHooks;
  /** What helps to read its end. */
  readonly context: Omit<EndContext, 'interrupted' | 'ended' | 'firstError'>;
  /** Before its files are collected: whatever has to be set right. */
  readonly giveBack: () => Promise<void>;
  /** Told what went wrong with the removal, which a later sweep will do. */
  readonly log: (message: string) => void;
}

/** Between SIGTERM and SIGKILL, in milliseconds. */
const GRACE_MS = 1_000;
/** An engine that does not answer for so long is given up, and the Attempt with it. */
const AWAY_MS = 10 * 60_000;
const FIRST_RETRY_MS = 250;
const LAST_RETRY_MS = 5_000;
/** A container whose output has ended is about to end. */
const FIRST_LOOK_MS = 20;
const LAST_LOOK_MS = 1_000;
/** How long one kill is waited for before the next. */
const KILL_AGAIN_MS = 5_000;
const MAX_KILLS = 20;

export function watchContainer(one: RunningContainer): StartedCommand {
  const { api, name, hooks } = one;
  const path = `/containers/${name}`;
  const sink = createOutputSink();
  const letGo = new AbortController();
  let asked = false;
  /** The engine was away, or may have been when the container ended. */
  let away = one.endedUnseen;
  /** Not all of the output came over the connection: the log has to be read. */
  let incomplete = one.attached === null;
  let outputEnded: () => void = () => {};
  const afterOutput = new Promise<void>((resolve) => (outputEnded = resolve));

  /** Goes on asking while the engine does not answer. */
  async function patiently<T>(ask: () => Promise<T>): Promise<T> {
    let since: number | undefined;
    for (let wait = FIRST_RETRY_MS; ; wait = Math.min(LAST_RETRY_MS, wait * 2)) {
      try {
        const answer = await ask();
        if (since !== undefined) hooks.note('The container engine answers again.');
        return answer;
      } catch (error) {
        if (!isUnreachable(error) || letGo.signal.aborted) throw error;
        away = incomplete = true;
        if (since === undefined) hooks.note(`${error.message} Waiting for it; the container may run on.`);
        since ??= performance.now();
        if (performance.now() - since > AWAY_MS) throw error;
        await delay(wait, undefined, { signal: letGo.signal });
      }
    }
  }

  /** The state after its end; null when somebody has removed it. */
  async function awaitEnd(): Promise<ContainerState | null> {
    const waiting = new AbortController();
    letGo.signal.addEventListener('abort', () => waiting.abort());
    const told = async (): Promise<'ended' | 'broke off'> => {
      try {
        await api.call('POST', `${path}/wait`, { signal: waiting.signal, timeoutMs: Infinity });
        return 'ended';
      } catch (error) {
        return isUnreachable(error) ? 'broke off' : 'ended';
      }
    };
    try {
      let look = 0;
      for (;;) {
        if (look > 0) await delay(look, undefined, { signal: letGo.signal });
        else if ((await Promise.race([told(), afterOutput])) === 'broke off') away = incomplete = true;
        const state = await patiently(() => stateOf(api, name));
        if (!state || phaseOf(state) !== 'running') return state;
        look = Math.min(LAST_LOOK_MS, Math.max(FIRST_LOOK_MS, look * 2));
      }
    } finally {
      waiting.abort();
    }
  }

  /** Delivers what the connection carries; then, if it broke, what the log holds beyond that. */
  async function relay(end: Promise<unknown>): Promise<void> {
    let over = false;
    const finished = end.then(
      () => (over = true),
      () => (over = true),
    );
    if (one.attached) {
      await sink.carry(one.attached).catch(() => (incomplete = true));
      outputEnded();
      // Usually it has ended, or is about to.
      await Promise.race([finished, soon(LAST_LOOK_MS)]);
    }
    while (!over && !letGo.signal.aborted) {
      incomplete = true;
      await carryLog(true).catch(() => {});
      await Promise.race([finished, soon(LAST_LOOK_MS)]);
    }
    // A log that is followed may end before all of it was told.
    if (incomplete && !letGo.signal.aborted) await patiently(() => carryLog(false));
  }

  async function carryLog(follow: boolean): Promise<void> {
    try {
      const query = { stdout: '1', stderr: '1', ...(follow ? { follow: '1' } : {}) };
      await sink.carryAgain(await api.open('GET', `${path}/logs`, { query, signal: letGo.signal }));
    } catch (error) {
      if (error instanceof EngineRefusal && error.status === 404) return;
      if (error instanceof EngineRefusal || error instanceof StepcastError) throw error;
      throw new StepcastError('UNAVAILABLE', `The log of the container broke off: ${messageOf(error)}.`);
    }
  }

  const usage = sampleUsage(api, name);
  const end = awaitEnd().finally(usage.end);
  const relayed = relay(end)
    .catch((error: unknown) => hooks.note(`The output of the container is not complete: ${messageOf(error)}`))
    .finally(() => {
      outputEnded();
      sink.end();
    });

  async function toExit(): Promise<CommandExit> {
    try {
      const state = await end;
      const { cpuMs, memoryBytes } = usage.seen();
      return {
        ...readEnd(state, { ...one.context, interrupted: away, ended: asked, firstError: sink.firstError() }),
        cpuMs,
        maxRssBytes: memoryBytes,
      };
    } catch (error) {
      letGo.abort();
      throw error;
    }
  }

  async function signal(which: string): Promise<void> {
    try {
      await patiently(() => api.call('POST', `${path}/kill`, { query: { signal: which } }));
    } catch (error) {
      if (!(error instanceof EngineRefusal)) throw error; // it has just ended
    }
  }

  return {
    stdout: sink.stdout,
    stderr: sink.stderr,
    exited: toExit(),
    async end(urgent) {
      asked = true;
      let over = false;
      const gone = end.then(
        () => (over = true),
        () => (over = true),
      );
      if (!urgent) {
        await signal('SIGTERM');
        await Promise.race([gone, soon(GRACE_MS)]);
      }
      for (let kills = 0; !over && kills < MAX_KILLS; kills += 1) {
        await signal('SIGKILL');
        await Promise.race([gone, soon(KILL_AGAIN_MS)]);
      }
    },
    async settle(pumps) {
      await Promise.all([relayed, ...pumps.map((pump) => pump.done)]);
      await one.giveBack();
    },
    dispose: () => removeContainer(api, name).catch((error: unknown) => one.log(messageOf(error))),
    detach: () => {
      letGo.abort();
      one.attached?.destroy();
    },
  };
}

/** A time that nobody stays for when what is raced with it has come. */
const soon = (milliseconds: number): Promise<void> => delay(milliseconds, undefined, { ref: false });

/** What the engine knows of a container; null when there is none of this name. */
export async function stateOf(api: EngineApi, name: string): Promise<ContainerState | null> {
  try {
    return ((await api.call('GET', `/containers/${name}/json`)) as { State: ContainerState }).State;
  } catch (error) {
    if (error instanceof EngineRefusal && error.status === 404) return null;
    throw error;
  }
}

/** Ends and removes a container with its own volumes; nothing when it is not there any more. */
export async function removeContainer(api: EngineApi, name: string): Promise<void> {
  try {
    await api.call('DELETE', `/containers/${name}`, { query: { force: 'true', v: 'true' } });
  } catch (error) {
    // 409: another removal is under way.
    if (error instanceof EngineRefusal && (error.status === 404 || error.status === 409)) return;
    if (!(error instanceof EngineRefusal)) throw error;
    throw new StepcastError('UNAVAILABLE', `The container ${name} cannot be removed: ${error.message}`);
  }
}
