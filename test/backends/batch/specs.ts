/** Backends of the schedulers that the tests have. */
import type { BackendSpec } from '../../../src/domain/definitions';
import { gridEngineForm, slurmForm } from '../../../src/formats/forms/backends/batch';
import type { Variables } from '../../support/findEngines';

/** With options as an operator writes them. */
export const slurmSpec = (environment: Variables, options: Record<string, unknown> = {}): BackendSpec => ({
  name: 'cluster',
  kind: 'SLURM',
  description: '',
  environment,
  options: slurmForm.parse(options),
});

export const gridEngineSpec = (
  { user, environment }: { readonly user: string; readonly environment: Variables },
  options: Record<string, unknown> = {},
): BackendSpec => ({
  name: 'grid',
  kind: 'GRID_ENGINE',
  description: '',
  environment,
  options: gridEngineForm.parse({ 'run-as': user, ...options }),
});
