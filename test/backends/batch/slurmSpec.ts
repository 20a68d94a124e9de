/** Backends of the Slurm that the tests have. */
import type { BackendSpec } from '../../../src/domain/definitions';
import { slurmForm } from '../../../src/formats/forms/backends/batch';
import type { Variables } from '../../support/findEngines';

/** With options as an operator writes them. */
export const slurmSpec = (environment: Variables, options: Record<string, unknown> = {}): BackendSpec => ({
  name: 'cluster',
  kind: 'SLURM',
  description: '',
  environment,
  options: slurmForm.parse(options),
});
