// @ts-check
/** One evaluation in one fresh QuickJS runtime. Whatever goes wrong inside is an Outcome, never an exception. */
import variant from '@jitl/quickjs-wasmfile-release-sync';
import { newQuickJSWASMModuleFromVariant, newVariant, Scope } from 'quickjs-emscripten-core';
import { ADD_NAME_PARTS, DESCRIBE, KEEP, TAKE } from './prelude.mjs';

/**
 * @import { Limits, Outcome, ScriptProblem } from '../messages.js' with { 'resolution-mode': 'require' }
 * @import { ExpressionContext, Script } from '../../domain/expression.js' with { 'resolution-mode': 'require' }
 * @import { QuickJSContext, QuickJSHandle, QuickJSSyncVariant, QuickJSWASMModule, VmCallResult } from 'quickjs-emscripten-core'
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

const MAX_MESSAGE = 500;
const OUT_OF_MEMORY = 'InternalError: out of memory';
const WITH_FILES = /"class":"(?:File|Directory)"/;
/** A text as JSON that may have a NUL or half of a character in it. */
const MAYBE_UNSTORABLE = /\\u(?:0000|d[89a-f])/i;
/** Every name is there, so that a script may ask for it. */
const NOTHING = { inputs: {}, self: null, step: null, runtime: null };

const syncVariant = /** @type {QuickJSSyncVariant} */ (/** @type {unknown} */ (variant));
/** @type {object} The engine must not write to the streams of the process. */
const silent = { print: () => undefined, printErr: () => undefined };
/** @typedef {{ readonly buffer: ArrayBuffer }} Memory */
/** @type {{ WebAssembly: { Memory: new (pages: { initial: number, maximum: number }) => Memory } }} */
const { WebAssembly } = /** @type {any} */ (globalThis);
const PAGE_BYTES = 64 * 1024;
/** The memory that the engine was built to start with. It holds its own data, its stack, and many a small evaluation. */
const INITIAL_PAGES = 256;

class OwnCodeError extends Error {}

/** @type {{ module: QuickJSWASMModule, memory: Memory, memoryBytes: number } | undefined} */
let engine;

/**
 * An engine for evaluations with so much memory. The engine's own limit counts allocations, and hardly their size; so the
 * cap is that of its address space.
 * @param {number} memoryBytes
 */
async function engineFor(memoryBytes) {
  if (engine?.memoryBytes === memoryBytes) return engine;
  const maximum = INITIAL_PAGES + Math.ceil(memoryBytes / PAGE_BYTES);
  const memory = new WebAssembly.Memory({ initial: INITIAL_PAGES, maximum });
  const quiet = newVariant(syncVariant, { wasmMemory: memory, emscriptenModule: silent });
  engine = { module: await newQuickJSWASMModuleFromVariant(quiet), memory, memoryBytes };
  return engine;
}

/** Memory that was taken is never given back. An engine that grew is not used again, so that each starts with the same. */
function hasGrown() {
  return engine !== undefined && engine.memory.buffer.byteLength > INITIAL_PAGES * PAGE_BYTES;
}

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
  return inFreshBox(limits, (box) => {
    const { vm, scope } = box;
    const kept = run(box, KEEP, 'keep');
    /** @param {string} name @param {QuickJSHandle} value */
    const call = (name, value) => vm.callFunction(scope.manage(vm.getProp(kept, name)), vm.undefined, value);
    const opened = valueOf(box, call('open', scope.manage(vm.newString(json))));
    if (WITH_FILES.test(json)) valueOf(box, vm.callFunction(run(box, ADD_NAME_PARTS, 'files'), vm.undefined, opened));

    const ran = vm.evalCode(code, SCRIPT_NAME, { strict: true, type: 'global' });
    if (ran.error) return described(box, kept, scope.manage(ran.error), shift);
    const result = scope.manage(ran.value);
    const plain = plainJson(vm, result);
    if (plain !== undefined) return { kind: 'value', json: plain };
    if (vm.typeof(result) === 'string') {
      const outcome = read(box, valueOf(box, call('stringify', result)), limits);
      if (outcome.kind !== 'value' || !MAYBE_UNSTORABLE.test(outcome.json)) return outcome;
    }
    const taken = vm.callFunction(run(box, TAKE, 'take'), vm.undefined, kept, result);
    if (!taken.error) return read(box, scope.manage(taken.value), limits);
    const thrown = scope.manage(taken.error);
    if (vm.typeof(thrown) === 'string') return { kind: 'failed', message: vm.getString(thrown).slice(0, MAX_MESSAGE) };
    return described(box, kept, thrown, shift);
  });
}

/**
 * Results that need no look inside of the sandbox.
 * @param {QuickJSContext} vm
 * @param {QuickJSHandle} result
 * @returns {string | undefined}
 */
function plainJson(vm, result) {
  const type = vm.typeof(result);
  if (type === 'undefined') return 'null';
  const value = type === 'boolean' || type === 'number' ? vm.dump(result) : undefined;
  return type === 'boolean' || Number.isFinite(value) ? JSON.stringify(value) : undefined;
}

/**
 * JSON that was made in the sandbox, unless it is too long.
 * @param {Box} box
 * @param {QuickJSHandle} json
 * @param {Limits} limits
 * @returns {Outcome}
 */
function read({ vm, scope }, json, limits) {
  const characters = vm.getNumber(scope.manage(vm.getProp(json, 'length')));
  return characters > limits.resultCharacters
    ? { kind: 'size', characters }
    : { kind: 'value', json: vm.getString(json) };
}

/**
 * The outcome of a script that threw.
 * @param {Box} box
 * @param {QuickJSHandle} kept
 * @param {QuickJSHandle} thrown
 * @param {number} shift
 * @returns {Outcome}
 */
function described(box, kept, thrown, shift) {
  const { vm } = box;
  if (box.late()) return { kind: 'time' };
  // Without memory for an error the engine throws null.
  if (hasGrown() && vm.sameValue(thrown, vm.null)) return { kind: 'memory' };
  const text = valueOf(box, vm.callFunction(run(box, DESCRIBE, 'describe'), vm.undefined, kept, thrown));
  const { message, stack } = JSON.parse(vm.getString(text));
  if (message === OUT_OF_MEMORY) return { kind: 'memory' };
  return { kind: 'failed', message: message + at(place(stack, shift)) };
}

/**
 * The value of code of ours.
 * @param {Box} box
 * @param {string} code
 * @param {string} name
 */
function run(box, code, name) {
  return valueOf(box, box.vm.evalCode(code, name));
}

/**
 * What came of code of ours. It fails only for want of time, memory or stack, and that ends the evaluation.
 * @param {Box} box
 * @param {VmCallResult<QuickJSHandle>} result
 */
function valueOf(box, result) {
  if (!result.error) return box.scope.manage(result.value);
  const thrown = box.vm.dump(box.scope.manage(result.error));
  throw new OwnCodeError(thrown?.message ? `${thrown.name}: ${thrown.message}` : OUT_OF_MEMORY);
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
  const { module } = await engineFor(limits.memoryBytes);
  const deadline = performance.now() + limits.ms;
  let interrupted = false;
  /** @type {Outcome} */
  let outcome = { kind: 'memory' };
  try {
    const runtime = module.newRuntime({
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
    if (thrown instanceof OwnCodeError && thrown.message !== OUT_OF_MEMORY) {
      return { kind: 'failed', message: thrown.message };
    }
  }
  if (outcome.kind === 'memory' || hasGrown()) engine = undefined;
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
