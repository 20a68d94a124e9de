/** What `spark-submit` runs for each kind of command, and what that leaves. */
import { readdirSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CommandExit, PreparedAttempt } from '../backend';
import { planQuery } from '../query/plan';
import { writeExchange } from '../script/exchange';
import { PYTHON } from '../script/python';
import { withResult } from '../script/result';

/** What is handed to `spark-submit`. */
export interface Program {
  /** What follows its options. */
  readonly words: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** Adds what it returned. */
  readonly ended: (exit: CommandExit) => Promise<CommandExit>;
}

const DRIVERS = join(__dirname, 'drivers');
/** By this `spark-submit` becomes the Python of the driver, which starts its Java machine as a child. */
const PYTHON_ITSELF = 'pyspark-shell-main';

/** `home` is the folder of Spark. Throws BAD_INPUT for what the Task is to blame for. */
export async function programOf(attempt: PreparedAttempt, home: string): Promise<Program> {
  switch (attempt.task.command.kind) {
    case 'query':
      return queryProgram(attempt, home);
    case 'script':
      return scriptProgram(attempt, home);
    default:
      return { words: attempt.argv, environment: attempt.env, ended: (exit) => Promise.resolve(exit) };
  }
}

async function queryProgram(attempt: PreparedAttempt, home: string): Promise<Program> {
  const { root } = attempt.directory;
  const [request, returned] = [join(root, 'query.json'), join(root, 'returned.json')];
  const plan = planQuery(attempt, 'spark', (path) => path);
  await writeFile(request, JSON.stringify({ plan, returned }), { mode: 0o600 });
  return {
    ...pythonItself(attempt, home, ['query.py', request]),
    ended: async (exit) => ({ ...exit, ...(await returnedIn(returned)) }),
  };
}

async function returnedIn(path: string): Promise<Pick<CommandExit, 'returned'>> {
  try {
    // Written by the program of ours, which bounds it.
    return { returned: JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown> };
  } catch {
    return {}; // it failed before
  }
}

function scriptProgram(attempt: PreparedAttempt, home: string): Program {
  const exchange = writeExchange(PYTHON, attempt, attempt.env);
  return {
    ...pythonItself(attempt, home, ['script.py', exchange.request]),
    ended: (exit) => Promise.resolve(withResult(exit, exchange.result, attempt.task)),
  };
}

/**
 * Python is the process itself, and not the child of a Java machine that takes both of its streams for one, passes
 * nothing on to its standard input, and may end before it has passed on the last that was said.
 */
function pythonItself(
  { env }: PreparedAttempt,
  home: string,
  [driver, request]: readonly [string, string],
): Pick<Program, 'words' | 'environment'> {
  const words = ['-u', join(DRIVERS, driver), request].map(quoted);
  const path = [...librariesOf(home), ...(env.PYTHONPATH === undefined ? [] : [env.PYTHONPATH])];
  return {
    words: [PYTHON_ITSELF],
    environment: { ...env, PYSPARK_DRIVER_PYTHON_OPTS: words.join(' '), PYTHONPATH: path.join(':') },
  };
}

/** As Spark takes words apart. */
const quoted = (word: string): string => `"${word.replace(/["\\]/g, '\\$&')}"`;

/** The libraries for Python that come with Spark; none where they are installed as any package is. */
function librariesOf(home: string): string[] {
  const folder = join(home, 'python', 'lib');
  try {
    const names = readdirSync(folder).filter((name) => /^(pyspark|py4j-.*)\.zip$/.test(name));
    return names.map((name) => join(folder, name));
  } catch {
    return [];
  }
}
