/** The words of Slurm. */
import type { SlurmOptions } from '../../domain/backends/batch';
import { jobKey, type Dialect, type JobEnding, type JobState, type NativeJob, type SchedulerFault } from './dialect';
import { signalName } from './runnerFiles';

const spell = ({ job, index }: NativeJob): string => (index === null ? job : `${job}_${index}`);

const MEBIBYTE = 1024 * 1024;

/** Reasons for which a job waits for ever, unless somebody changes it by hand. */
const HOPELESS: ReadonlySet<string> = new Set([
  'PartitionTimeLimit',
  'PartitionNodeLimit',
  'BadConstraints',
  'InvalidAccount',
  'InvalidQOS',
  'AssociationTimeLimit',
  'AssocMaxWallDurationPerJobLimit',
  'QOSMaxWallDurationPerJobLimit',
  'QOSMaxMemoryPerJob',
  'QOSMaxCpuPerJobLimit',
]);
/** Slurm could not start it on its machine, and holds it although it was told not to try again. */
const NOT_LAUNCHED = /launch.failed.requeued.held/i;

const FIELDS = ['ArrayJobID', 'ArrayTaskID', 'State', 'exit_code', 'Reason', 'NodeList'];
/** Between the fields: the character that no name of a node or a reason has. */
const SEPARATOR = '|';
const WITHOUT_ARRAY = 'N/A';

export const slurm: Dialect<SlurmOptions> = {
  title: 'Slurm',
  install:
    'Install its client (on Debian: apt-get install slurm-client), with the slurm.conf and the key of the cluster.',
  programs: ['sbatch', 'squeue', 'scancel', 'scontrol'],
  spell,
  explainsExitCodes: true,
  firstIndex: 0,
  indexVariable: 'SLURM_ARRAY_TASK_ID',

  submit({ name, count, resources, timeLimitSeconds }, options) {
    const { memoryBytes, cpus } = resources;
    return [
      'sbatch',
      '--parsable',
      `--job-name=${name}`,
      // The commander's few variables. With NONE Slurm would log in as the user for each job, which takes seconds when many start.
      '--export=ALL',
      '--output=/dev/null',
      '--chdir=/',
      // Whether it runs again is decided by the task's own rules.
      '--no-requeue',
      `--time=${Math.max(1, Math.ceil(timeLimitSeconds / 60))}`,
      ...(count > 1 ? [`--array=0-${count - 1}`] : []),
      ...(memoryBytes === undefined ? [] : [`--mem=${Math.max(1, Math.ceil(memoryBytes / MEBIBYTE))}M`]),
      ...(cpus === undefined ? [] : [`--cpus-per-task=${Math.max(1, Math.ceil(cpus))}`]),
      ...(options.queue === null ? [] : [`--partition=${options.queue}`]),
      ...(options.account === null ? [] : [`--account=${options.account}`]),
      ...(options.qos === null ? [] : [`--qos=${options.qos}`]),
      ...options.submitArgs,
    ];
  },
  readJobId: (answer) => /^(\d+)(;\S*)?$/m.exec(answer)?.[1] ?? null,

  states: (jobs) => [
    'squeue',
    '--noheader',
    '--array',
    '--states=all',
    `--jobs=${jobs.join(',')}`,
    `--Format=${FIELDS.map((field) => `${field}:${SEPARATOR}`).join(',')}`,
  ],
  readStates(answer) {
    const states = new Map<string, JobState>();
    for (const line of answer.split('\n')) {
      const [job, task, state, status, reason, machine] = line.split(SEPARATOR);
      if (!job || !state) continue;
      const index = task === undefined || task === WITHOUT_ARRAY ? null : Number(task);
      states.set(jobKey({ job, index }), stateOf(state, Number(status ?? 0), reason ?? '', machine ?? ''));
    }
    return states;
  },
  books: {
    ask: (job) => ['sacct', '--noheader', '--parsable2', '--allocations', `--jobs=${spell(job)}`, '-oState,ExitCode'],
    read(answer) {
      const [state, exit] = answer.trim().split('\n')[0]?.split('|') ?? [];
      const [code, signal] = (exit ?? '').split(':').map(Number);
      if (!state || code === undefined || signal === undefined) return null;
      return stateOf(state.split(' ')[0] ?? '', code * 256 + signal, '', '');
    },
  },
  cancel: (jobs) => ['scancel', '--quiet', ...jobs.map(spell)],
  find: (name) => ['squeue', '--noheader', '--states=all', `--name=${name}`, '--Format=ArrayJobID:|'],
  readFound: (answer) => /^(\d+)\|/m.exec(answer)?.[1] ?? null,
  readFault,
  version: [['scontrol', 'show', 'config']],
  readVersion: (answer) => /^SLURM_VERSION\s*=\s*(\S+)/m.exec(answer)?.[1] ?? null,
};

function stateOf(word: string, status: number, reason: string, machine: string): JobState {
  const ended = (ending: JobEnding): JobState => ({ phase: 'ended', ending, word });
  switch (word) {
    case 'COMPLETED':
    case 'FAILED':
      return ended({ kind: 'exited', ...readStatus(status) });
    case 'OUT_OF_MEMORY':
      return ended({ kind: 'out-of-memory' });
    case 'TIMEOUT':
    case 'DEADLINE':
      return ended({ kind: 'time-limit' });
    case 'NODE_FAIL':
    case 'BOOT_FAIL':
    case 'LAUNCH_FAILED':
      return ended({ kind: 'machine-lost' });
    case 'PREEMPTED':
      return ended({ kind: 'preempted' });
    case 'CANCELLED':
    case 'REVOKED':
      return ended({ kind: 'cancelled' });
    case 'PENDING':
    case 'CONFIGURING':
    case 'REQUEUED':
    case 'REQUEUE_HOLD':
    case 'RESV_DEL_HOLD':
    case 'SPECIAL_EXIT':
      if (NOT_LAUNCHED.test(reason)) return { phase: 'queued', reason, hopeless: 'lost' };
      return { phase: 'queued', reason, hopeless: HOPELESS.has(reason) ? 'refused' : null };
    default:
      // RUNNING, COMPLETING, STAGE_OUT, SUSPENDED, STOPPED, SIGNALING, RESIZING and what later versions add.
      return { phase: 'running', machine };
  }
}

/** From the raw status of `wait`. */
function readStatus(status: number): { code: number | null; signal: string | null } {
  const signal = status & 0x7f;
  return signal === 0 ? { code: (status >> 8) & 0xff, signal: null } : { code: null, signal: signalName(signal) };
}

const GONE =
  /unable to contact|socket timed out|connection refused|connection timed out|communication|zero bytes|not responding|slurm_receive|slurm_send|protocol authentication|munge|backup controller|in standby|transport|configuration source|cannot stat file|timed out/i;
const FULL =
  /temporarily unavailable|temporarily|job table|too many|MaxSubmit|SubmitJobs?Limit|QOSMaxSubmit|AssocMaxSubmit|AssocGrpSubmit|rate limit/i;

function readFault(complaint: string): SchedulerFault {
  if (/invalid job id/i.test(complaint)) return 'unknown';
  if (GONE.test(complaint)) return 'gone';
  return FULL.test(complaint) ? 'full' : 'refused';
}
