/** The written form of what each kind of Backend lets an operator set. */
import type { z } from 'zod';
import type { BackendKind, BackendOptionsOf } from '../../domain/backendOptions';
import { pythonForm } from './backends/script';
import { hadoopOptions } from './backends/hadoop';
import { httpForm } from './backends/http';
import { sparkOptions } from './backends/spark';
import { sqlOptions } from './backends/sql';
import { form } from './form';

/** For each kind, from its own keys to its options; keys that all kinds share are not among them. */
export const OPTION_FORMS: { readonly [Kind in BackendKind]: z.ZodType<BackendOptionsOf[Kind]> } = {
  LOCAL: form({}),
  PYTHON: pythonForm,
  SQL: sqlOptions,
  SPARK: sparkOptions,
  HADOOP: hadoopOptions,
  HTTP: httpForm,
};
