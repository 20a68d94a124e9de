/** The written form of what each kind of Backend lets an operator set. */
import type { z } from 'zod';
import type { BackendKind, BackendOptionsOf } from '../../domain/backendOptions';
import { pythonForm } from './backends/script';
import { httpForm } from './backends/http';
import { sqlOptions } from './backends/sql';
import { form } from './form';

/** For each kind, from its own keys to its options; keys that all kinds share are not among them. */
export const OPTION_FORMS: { readonly [Kind in BackendKind]: z.ZodType<BackendOptionsOf[Kind]> } = {
  LOCAL: form({}),
  PYTHON: pythonForm,
  SQL: sqlOptions,
  HTTP: httpForm,
};
