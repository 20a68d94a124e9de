/** Runs the scheduler's commands: with a clean environment, as the configured user, and never for ever. */
import { execFile } from 'node:child_process';
import { userInfo } from 'node:os';
import type { BatchOptions } from '../../domain/backends/batch';
import { messageOf } from '../../domain/errors';
import { locateExecutable } from '../process/executable';

export interface Answer {
  /** Null when the command could not be run or did not end in time. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Commander {
  /** Runs the words; `input` goes to their standard input. Never rejects. */
  run(words: readonly string[], more?: { readonly input?: string; readonly timeoutMs?: number }): Promise<Answer>;
  /** How many commands were run. */
  calls(): number;
  /** The first of the programs that is not there, with a sentence; null when all are. */
  missing(programs: readonly string[]): string | null;
  readonly runAs: string | null;
}

export interface CommanderRequest {
  readonly options: Pick<BatchOptions, 'bin' | 'runAs'>;
  /** The Backend's own variables, such as SLURM_CONF. */
  readonly environment: Readonly<Record<string, string>>;
  readonly path: string;
}

/** A command of a scheduler that does not answer gives up by itself after some ten seconds; this is for those that do not. */
const COMMAND_MS = 120_000;
/** The states of some hundred thousand jobs. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;

export function createCommander({ options, environment, path }: CommanderRequest): Commander {
  const { bin } = options;
  const user = userInfo();
  const runAs = options.runAs === user.username ? null : options.runAs;
  const variables = {
    PATH: bin === null ? path : `${bin}:${path}`,
    HOME: user.homedir,
    LC_ALL: 'C.UTF-8',
    ...environment,
  };
  // Whether the worker may become that user is seen when the Backend is opened.
  const become = runAs === null ? [] : ['runuser', '-u', runAs, '--'];
  let calls = 0;
  return {
    runAs,
    run: (words, { input = '', timeoutMs = COMMAND_MS } = {}) => {
      calls += 1;
      const [program = '', ...rest] = [...become, ...words];
      return new Promise((resolve) => {
        const child = execFile(
          program,
          rest,
          {
            cwd: '/',
            // The variables of the worker, which may hold secrets, are none of the scheduler's business. Nor are its marks: they
            // would pass on to the job, which has to outlive it; the command itself ends within seconds.
            env: variables,
            timeout: timeoutMs,
            killSignal: 'SIGKILL',
            maxBuffer: MAX_ANSWER_BYTES,
            encoding: 'utf8',
          },
          (error, stdout, stderr) => {
            const code = error === null ? 0 : typeof error.code === 'number' ? error.code : null;
            if (error === null || code !== null) return resolve({ code, stdout, stderr });
            const why = error.killed
              ? `\`${program}\` did not end within ${timeoutMs / 1000} seconds.`
              : messageOf(error);
            resolve({ code, stdout, stderr: `${stderr}${why}` });
          },
        );
        child.stdin?.on('error', () => {}); // it ended without reading; its answer says why
        child.stdin?.end(input);
      });
    },
    calls: () => calls,
    missing: (programs) => {
      for (const program of programs) {
        const located = locateExecutable(program, bin ?? variables.PATH, '/');
        if ('problem' in located)
          return `The command \`${program}\` is not in ${bin ?? `the PATH (${variables.PATH})`}.`;
      }
      return null;
    },
  };
}
