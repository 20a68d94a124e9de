import { gridEngine } from '../../../src/backends/batch/gridEngine';
import { jobKey, type Dialect, type JobState } from '../../../src/backends/batch/dialect';
import { openPbs, torque } from '../../../src/backends/batch/pbs';
import { slurm } from '../../../src/backends/batch/slurm';
import { gridEngineForm, pbsForm, slurmForm } from '../../../src/formats/forms/backends/batch';

const request = {
  name: 'step-1',
  count: 3,
  resources: { memoryBytes: 1024 ** 3, cpus: 4 },
  timeLimitSeconds: 90,
};
const state = (
  dialect: Dialect<never>,
  answer: string,
  job: string,
  index: number | null = null,
): JobState | undefined => dialect.readStates(answer).get(jobKey({ job, index }));

describe('Slurm', () => {
  test('asks for what the task needs, and nothing that the operator did not set', () => {
    const words = slurm.submit(request, slurmForm.parse({ partition: 'main', 'submit-args': ['--constraint=a b'] }));
    expect(words).toEqual(
      expect.arrayContaining([
        ...['--time=2', '--mem=1024M', '--cpus-per-task=4', '--array=0-2', '--partition=main', '--constraint=a b'],
      ]),
    );
    expect(words.join(' ')).not.toMatch(/account|qos/);
  });

  test('reads ids, states and the raw status of an exit', () => {
    const answer = [
      '12|0|COMPLETED|0|None|n1|',
      '12|1|FAILED|768|NonZeroExitCode|n1|',
      '12|2|FAILED|9|RaisedSignal:9(Killed)|n1|',
      '12|3|OUT_OF_MEMORY|125|OutOfMemory|n1|',
      '13|N/A|RUNNING|0|None|node[1-2]|',
      '14|N/A|PENDING|0|PartitionTimeLimit||',
      '15|N/A|PENDING|0|launch failed requeued held||',
      '16|N/A|NODE_FAIL|0|NodeDown|n1|',
    ].join('\n');
    expect(slurm.readJobId('12;cluster\n')).toBe('12');
    expect(state(slurm, answer, '12', 0)).toMatchObject({ ending: { kind: 'exited', code: 0 } });
    expect(state(slurm, answer, '12', 1)).toMatchObject({ ending: { kind: 'exited', code: 3 } });
    expect(state(slurm, answer, '12', 2)).toMatchObject({ ending: { kind: 'exited', code: null, signal: 'SIGKILL' } });
    expect(state(slurm, answer, '12', 3)).toMatchObject({ ending: { kind: 'out-of-memory' } });
    expect(state(slurm, answer, '13')).toEqual({ phase: 'running', machine: 'node[1-2]' });
    expect(state(slurm, answer, '14')).toMatchObject({ phase: 'queued', hopeless: 'refused' });
    expect(state(slurm, answer, '15')).toMatchObject({ phase: 'queued', hopeless: 'lost' });
    expect(state(slurm, answer, '16')).toMatchObject({ ending: { kind: 'machine-lost' } });
    expect(state(slurm, answer, '17')).toBeUndefined();
  });

  test.each([
    ['sbatch: error: Batch job submission failed: Unable to contact slurm controller (connect failure)', 'gone'],
    ['slurm_load_jobs error: Socket timed out on send/recv operation', 'gone'],
    ['slurm_load_jobs error: Invalid job id specified', 'unknown'],
    ['sbatch: error: QOSMaxSubmitJobPerUserLimit\nsbatch: error: Job violates accounting/QOS policy', 'full'],
    ['sbatch: error: Batch job submission failed: Resource temporarily unavailable', 'full'],
    ['sbatch: error: invalid partition specified: nope', 'refused'],
    ['sbatch: error: Memory specification can not be satisfied', 'refused'],
  ])('tells faults apart: %s', (complaint, fault) => expect(slurm.readFault(complaint)).toBe(fault));
});

