// @ts-check
/** One evaluation in one fresh QuickJS runtime. Whatever goes wrong inside is an Outcome, never an exception. */
import variant from '@jitl/quickjs-wasmfile-release-sync';
import { newQuickJSWASMModuleFromVariant, newVariant, Scope } from 'quickjs-emscripten-core';
import { PRELUDE } from './prelude.mjs';

/**
 * @import { Limits, Outcome, ScriptProblem } from '../messages.js' with { 'resolution-mode': 'require' }
 * @import { ExpressionContext, Script } from '../../domain/expression.js' with { 'resolution-mode': 'require' }
 * @import { QuickJSContext, QuickJSHandle, QuickJSSyncVariant, QuickJSWASMModule } from 'quickjs-emscripten-core'
 */

/**
 * A sandbox for one evaluation. `late` tells that the deadline stopped it.
 * @typedef {{ vm: QuickJSContext, scope: Scope, late: () => boolean }} Box
 */

const SCRIPT_NAME = 'expression';
/** Bytes of the engine's own stack. The thread's is larger, so that the engine notices first. */
const STACK_BYTES = 256 * 1024;
/** The part of the memory that a context may take as JSON: while it is read in, it is there twice and more. */
const CONTEXT_SHARE = 1 / 8;

/** Every name is there, so that a script may ask for it. */
const NOTHING = { inputs: {}, self: null, step: null, runtime: null };

const syncVariant = /** @type {QuickJSSyncVariant} */ (/** @type {unknown} */ (variant));
/** @type {object} The engine must not write to the streams of the process. */
const silent = { print: () => undefined, printErr: () => undefined };
const quietVariant = newVariant(syncVariant, { emscriptenModule: silent });

/** @type {QuickJSWASMModule | undefined} */
let engine;

/**
 * The value of a script on one context.
 * @param {Script} script
 * @param {ExpressionContext} context
 * @param {Limits} limits
 * @returns {Promise<Outcome>}
 */
export async function evaluate(script, context, limits) {
  const json = JSON.stringify({ ...NOTHING, ...context });
  if (json.length > limits.memoryBytes * CONTEXT_SHARE) return { kind: 'memory' };
  const { code, shift } = wrapped(script);
  return inFreshBox(limits, ({ vm, scope, late }) => {
    const prelude = vm.evalCode(PRELUDE, 'prelude');
    if (prelude.error) return late() ? { kind: 'time' } : { kind: 'memory' };
    const functions = scope.manage(prelude.value);
    /** @param {string} name @param {QuickJSHandle[]} values */
    const call = (name, ...values) =>
      vm.callFunction(scope.manage(vm.getProp(functions, name)), vm.undefined, ...values);
    /** @param {QuickJSHandle} thrown @returns {Outcome} */
    const failure = (thrown) => {
      if (late()) return { kind: 'time' };
      const described = call('describe', scope.manage(thrown));
      if (described.error) return late() ? { kind: 'time' } : { kind: 'memory' };
      const { message, stack } = JSON.parse(vm.getString(scope.manage(described.value)));
      if (message === 'InternalError: out of memory') return { kind: 'memory' };
      return { kind: 'failed', message: message + at(place(stack, shift)) };
    };

    const hasFiles = /"class":"(?:File|Directory)"/.test(json) ? vm.true : vm.false;
    const opened = call('open', scope.manage(vm.newString(json)), hasFiles);
    if (opened.error) return failure(opened.error);
    opened.value.dispose();
    const ran = vm.evalCode(code, SCRIPT_NAME, { strict: true, type: 'global' });
    if (ran.error) return failure(ran.error);
    const closed = call('close', scope.manage(ran.value));
    if (closed.error) return failure(closed.error);
    const result = scope.manage(closed.value);
    if (vm.typeof(result) !== 'string') return { kind: 'failed', message: 'The result cannot be written as JSON.' };
    const characters = vm.getNumber(scope.manage(vm.getProp(result, 'length')));
    if (characters > limits.resultCharacters) return { kind: 'size', characters };
    return { kind: 'value', json: vm.getString(result) };
  });
}

/**
 * What is wrong with the syntax of a script. It is not run.
 * @param {Script} script
 * @param {Limits} limits
 * @returns {Promise<ScriptProblem | null>}
 */
export async function check(script, limits) {
  const { code, shift } = wrapped(script);
  /** @type {ScriptProblem | null} */
  let problem = { message: 'The script is nested too deeply.', line: 1, column: 1 };
  await inFreshBox(limits, ({ vm, scope }) => {
    const compiled = vm.evalCode(code, SCRIPT_NAME, { strict: true, type: 'global', compileOnly: true });
    if (!compiled.error) {
      scope.manage(compiled.value);
      problem = null;
      return { kind: 'value', json: 'null' };
    }
    const { message, stack } = vm.dump(scope.manage(compiled.error));
    problem = inSource(script.source, String(message), place(String(stack), shift));
    return { kind: 'failed', message: problem.message };
  });
  return problem;
}

/**
 * @param {Limits} limits
 * @param {(box: Box) => Outcome} use
 * @returns {Promise<Outcome>}
 */
async function inFreshBox(limits, use) {
  engine ??= await newQuickJSWASMModuleFromVariant(quietVariant);
  const deadline = performance.now() + limits.ms;
  let interrupted = false;
  /** @type {Outcome} */
  let outcome = { kind: 'memory' };
  try {
    const runtime = engine.newRuntime({
      memoryLimitBytes: limits.memoryBytes,
      maxStackSizeBytes: STACK_BYTES,
      interruptHandler: () => (interrupted ||= performance.now() > deadline),
    });
    const vm = runtime.newContext();
    outcome = Scope.withScope((scope) => use({ vm, scope, late: () => interrupted }));
    vm.dispose();
    runtime.dispose();
  } catch (thrown) {
    // The engine broke: it ran out of the thread's stack or memory, or stopped at a check of its own.
    engine = undefined;
    if (outcome.kind === 'value') return outcome;
    if (interrupted) return { kind: 'time' };
    if (thrown instanceof RangeError) return { kind: 'failed', message: 'InternalError: stack overflow' };
  }
  // After a lack of memory an engine is not to be trusted, and it keeps what it took from the system.
  if (outcome.kind === 'memory') engine = undefined;
  return outcome;
}

/**
 * The code that is run, and by how many characters it moves the first line.
 * @param {Script} script
 */
function wrapped({ form, source }) {
  const [before, after] = form === 'body' ? ['(function () {', '\n})()'] : ['(', '\n)'];
  return { code: before + source + after, shift: before.length };
}

/**
 * The topmost place in the script, from a stack trace.
 * @param {string} stack
 * @param {number} shift
 */
function place(stack, shift) {
  const [, line = '', column = ''] = new RegExp(`\\b${SCRIPT_NAME}:(\\d+):(\\d+)`).exec(stack) ?? [];
  if (line === '') return undefined;
  return { line: Number(line), column: Math.max(1, Number(column) - (line === '1' ? shift : 0)) };
}

/**
 * The engine also sees the bracket behind the source; to the reader that is where the source ends.
 * @param {string} source
 * @param {string} message
 * @param {{ line: number, column: number } | undefined} found
 * @returns {ScriptProblem}
 */
function inSource(source, message, found) {
  const lines = source.split('\n');
  if (found && found.line <= lines.length) return { message, ...found };
  return { message: 'something is missing at the end', line: lines.length, column: (lines.at(-1)?.length ?? 0) + 1 };
}

/** @param {{ line: number, column: number } | undefined} found */
function at(found) {
  return found ? ` (line ${found.line}, column ${found.column})` : '';
}
