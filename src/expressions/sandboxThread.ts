/** One thread with an engine in it, and a watch over it: what the engine cannot interrupt ends with its thread. */
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import { messageOf } from '../domain/errors';
import type { Outcome, Reply, Request, ScriptProblem } from './messages';

/** What is told while a request runs. Exactly one of `ended` and `died` comes, and it comes last. */
export interface Listener {
  outcome(outcome: Outcome): void;
  checked(problem: ScriptProblem | null): void;
  /** The thread is free for the next request. */
  ended(): void;
  /** The thread is gone, and the evaluation that it was busy with has no outcome. */
  died(cause: CauseOfDeath): void;
}

export type CauseOfDeath = Extract<Outcome, { kind: 'time' | 'memory' | 'broken' }>;

export interface SandboxThread {
  /** One request at a time. */
  run(request: Request, listener: Listener): void;
  /** Ends the thread at once. Its listener hears no more. */
  stop(): Promise<void>;
}

/** Until a request is there: a thread starts in some hundredths of a second; a crowded machine may take longer. */
const START_MS = 30_000;
/** Beyond the deadline of an evaluation: time for what the engine does between two looks at the clock. */
const GRACE_MS = 500;
/** The engine's stack of 256 KiB takes several times as much of the thread's. */
const STACK_MB = 16;
/** The contexts of one request, and what comes back. The engine's memory is not in it. */
const HEAP_MB = 512;
const PROGRAM = path.join(__dirname, 'thread', 'main.mjs');

/** Starts a thread that does not keep the process alive while it has nothing to do. `gone` is told when it died. */
export function startSandboxThread(gone: (thread: SandboxThread) => void): SandboxThread {
  const worker = new Worker(PROGRAM, {
    name: 'expressions',
    env: {},
    execArgv: [],
    resourceLimits: { stackSizeMb: STACK_MB, maxOldGenerationSizeMb: HEAP_MB },
  });
  worker.unref();
  let stopped = false;
  let listener: Listener | undefined;
  let patienceMs = START_MS;
  let started = false;
  let heard = 0;
  let watch: NodeJS.Timeout | undefined;

  const watchFor = (ms: number): void => {
    clearTimeout(watch);
    watch = setTimeout(lookAgain, ms);
  };
  // When this process was busy itself, replies may be waiting to be read: they are, before the second look.
  const lookAgain = (): void => {
    const before = heard;
    setImmediate(() => {
      if (heard !== before || !listener) return;
      die(started ? { kind: 'time' } : broken(`did not start within ${START_MS / 1000} seconds`));
    });
  };
  const leave = (): Listener | undefined => {
    clearTimeout(watch);
    worker.unref();
    const left = listener;
    listener = undefined;
    return left;
  };
  const die = (cause: CauseOfDeath): void => {
    if (stopped) return;
    stopped = true;
    const left = leave();
    void worker.terminate();
    gone(thread);
    left?.died(cause);
  };

  worker.on('message', (reply: Reply) => {
    heard += 1;
    if (!listener) return;
    switch (reply.kind) {
      case 'started':
        started = true;
        return watchFor(patienceMs);
      case 'outcome':
        watch?.refresh();
        return listener.outcome(reply.outcome);
      case 'checked':
        return listener.checked(reply.problem);
      case 'ended':
        return leave()?.ended();
    }
  });
  worker.on('error', (error: NodeJS.ErrnoException) =>
    die(error.code === 'ERR_WORKER_OUT_OF_MEMORY' ? { kind: 'memory' } : broken(`failed: ${error.message}`)),
  );
  worker.on('exit', (code) => die(broken(`ended with code ${code}`)));

  const thread: SandboxThread = {
    run: (request, to) => {
      listener = to;
      started = false;
      patienceMs = request.limits.ms + GRACE_MS;
      worker.ref();
      watchFor(START_MS);
      try {
        worker.postMessage(request);
      } catch (error) {
        die(broken(`cannot be given this: ${messageOf(error)}`));
      }
    },
    stop: async () => {
      stopped = true;
      leave();
      await worker.terminate();
    },
  };
  return thread;
}

function broken(what: string): CauseOfDeath {
  return { kind: 'broken', message: `The sandbox for expressions ${what}.` };
}
