/** The written form of what each kind of Backend lets an operator set. */
import type { z } from 'zod';
import type { BackendKind, BackendOptionsOf } from '../../domain/backendOptions';
import { containerForm } from './backends/container';
import { pythonForm } from './backends/script';
import { customForm } from './backends/custom';
import { httpForm } from './backends/http';
import { localForm } from './backends/local';
import { rserveForm } from './backends/rserve';
import { sqlOptions } from './backends/sql';

/** For each kind, from its own keys to its options; keys that all kinds share are not among them. */
export const OPTION_FORMS: { readonly [Kind in BackendKind]: z.ZodType<BackendOptionsOf[Kind]> } = {
  LOCAL: localForm,
  PYTHON: pythonForm,
  RSERVE: rserveForm,
  SQL: sqlOptions,
  CONTAINER: containerForm,
  HTTP: httpForm,
  CUSTOM: customForm,
};
