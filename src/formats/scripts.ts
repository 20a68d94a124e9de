/** The scripts in definitions, and whether each can be read: what only the engine of expressions can tell. */
import type { DefinitionSet } from '../domain/definitions';
import { scriptsIn, type Script } from '../domain/expression';
import { expressionsOf } from '../domain/stepExpressions';

/** What is wrong with the syntax of a script; line and column count from 1, in the script. Null when nothing is. */
export type CheckScript = (
  script: Script,
) => Promise<{ readonly message: string; readonly line: number; readonly column: number } | null>;

/** A script that cannot be read; the path leads into the definition. */
export interface ScriptFault {
  readonly kind: 'task' | 'job';
  readonly name: string;
  readonly path: readonly string[];
  readonly message: string;
  readonly hint: string;
}

/** One after the other: a file with many scripts must not fill the queue of the engine. */
export async function scriptFaults({ tasks, jobs }: DefinitionSet, check: CheckScript): Promise<ScriptFault[]> {
  const places = [
    ...tasks.flatMap(({ name, command }) =>
      command.kind === 'expression'
        ? [{ kind: 'task' as const, name, path: ['expression'], expression: command.expression }]
        : [],
    ),
    ...jobs.flatMap(({ name, steps }) =>
      steps.flatMap((step) =>
        expressionsOf(step).map(({ path, expression }) => ({
          kind: 'job' as const,
          name,
          path: ['steps', step.name, ...path],
          expression,
        })),
      ),
    ),
  ];
  const faults: ScriptFault[] = [];
  for (const { expression, ...place } of places) {
    for (const script of scriptsIn(expression)) {
      const problem = await check(script);
      if (!problem) continue;
      const message = `the script cannot be read: ${problem.message} (its line ${problem.line}, column ${problem.column})`;
      const hint =
        script.form === 'expression'
          ? 'Inside of $(…) stands a single expression of JavaScript; for statements write ${ … return …; }.'
          : 'Inside of ${…} stands the body of a JavaScript function.';
      faults.push({ ...place, message, hint });
    }
  }
  return faults;
}

/** Scripts that were found good and are remembered. */
const MAX_REMEMBERED = 5_000;

/** Checks each script once while it is remembered: files are read again with every change of one of them. */
export function rememberGood(check: CheckScript): CheckScript {
  const good = new Set<string>();
  return async (script) => {
    const key = JSON.stringify([script.form, script.source]);
    if (good.has(key)) return null;
    const problem = await check(script);
    if (problem) return problem;
    if (good.size >= MAX_REMEMBERED) good.clear();
    good.add(key);
    return null;
  };
}
