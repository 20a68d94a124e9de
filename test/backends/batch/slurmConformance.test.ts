import { conformance } from '../conformance/suite';
import { shellPrograms } from '../conformance/programs';
import { task } from '../support';
import { describeEngine } from '../../support/engines';
import { control } from './control';
import { slurmSpec } from './specs';

describeEngine('SLURM', 'SLURM', ({ environment }) => {
  conformance({
    spec: () => slurmSpec(environment),
    programs: shellPrograms,
    cancelSeconds: 10,
    survivesWorker: true,
    missing: { spec: () => slurmSpec(environment, { bin: '/nonexistent' }), message: /sbatch.*install/is },
    refused: {
      spec: () => slurmSpec(environment, { partition: 'nonsense' }),
      task: () => task(['true']),
      message: /invalid partition/i,
    },
    engine: { stop: () => control('stop', 'slurm'), start: () => control('start', 'slurm') },
    timeoutMs: 180_000,
  });
});
