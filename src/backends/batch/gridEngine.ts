/** The words of Grid Engine: Sun's, Son of, Univa's, Open, Altair. */
import type { GridEngineOptions } from '../../domain/backends/batch';
import { jobKey, type Dialect, type JobEnding, type JobState, type NativeJob, type SchedulerFault } from './dialect';

const MEBIBYTE = 1024 * 1024;
const spell = ({ job, index }: NativeJob): string => (index === null ? job : `${job}.${index}`);

export const gridEngine: Dialect<GridEngineOptions> = {
  title: 'Grid Engine',
  install:
    'Install its client (on Debian: apt-get install gridengine-client), and set SGE_ROOT and SGE_CELL in the environment of the backend.',
  programs: ['qsub', 'qstat', 'qdel', 'qacct'],
  spell,
  explainsExitCodes: false,
  firstIndex: 1,
  indexVariable: 'SGE_TASK_ID',

  submit({ name, count, resources, timeLimitSeconds }, options) {
    const { memoryBytes, cpus = 1 } = resources;
    const slots = Math.max(1, Math.ceil(cpus));
    const limits = [`h_rt=${Math.ceil(timeLimitSeconds)}`];
    // It gives out memory by slot.
    if (memoryBytes !== undefined)
      limits.push(`${options.memoryResource}=${Math.max(1, Math.ceil(memoryBytes / slots / MEBIBYTE))}M`);
    return [
      ...['qsub', '-terse', '-N', name, '-S', '/bin/sh', '-wd', '/', '-o', '/dev/null', '-e', '/dev/null'],
      // Whether it runs again is decided by the task's own rules; what can never run is refused at once; nothing in the
      // script is an option.
      ...['-r', 'n', '-w', 'e', '-C', '', '-l', limits.join(',')],
      ...(count > 1 ? ['-t', `1-${count}`] : []),
      ...(slots > 1 ? ['-pe', options.parallelEnvironment, String(slots)] : []),
      ...(options.queue === null ? [] : ['-q', options.queue]),
      ...(options.account === null ? [] : ['-P', options.account]),
      ...options.submitArgs,
    ];
  },
  readJobId: (answer) => /^(\d+)(\.\d+-\d+:\d+)?\s*$/m.exec(answer)?.[1] ?? null,

  // It cannot be asked for some jobs in short: these are all of the user, with each element of an array.
  states: () => ['qstat', '-g', 'd'],
  readStates(answer) {
    const states = new Map<string, JobState>();
    for (const line of answer.split('\n')) {
      const match = LINE.exec(line);
      const [, job, word, machine, index] = match ?? [];
      if (job === undefined || word === undefined) continue;
      const key = jobKey({ job, index: index === undefined ? null : Number(index) });
      states.set(key, stateOf(word, machine ?? ''));
    }
    return states;
  },
  books: {
    ask: ({ job, index }) => ['qacct', '-j', job, ...(index === null ? [] : ['-t', String(index)])],
    read: (answer) => {
      const failed = /^failed\s+(\d+)/m.exec(answer)?.[1];
      const status = /^exit_status\s+(\d+)/m.exec(answer)?.[1];
      if (failed === undefined || status === undefined) return null;
      return { phase: 'ended', ending: endingOf(Number(failed), Number(status)), word: `failed ${failed}` };
    },
  },
  cancel: (jobs) => ['qdel', ...jobs.map(spell)],
  find: (name) => ['qstat', '-j', name],
  readFound: (answer) => /^job_number:\s+(\d+)/m.exec(answer)?.[1] ?? null,
  readFault,
  version: [['qstat', '-help'], ['qstat']],
  readVersion: (answer) => /^\S+ (\d\S*)/.exec(answer)?.[1] ?? null,
};

/** Job, priority, name, user, state, date, time, perhaps queue@machine, slots, perhaps the index of the element. */
const LINE = /^\s*(\d+)\s+[\d.]+\s+\S+\s+\S+\s+([a-zA-Z]+)\s+\S+\s+\S+\s+(?:\S+@(\S+)\s+)?\d+(?:\s+(\d+))?\s*$/;

function stateOf(word: string, machine: string): JobState {
  // It could not be started, and waits for somebody to look why.
  if (word.includes('E')) return { phase: 'queued', reason: `error state ${word}`, hopeless: 'lost' };
  if (word.includes('q')) return { phase: 'queued', reason: word.includes('h') ? 'held' : '', hopeless: null };
  return { phase: 'running', machine };
}

/** It passed a limit of the queue or its own. */
const LIMIT_PASSED = 37;
/** It began, and was killed or lost. */
const AFTER_START = 100;
/** Below: it could not be started, or its machine did not tell how it ended. */
const LAST_OF_MACHINE = 36;
const SIGNAL_BASE = 128;

function endingOf(failed: number, status: number): JobEnding {
  if (failed === LIMIT_PASSED) return { kind: 'time-limit' };
  // Nobody else kills a job from outside but a `qdel`, save for the system itself; it leaves no other trace.
  if (failed === AFTER_START && status === SIGNAL_BASE + 9) return { kind: 'cancelled' };
  if (failed > 0 && failed <= LAST_OF_MACHINE) return { kind: 'machine-lost' };
  return { kind: 'exited', code: status, signal: null };
}

const GONE =
  /commlib|unable to (send|contact|connect|receive)|got (select|send|read|connect)\s?error|timeout|timed out|communication|can't (connect|resolve)/i;
const FULL = /jobs? (is|are) allowed|too many|max_u_jobs|max_jobs|limit.*(reached|exceeded)/i;

function readFault(complaint: string): SchedulerFault {
  if (/do(es)? not exist|not found/i.test(complaint)) return 'unknown';
  if (GONE.test(complaint)) return 'gone';
  return FULL.test(complaint) ? 'full' : 'refused';
}
