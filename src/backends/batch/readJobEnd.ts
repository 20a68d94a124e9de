/** What the end of a job means: the runner's word and the scheduler's, put together. Pure. */
import type { Resources } from '../../domain/definitions';
import { unreachable } from '../../domain/errors';
import type { FailureKind } from '../../domain/failure';
import type { CommandExit } from '../backend';
import type { JobEnding } from './dialect';
import type { RunnerEnd } from './runnerFiles';

export interface JobEndFacts {
  /** How the job is named in sentences, such as `Slurm job 12_3`. */
  readonly title: string;
  /** What its runner noted; null when it did not come to that. */
  readonly runner: RunnerEnd | null;
  /** What the scheduler says; null when it was not asked, or does not know. */
  readonly scheduler: JobEnding | null;
  readonly program: string;
  readonly resources: Resources;
  readonly timeLimitSeconds: number;
}

/**
 * Whether the scheduler may know more than the runner of why it ended: it was told to, by whom the runner can't say, or a
 * signal hit it. Some schedulers also know what is behind an exit code.
 */
export function needsScheduler(runner: RunnerEnd, explainsExitCodes: boolean): boolean {
  if (runner.how === 'refused') return false;
  return runner.stopped || runner.how === 'signal' || (explainsExitCodes && runner.code !== 0);
}

/** How the command ended, for the frame. */
export function readJobEnd(facts: JobEndFacts): CommandExit {
  const { runner, scheduler } = facts;
  const figures = { cpuMs: runner?.cpuMs ?? null, maxRssBytes: runner?.peakBytes ?? null };
  const failure = failureOf(facts);
  const exit = exitOf(runner, scheduler, failure?.[0] ?? null);
  return { ...exit, ...figures, ...(failure ? { failure: { kind: failure[0], message: failure[1] } } : {}) };
}

function exitOf(
  runner: RunnerEnd | null,
  scheduler: JobEnding | null,
  failure: FailureKind | null,
): { exitCode: number | null; signal: string | null } {
  // A shell whose child was ended first leaves an exit code, and the signal came from outside all the same.
  if (scheduler?.kind === 'cancelled' && failure === 'SIGNAL') return { exitCode: null, signal: 'SIGTERM' };
  if (runner?.how === 'code') return { exitCode: runner.code, signal: null };
  if (runner?.how === 'signal') return { exitCode: null, signal: runner.signal };
  if (runner === null && scheduler?.kind === 'exited') return { exitCode: scheduler.code, signal: scheduler.signal };
  return { exitCode: null, signal: null };
}

function failureOf(facts: JobEndFacts): readonly [FailureKind, string] | null {
  const { title, runner, scheduler, program, resources, timeLimitSeconds } = facts;
  if (runner?.how === 'refused' && runner.reason === 'again')
    return [
      'LOST',
      `${title} was started a second time, after a first start that came to no end: its machine did not answer.`,
    ];
  if (runner?.how === 'refused') return ['NOT_STARTED', refusedMessage(runner.reason, program)];
  if (runner?.how === 'code' && runner.code === 0 && !runner.stopped) return null;
  if (scheduler === null)
    return runner
      ? null
      : ['LOST', `${title} is gone, and nothing is known of how it ended: its machine may have failed.`];
  switch (scheduler.kind) {
    case 'exited':
      if (runner) return null;
      return [
        'LOST',
        `${title} ended (${scheduler.signal ?? `exit code ${scheduler.code ?? 'unknown'}`}) without a word from its machine: it could not begin there, or does not see the work folder of the worker.`,
      ];
    case 'out-of-memory': {
      const { memoryBytes } = resources;
      const limit = memoryBytes === undefined ? 'its limit there' : `${Math.ceil(memoryBytes / 1024 ** 2)} MB`;
      return [
        'OUT_OF_MEMORY',
        `${title} used more memory than ${limit}, and was ended. Raise the task's resources if it needs more.`,
      ];
    }
    case 'time-limit':
      return [
        'TIMEOUT',
        `${title} ran longer than the scheduler allows (${timeLimitSeconds} seconds were asked for), and was ended. Raise the task's timeout, or the time-limit of its backend.`,
      ];
    case 'machine-lost':
      return ['LOST', `The machine that ran ${title} failed.`];
    case 'preempted':
      return ['LOST', `${title} was ended for a job of higher priority.`];
    case 'cancelled':
      return ['SIGNAL', `${title} was cancelled by somebody outside of Stepcast.`];
    default:
      return unreachable(scheduler);
  }
}

function refusedMessage(reason: string, program: string): string {
  switch (reason) {
    case 'missing':
      return `Command not found: \`${program}\` is not on the machine that ran the job, or in no folder of the task's PATH there. Install it on the machines of the cluster, give its full path, or set PATH in the task's environment.`;
    case 'executable':
      return `\`${program}\` is not an executable file on the machine that ran the job. Set its execute permission (chmod +x).`;
    default:
      return 'The machine that ran the job does not see the working directory. The home folder of Stepcast has to be on a disk that all machines of the cluster share, under the same path, and open to the user that jobs run as.';
  }
}
