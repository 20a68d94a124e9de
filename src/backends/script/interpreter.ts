/** The interpreter of a Backend: where it is, what it needs around it, and which version it has. */
import { execFile } from 'node:child_process';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../../domain/errors';
import type { BackendHealth } from '../backend';
import { locateExecutable } from '../process/executable';
import type { AnyScriptOptions, Language } from './language';

/** Large languages take their time to tell their version. In milliseconds. */
const VERSION_TIMEOUT_MS = 30_000;
const MAX_VERSION_BYTES = 64 * 1024;

export type Environment = Readonly<Record<string, string>>;

/** The environment with the Backend's folders of packages, and its virtual environment, in their places. */
export function interpreterEnvironment(
  { libraryVariable }: Language,
  { libraryPath = [], venv }: AnyScriptOptions,
  environment: Environment,
): Environment {
  const before = libraryVariable === null ? undefined : environment[libraryVariable];
  const folders = before === undefined || before === '' ? libraryPath : [...libraryPath, before];
  return {
    ...environment,
    ...(libraryVariable === null || libraryPath.length === 0 ? {} : { [libraryVariable]: folders.join(':') }),
    ...(venv === undefined ? {} : { VIRTUAL_ENV: venv, PATH: `${join(venv, 'bin')}:${environment.PATH ?? ''}` }),
  };
}

/** The path of the interpreter, or the sentence that says why there is none. */
export function locateInterpreter(
  { title, interpreters, install }: Language,
  { interpreter, venv }: AnyScriptOptions,
  { PATH = '' }: Environment,
): { readonly path: string } | { readonly problem: string } {
  if (venv !== undefined) {
    const found = locateExecutable(join(venv, 'bin', 'python'), PATH, '/');
    if ('path' in found) return found;
    const problem = `There is no virtual environment of Python in ${venv} on this worker. Make it: python3 -m venv ${venv}`;
    return { problem };
  }
  const names = interpreter === undefined ? interpreters : [interpreter];
  for (const name of names) {
    const found = locateExecutable(name, PATH, '/');
    if ('path' in found) return found;
  }
  const looked = names.map((name) => `\`${name}\``).join(' or ');
  return {
    problem: `${title} is not installed on this worker: there is no ${looked} in ${PATH}. Install it: ${install}.`,
  };
}

/** Asks the interpreter for its version. */
export async function interpreterHealth(
  language: Language,
  path: string,
  environment: Environment,
): Promise<BackendHealth> {
  if (language.versionArguments === null) return { state: 'READY', version: null, message: '' };
  try {
    const printed = await printedBy(path, language.versionArguments, environment);
    return { state: 'READY', version: language.version(printed.trim()) ?? null, message: '' };
  } catch (error) {
    const message = `${language.title} does not start: ${path}: ${messageOf(error).trim()}`;
    return { state: 'UNAVAILABLE', version: null, message };
  }
}

/** Changes when another program comes to lie under the path. */
export function stampOf(path: string): string {
  const facts = statSync(path, { throwIfNoEntry: false });
  return `${path} ${facts?.mtimeMs} ${facts?.size}`;
}

function printedBy(path: string, words: readonly string[], env: Environment): Promise<string> {
  const options = {
    env: { ...env },
    timeout: VERSION_TIMEOUT_MS,
    maxBuffer: MAX_VERSION_BYTES,
    encoding: 'utf8' as const,
  };
  return new Promise((resolve, reject) => {
    execFile(path, [...words], options, (error, stdout, stderr) =>
      error ? reject(new Error(error.message)) : resolve(stdout.trim() === '' ? stderr : stdout),
    );
  });
}
