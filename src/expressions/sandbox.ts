/**
 * The values of expressions. Scripts run in QuickJS, compiled to WebAssembly, in threads of their own: they reach nothing
 * but what the context holds, their time and memory end at the limits, and no script can hold up this process.
 */
import { StepcastError, type ErrorCode } from '../domain/errors';
import {
  evaluatePlain,
  fillTemplate,
  isPlain,
  scriptsIn,
  type Expression,
  type ExpressionContext,
  type Script,
} from '../domain/expression';
import { isDirectoryValue, isFileValue, type Value, type Values } from '../domain/values';
import type { Limits, Outcome, ScriptProblem } from './messages';
import { createPool, MAX_TIMEOUTS } from './pool';

export type { Limits, ScriptProblem } from './messages';

export type Evaluation =
  { readonly ok: true; readonly value: Value } | { readonly ok: false; readonly error: StepcastError };

export interface Sandbox {
  /**
   * The value of an expression. Throws BAD_INPUT when a script throws or gives no value, LIMIT_EXCEEDED when it takes more
   * than the limits, and UNAVAILABLE when too many expressions wait or the sandbox is closed; only the last may pass by
   * itself.
   */
  evaluate(expression: Expression, context: ExpressionContext): Promise<Value>;
  /**
   * One expression on many contexts, in one message to a thread; each has the limits for itself and cannot see the others.
   * In the order of the contexts. When it took too long on some, it is not tried on the rest. Throws only UNAVAILABLE, or
   * LIMIT_EXCEEDED for more contexts than may wait.
   */
  evaluateAll(expression: Expression, contexts: readonly ExpressionContext[]): Promise<readonly Evaluation[]>;
  /**
   * The outputs of a task that is an expression: an object with a value for each name, null for one that is missing. Throws
   * as `evaluate` does, and BAD_INPUT when the value is no such object. Types are the caller's to check.
   */
  evaluateOutputs(expression: Expression, context: ExpressionContext, names: readonly string[]): Promise<Values>;
  /** What is wrong with the syntax of a script, without running it. */
  checkScript(script: Script): Promise<ScriptProblem | null>;
  /** Ends the threads. What still runs fails with UNAVAILABLE. */
  close(): Promise<void>;
}

export interface SandboxOptions {
  readonly limits: Limits;
  /** Threads at most; each starts when there is work for it. */
  readonly threads?: number;
  /** Evaluations of scripts that may wait or run at once. */
  readonly maxWaiting?: number;
}

const DEFAULT_THREADS = 2;
const DEFAULT_MAX_WAITING = 20_000;

/** A sandbox for one process. It costs nothing before the first script. */
export function createSandbox(options: SandboxOptions): Sandbox {
  const { limits, threads = DEFAULT_THREADS, maxWaiting = DEFAULT_MAX_WAITING } = options;
  const pool = createPool({ threads, maxWaiting });

  const evaluateAll: Sandbox['evaluateAll'] = async (expression, contexts) => {
    if (isPlain(expression)) {
      return contexts.map((context) => attempt(() => evaluatePlain(expression, context, limits.resultCharacters)));
    }
    const columns = await Promise.all(
      scriptsIn(expression).map(async (script) =>
        (await pool.evaluate(script, contexts, limits)).map((outcome) => evaluationOf(outcome, limits)),
      ),
    );
    return contexts.map((context, index) => {
      const values: Value[] = [];
      for (const column of columns) {
        const evaluation = column[index];
        if (!evaluation?.ok) return evaluation ?? evaluationOf({ kind: 'untried' }, limits);
        values.push(evaluation.value);
      }
      if (expression.kind !== 'template') return { ok: true, value: values[0] ?? null };
      return attempt(() => fillTemplate(expression, context, values, limits.resultCharacters));
    });
  };
  const evaluate: Sandbox['evaluate'] = async (expression, context) => {
    const [evaluation] = await evaluateAll(expression, [context]);
    if (!evaluation) throw new StepcastError('INTERNAL', 'An expression without an outcome.');
    if (!evaluation.ok) throw evaluation.error;
    return evaluation.value;
  };

  return {
    evaluate,
    evaluateAll,
    evaluateOutputs: async (expression, context, names) => outputsOf(await evaluate(expression, context), names),
    checkScript: (script) => pool.check(script, limits),
    close: pool.close,
  };
}

function attempt(compute: () => Value): Evaluation {
  try {
    return { ok: true, value: compute() };
  } catch (error) {
    if (error instanceof StepcastError) return { ok: false, error };
    throw error;
  }
}

function evaluationOf(outcome: Outcome, limits: Limits): Evaluation {
  switch (outcome.kind) {
    case 'value':
      return { ok: true, value: JSON.parse(outcome.json) as Value };
    case 'failed':
      return failed('BAD_INPUT', `The expression failed: ${outcome.message}`);
    case 'time':
      return failed('LIMIT_EXCEEDED', `The expression took longer than ${limits.ms} ms. Move the work into a task.`);
    case 'memory':
      return failed(
        'LIMIT_EXCEEDED',
        `The expression, with the data it was given, needs more than ${limits.memoryBytes} bytes of memory. Move the work into a task.`,
      );
    case 'size':
      return failed(
        'LIMIT_EXCEEDED',
        `The result of the expression has ${outcome.characters} characters as JSON, and at most ${limits.resultCharacters} are allowed. Write large data to a file in a task.`,
      );
    case 'broken':
      return failed('UNAVAILABLE', outcome.message);
    case 'untried':
      return failed(
        'LIMIT_EXCEEDED',
        `The expression took too long on ${MAX_TIMEOUTS} elements before this one, so it was not tried here.`,
      );
  }
}

function failed(code: ErrorCode, message: string): Evaluation {
  return { ok: false, error: new StepcastError(code, message) };
}

function outputsOf(value: Value, names: readonly string[]): Values {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  if (!isObject || isFileValue(value) || isDirectoryValue(value)) {
    throw new StepcastError(
      'BAD_INPUT',
      `The expression has to give an object with the outputs, such as { ${names[0] ?? 'name'}: … }.`,
    );
  }
  const fields = value as Values;
  const strange = Object.keys(fields).filter((name) => !names.includes(name));
  if (strange.length > 0) {
    throw new StepcastError(
      'BAD_INPUT',
      `The expression gives ${strange.slice(0, 5).join(', ')}, and the outputs are ${names.join(', ')}.`,
    );
  }
  return Object.fromEntries(names.map((name) => [name, fields[name] ?? null]));
}
