/** The syntax of the scripts in definitions, checked by the engine that will run them. */
import { UserErrors } from '../../src/domain/errors';
import type { DefinitionSet } from '../../src/domain/definitions';
import type { Settings } from '../../src/config/settings';
import { createSandbox } from '../../src/expressions/sandbox';
import { rememberGood, scriptFaults, type CheckScript } from '../../src/formats/scripts';

export interface ScriptCheck {
  readonly check: CheckScript;
  close(): Promise<void>;
}

/** Costs nothing before the first script. */
export function openScriptCheck(settings: Settings): ScriptCheck {
  const limits = {
    ms: settings.expressionMs,
    memoryBytes: settings.expressionMemoryBytes,
    resultCharacters: settings.expressionResultCharacters,
  };
  const sandbox = createSandbox({ limits, threads: 1 });
  return { check: rememberGood((script) => sandbox.checkScript(script)), close: sandbox.close };
}

/** Throws UserErrors for the scripts that cannot be read. */
export async function requireScripts(set: DefinitionSet, check: CheckScript): Promise<void> {
  const faults = await scriptFaults(set, check);
  if (faults.length === 0) return;
  throw new UserErrors(
    faults.map(({ kind, name, path, message, hint }) => ({
      code: 'INVALID_DEFINITION',
      message: `${kind} "${name}", ${path.join('.')}: ${message}. ${hint}`,
      field: ['input', ...path],
    })),
  );
}
