/** The words of OpenPBS and PBS Professional, and of Torque, which has kept older ones. */
import type { PbsOptions } from '../../domain/backends/batch';
import { jobKey, type Dialect, type JobEnding, type JobState, type NativeJob, type SchedulerFault } from './dialect';
import { signalName } from './runnerFiles';

const MEBIBYTE = 1024 * 1024;

/** `12[].server` is an array, `12[3].server` an element of it. */
const spell = ({ job, index }: NativeJob): string => (index === null ? job : job.replace('[]', `[${index}]`));

/** What the two have in common. */
const common: Omit<Dialect<PbsOptions>, 'submit' | 'states' | 'find' | 'indexVariable'> = {
  title: 'PBS',
  install:
    "Install the client of the cluster's PBS, and set its PBS_SERVER or pbs.conf in the environment of the backend.",
  programs: ['qsub', 'qstat', 'qdel', 'qselect'],
  spell,
  explainsExitCodes: false,
  firstIndex: 0,
  readJobId: (answer) => /^(\d+(\[\])?(\.\S+)?)\s*$/m.exec(answer)?.[1] ?? null,
  readStates,
  cancel: (jobs) => ['qdel', ...jobs.map(spell)],
  readFound: (answer) => /^(\d+(\[\])?(\.\S+)?)\s*$/m.exec(answer)?.[1] ?? null,
  readFault,
  version: [['qstat', '-B', '-f']],
  readVersion: (answer) => /pbs_version = (\S+)/.exec(answer)?.[1] ?? null,
};

export const openPbs: Dialect<PbsOptions> = {
  ...common,
  indexVariable: 'PBS_ARRAY_INDEX',
  submit: ({ name, count, resources, timeLimitSeconds }, options) => {
    const { memoryBytes, cpus = 1 } = resources;
    const memory = memoryBytes === undefined ? '' : `:mem=${megabytes(memoryBytes)}mb`;
    return [
      ...plainWords(name, options, timeLimitSeconds),
      ...['-l', `select=1:ncpus=${Math.max(1, Math.ceil(cpus))}${memory}`],
      ...(count > 1 ? ['-J', `0-${count - 1}`] : []),
      ...options.submitArgs,
    ];
  },
  // Also those that have ended, where the server keeps a history.
  states: (jobs) => ['qstat', '-x', '-t', '-f', ...jobs],
  find: (name) => ['qselect', '-x', '-N', name],
};

export const torque: Dialect<PbsOptions> = {
  ...common,
  indexVariable: 'PBS_ARRAYID',
  submit: ({ name, count, resources, timeLimitSeconds }, options) => {
    const { memoryBytes, cpus = 1 } = resources;
    return [
      ...plainWords(name, options, timeLimitSeconds),
      ...['-l', `nodes=1:ppn=${Math.max(1, Math.ceil(cpus))}`],
      ...(memoryBytes === undefined ? [] : ['-l', `mem=${megabytes(memoryBytes)}mb`]),
      ...(count > 1 ? ['-t', `0-${count - 1}`] : []),
      ...options.submitArgs,
    ];
  },
  states: (jobs) => ['qstat', '-t', '-f', ...jobs],
  find: (name) => ['qselect', '-N', name],
};

const megabytes = (bytes: number): number => Math.max(1, Math.ceil(bytes / MEBIBYTE));

function plainWords(name: string, options: PbsOptions, timeLimitSeconds: number): string[] {
  return [
    ...['qsub', '-N', name, '-S', '/bin/sh', '-o', '/dev/null', '-e', '/dev/null'],
    // Whether it runs again is decided by the task's own rules.
    ...['-r', 'n', '-l', `walltime=${Math.ceil(timeLimitSeconds)}`],
    ...(options.queue === null ? [] : ['-q', options.queue]),
    ...(options.account === null ? [] : ['-A', options.account]),
  ];
}

/** Blocks that begin with `Job Id: …`, with one attribute to a line; long values go on after a tab. */
function readStates(answer: string): Map<string, JobState> {
  const states = new Map<string, JobState>();
  for (const block of answer.split(/^Job Id:\s*/m).slice(1)) {
    const id = block.split('\n', 1)[0]?.trim() ?? '';
    const attribute = (name: string): string | undefined =>
      new RegExp(`^\\s+${name} = (.*)$`, 'im').exec(block)?.[1]?.trim();
    const word = attribute('job_state');
    const element = /^(\d+)\[(\d+)\](.*)$/.exec(id);
    const job: NativeJob = element
      ? { job: `${element[1]}[]${element[3]}`, index: Number(element[2]) }
      : { job: id, index: null };
    if (word !== undefined) states.set(jobKey(job), stateOf(word, attribute));
  }
  return states;
}

function stateOf(word: string, attribute: (name: string) => string | undefined): JobState {
  switch (word) {
    case 'Q':
    case 'T':
    case 'W':
      return { phase: 'queued', reason: '', hopeless: null };
    case 'H':
      return { phase: 'queued', reason: 'held', hopeless: null };
    case 'F':
    case 'C':
    case 'X': {
      const status = Number(attribute('exit_status') ?? NaN);
      return { phase: 'ended', ending: endingOf(status, attribute('substate'), attribute('comment') ?? ''), word };
    }
    default:
      // R, E (its output is being brought back), B (an array of which something has begun), S, U, M.
      return { phase: 'running', machine: attribute('exec_host')?.split('/')[0] ?? '' };
  }
}

/** Negative exit statuses, of the server's own. */
const KILLED_FOR_MEMORY: readonly number[] = [-26, -27];
const KILLED_FOR_TIME: readonly number[] = [-28, -29];
/** The exit status of what a signal ended is the signal's number above this. */
const SIGNAL_BASE = 256;
/** A job that was deleted. */
const TERMINATED = '91';

function endingOf(status: number, substate: string | undefined, comment: string): JobEnding {
  if (KILLED_FOR_MEMORY.includes(status) || /exceeded.*\b(p|v)?v?mem\b/i.test(comment))
    return { kind: 'out-of-memory' };
  if (KILLED_FOR_TIME.includes(status) || /walltime.*exceeded/i.test(comment)) return { kind: 'time-limit' };
  if (substate === TERMINATED) return { kind: 'cancelled' };
  if (Number.isNaN(status) || status < 0) return { kind: 'machine-lost' };
  if (status > SIGNAL_BASE) return { kind: 'exited', code: null, signal: signalName(status - SIGNAL_BASE) };
  return { kind: 'exited', code: status, signal: null };
}

const GONE =
  /cannot connect|connection (refused|timed out)|no default server|timed? ?out|end of file|communication|no such host|errno=1(11|10)|server (is )?shutting down/i;
const FULL =
  /maximum number of jobs|would exceed.*limit|exceeds? .*queued? (job )?limit|limit on number of jobs|server limit/i;

function readFault(complaint: string): SchedulerFault {
  if (/unknown job id|job has finished|invalid state for job/i.test(complaint)) return 'unknown';
  if (GONE.test(complaint)) return 'gone';
  return FULL.test(complaint) ? 'full' : 'refused';
}
