/** The written form of what each kind of Backend lets an operator set. */
import type { z } from 'zod';
import type { BackendKind, BackendOptionsOf } from '../../domain/backendOptions';
import { slurmForm } from './backends/batch';
import { httpForm } from './backends/http';
import { form } from './form';

/** For each kind, from its own keys to its options; keys that all kinds share are not among them. */
export const OPTION_FORMS: { readonly [Kind in BackendKind]: z.ZodType<BackendOptionsOf[Kind]> } = {
  LOCAL: form({}),
  SLURM: slurmForm,
  HTTP: httpForm,
};
