/** What a script left for its worker. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { variableName } from '../../domain/argv';
import type { TaskSpec } from '../../domain/definitions';
import { messageOf } from '../../domain/errors';
import type { CommandExit } from '../backend';

/** All values that a script returns together, as JSON; more belongs into files. In bytes. */
export const MAX_RESULT_BYTES = 8 * 1024 * 1024;
/** Of all the faults so many are told. */
const MAX_TOLD = 5;

/**
 * R and Octave that waited have no other way to be spared the time that their own end takes than to kill themselves. When a
 * script has ended with the exit code 0, and all that it left for its end is done, they first make a file that says so.
 */
export const asTold = (exit: CommandExit, result: string): CommandExit =>
  exit.signal === 'SIGKILL' && existsSync(`${result}.ended`) ? { ...exit, exitCode: 0, signal: null } : exit;

/** The end of the interpreter with what its script returned. Faults of values count only where the exit code is one of success. */
export function withResult(exit: CommandExit, path: string, { exitRules, outputs }: TaskSpec): CommandExit {
  const { values: told, faults } = readResult(path);
  // Not every language has names with a `-` in them.
  const values = Object.fromEntries(outputs.map(({ name }) => [name, told[name] ?? told[variableName(name)]]));
  const isSuccess = exit.exitCode !== null && exitRules.success.includes(exit.exitCode);
  if (faults.length === 0 || !isSuccess) return { ...exit, returned: values };
  return { ...exit, returned: values, failure: { kind: 'BAD_OUTPUT', message: faults.slice(0, MAX_TOLD).join(' ') } };
}

interface Result {
  readonly values: Readonly<Record<string, unknown>>;
  /** One sentence per output that is there and cannot be taken. */
  readonly faults: readonly string[];
}

/** Nothing for a script that ended before it came to that. Synchronous: the trips through Node's thread pool cost more. */
function readResult(path: string): Result {
  const size = statSync(path, { throwIfNoEntry: false })?.size;
  if (size === undefined) return { values: {}, faults: [] };
  if (size > MAX_RESULT_BYTES) {
    const fault = `The script returned ${size} bytes of values, and ${MAX_RESULT_BYTES} are taken. Write what is large to a file, and declare its output as a File.`;
    return { values: {}, faults: [fault] };
  }
  try {
    const { values = {}, faults = {} } = JSON.parse(readFileSync(path, 'utf8')) as {
      values?: Record<string, unknown>;
      faults?: Record<string, string>;
    };
    return { values, faults: Object.entries(faults).map(([name, fault]) => `Output \`${name}\`: ${fault}.`) };
  } catch (error) {
    return { values: {}, faults: [`What the script returned cannot be read: ${messageOf(error)}.`] };
  }
}
