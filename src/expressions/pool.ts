/** A few sandbox threads and the requests that wait for them, in turns. Nothing here knows what an expression means. */
import type { ExpressionContext, Script } from '../domain/expression';
import { StepcastError } from '../domain/errors';
import type { Limits, Outcome, Request, ScriptProblem } from './messages';
import { startSandboxThread, type CauseOfDeath, type SandboxThread } from './sandboxThread';

export interface Pool {
  /** One outcome for each context, in order. Throws UNAVAILABLE when too many wait, or the pool is closed. */
  evaluate(script: Script, contexts: readonly ExpressionContext[], limits: Limits): Promise<readonly Outcome[]>;
  check(script: Script, limits: Limits): Promise<ScriptProblem | null>;
  /** Ends the threads; what waits fails with UNAVAILABLE. */
  close(): Promise<void>;
}

export interface PoolOptions {
  /** Threads at most; each starts when there is work for it. */
  readonly threads: number;
  /** Evaluations that may wait or run at once. */
  readonly maxWaiting: number;
}

/** Contexts in one message. */
const MAX_CHUNK = 1000;
/** Evaluations of one batch that may run out of time or end their thread; the rest of the batch then is not tried. */
export const MAX_TIMEOUTS = 3;

/** A batch while it waits and runs. */
interface Task {
  /** Evaluations in it. */
  readonly size: number;
  readonly finished: () => boolean;
  readonly request: () => Request;
  readonly outcome: (outcome: Outcome) => void;
  readonly checked: (problem: ScriptProblem | null) => void;
  readonly died: (cause: CauseOfDeath) => void;
  readonly settle: () => void;
  readonly reject: (error: Error) => void;
}

export function createPool({ threads, maxWaiting }: PoolOptions): Pool {
  const idle: SandboxThread[] = [];
  const all = new Set<SandboxThread>();
  const waiting: Task[] = [];
  const running = new Set<Task>();
  let size = 0;
  let closed = false;

  const next = (): void => {
    while (waiting.length > 0 && (idle.length > 0 || all.size < threads)) {
      const task = waiting.shift();
      if (task) start(task, idle.pop() ?? newThread());
    }
  };
  const newThread = (): SandboxThread => {
    const thread = startSandboxThread((gone) => {
      all.delete(gone);
      if (idle.includes(gone)) idle.splice(idle.indexOf(gone), 1);
    });
    all.add(thread);
    return thread;
  };
  const start = (task: Task, thread: SandboxThread): void => {
    running.add(task);
    thread.run(task.request(), {
      outcome: task.outcome,
      checked: task.checked,
      ended: () => {
        idle.push(thread);
        turnOver(task);
      },
      died: (cause) => {
        task.died(cause);
        turnOver(task);
      },
    });
  };
  const turnOver = (task: Task): void => {
    running.delete(task);
    if (task.finished()) {
      size -= task.size;
      task.settle();
    } else {
      waiting.push(task);
    }
    next();
  };
  const add = (task: Task): void => {
    if (closed) return task.reject(unavailable('The sandbox for expressions is closed.'));
    if (task.size > maxWaiting) {
      const message = `${task.size} evaluations are asked for at once, and at most ${maxWaiting} are possible.`;
      return task.reject(new StepcastError('LIMIT_EXCEEDED', message));
    }
    if (size + task.size > maxWaiting) {
      return task.reject(unavailable(`More than ${maxWaiting} expressions wait for the sandbox. Try again later.`));
    }
    size += task.size;
    waiting.push(task);
    next();
  };

  return {
    evaluate: (script, contexts, limits) =>
      contexts.length === 0
        ? Promise.resolve([])
        : new Promise((resolve, reject) => add(batch(script, contexts, limits, resolve, reject))),
    check: (script, limits) => new Promise((resolve, reject) => add(syntaxCheck(script, limits, resolve, reject))),
    close: async () => {
      closed = true;
      const left = [...waiting.splice(0), ...running];
      running.clear();
      for (const task of left) task.reject(unavailable('The sandbox for expressions was closed.'));
      await Promise.all([...all].map((thread) => thread.stop()));
      all.clear();
      idle.splice(0);
    },
  };
}

function batch(
  script: Script,
  contexts: readonly ExpressionContext[],
  limits: Limits,
  resolve: (outcomes: readonly Outcome[]) => void,
  reject: (error: Error) => void,
): Task {
  const outcomes: Outcome[] = [];
  let timeouts = 0;
  return {
    size: contexts.length,
    finished: () => outcomes.length >= contexts.length || timeouts >= MAX_TIMEOUTS,
    request: () => ({
      kind: 'evaluate',
      script,
      contexts: contexts.slice(outcomes.length, outcomes.length + MAX_CHUNK),
      maxTimeouts: MAX_TIMEOUTS - timeouts,
      limits,
    }),
    outcome: (outcome) => {
      outcomes.push(outcome);
      if (outcome.kind === 'time') timeouts += 1;
    },
    checked: () => undefined,
    died: (cause) => {
      outcomes.push(cause);
      timeouts += 1;
    },
    settle: () => resolve(contexts.map((_, index) => outcomes[index] ?? { kind: 'untried' })),
    reject,
  };
}

function syntaxCheck(
  script: Script,
  limits: Limits,
  resolve: (problem: ScriptProblem | null) => void,
  reject: (error: Error) => void,
): Task {
  let answer: ScriptProblem | null | undefined;
  const tooMuch = { message: 'The script could not be read within its limits of time and memory.', line: 1, column: 1 };
  return {
    size: 1,
    finished: () => answer !== undefined,
    request: () => ({ kind: 'check', script, limits }),
    outcome: () => undefined,
    checked: (problem) => {
      answer = problem;
    },
    died: (cause) => {
      answer = cause.kind === 'broken' ? { ...tooMuch, message: cause.message } : tooMuch;
    },
    settle: () => resolve(answer ?? null),
    reject,
  };
}

function unavailable(message: string): StepcastError {
  return new StepcastError('UNAVAILABLE', message);
}
