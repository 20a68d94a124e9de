import { conformance } from '../conformance/suite';
import { shellPrograms } from '../conformance/programs';
import { task } from '../support';
import type { BackendSpec } from '../../../src/domain/definitions';
import { slurmForm } from '../../../src/formats/forms/backends/batch';

const slurmSpec = (options: Record<string, unknown> = {}): BackendSpec => ({
  name: 'cluster', kind: 'SLURM', description: '', environment: { SLURM_CONF: process.env.SLURM_CONF ?? '' }, options: slurmForm.parse(options),
});

describe('SLURM', () => {
  conformance({
    spec: () => slurmSpec(),
    programs: shellPrograms,
    cancelSeconds: 10,
    survivesWorker: true,
    missing: { spec: () => slurmSpec({ bin: '/nonexistent' }), message: /sbatch.*install/is },
    refused: { spec: () => slurmSpec({ partition: 'nonsense' }), task: () => task(['true']), message: /invalid partition/i },
    timeoutMs: 120_000,
  });
});