describe('Grid Engine', () => {
  test('gives memory by slot', () => {
    const words = gridEngine.submit(request, gridEngineForm.parse({ queue: 'all.q', account: 'lab' })).join(' ');
    expect(words).toContain('-l h_rt=90,h_vmem=256M');
    expect(words).toMatch(/-t 1-3 .*-pe smp 4 .*-q all\.q .*-P lab/);
  });

  test('reads states, with and without elements', () => {
    const answer = `job-ID  prior   name       user         state submit/start at     queue                          slots ja-task-ID
-----------------------------------------------------------------------------------------------------------------
    251 0.50000 step-1     ada          r     11/21/2026 18:24:28 all.q@node1                        2 1
    251 0.00000 step-1     ada          qw    11/21/2026 18:24:28                                    2 2
    252 0.00000 step-2     ada          hqw   11/21/2026 18:24:28                                    1
    253 0.50000 step-3     ada          Eqw   11/21/2026 18:24:28                                    1
`;
    expect(gridEngine.readJobId('251.1-3:1\n')).toBe('251');
    expect(gridEngine.readJobId('252\n')).toBe('252');
    expect(state(gridEngine, answer, '251', 1)).toEqual({ phase: 'running', machine: 'node1' });
    expect(state(gridEngine, answer, '251', 2)).toMatchObject({ phase: 'queued', hopeless: null });
    expect(state(gridEngine, answer, '252')).toMatchObject({ phase: 'queued', reason: 'held' });
    expect(state(gridEngine, answer, '253')).toMatchObject({ phase: 'queued', hopeless: 'lost' });
  });

  test.each([
    ['failed       0\nexit_status  3', { kind: 'exited', code: 3, signal: null }],
    ['failed       37  : qmaster enforced h_rt\nexit_status  137   (Killed)', { kind: 'time-limit' }],
    ['failed       100 : assumedly after job\nexit_status  137   (Killed)', { kind: 'cancelled' }],
    ['failed       19  : before writing exit_status\nexit_status  0', { kind: 'machine-lost' }],
  ])('reads its books: %s', (answer, ending) =>
    expect(gridEngine.books?.read(answer, { job: '1', index: null })).toMatchObject({ ending }),
  );
});

describe('PBS', () => {
  /** As OpenPBS 20 prints it. */
  const ANSWER = `Job Id: 12[].pbs01
    Job_Name = step-1
    job_state = B
    array = True

Job Id: 12[0].pbs01
    Job_Name = step-1
    job_state = X
    substate = 92
    Exit_status = 3
    Variable_List = PBS_O_HOME=/home/ada,PBS_O_LANG=C.UTF-8,
\tPBS_O_PATH=/usr/bin

Job Id: 12[1].pbs01
    job_state = R
    exec_host = node7/0*4

Job Id: 13.pbs01
    job_state = F
    substate = 93
    Exit_status = -29

Job Id: 14.pbs01
    job_state = F
    Exit_status = 271
    substate = 91

Job Id: 15.pbs01
    job_state = F
    Exit_status = 265
    substate = 92

Job Id: 16.pbs01
    job_state = F
    Exit_status = -27
`;

  test('reads states of jobs and elements', () => {
    expect(openPbs.readJobId('12[].pbs01\n')).toBe('12[].pbs01');
    expect(openPbs.spell({ job: '12[].pbs01', index: 4 })).toBe('12[4].pbs01');
    expect(state(openPbs, ANSWER, '12[].pbs01', 0)).toMatchObject({ ending: { kind: 'exited', code: 3 } });
    expect(state(openPbs, ANSWER, '12[].pbs01', 1)).toEqual({ phase: 'running', machine: 'node7' });
    expect(state(openPbs, ANSWER, '13.pbs01')).toMatchObject({ ending: { kind: 'time-limit' } });
    expect(state(openPbs, ANSWER, '14.pbs01')).toMatchObject({ ending: { kind: 'cancelled' } });
    expect(state(openPbs, ANSWER, '15.pbs01')).toMatchObject({ ending: { kind: 'exited', signal: 'SIGKILL' } });
    expect(state(openPbs, ANSWER, '16.pbs01')).toMatchObject({ ending: { kind: 'out-of-memory' } });
  });

  test('OpenPBS and Torque ask for resources and arrays each in its way', () => {
    expect(openPbs.submit(request, pbsForm.parse({})).join(' ')).toMatch(/select=1:ncpus=4:mem=1024mb -J 0-2/);
    expect(torque.submit(request, pbsForm.parse({})).join(' ')).toMatch(/nodes=1:ppn=4 -l mem=1024mb -t 0-2/);
  });
});
