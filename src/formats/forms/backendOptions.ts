/** The written form of what each kind of Backend lets an operator set. */
import type { z } from 'zod';
import type { BackendKind, BackendOptionsOf } from '../../domain/backendOptions';
import { gridEngineForm, pbsForm, slurmForm } from './backends/batch';
import { containerForm } from './backends/container';
import { interpreterForm, pythonForm, sasForm, warmForm } from './backends/script';
import { customForm } from './backends/custom';
import { hadoopOptions } from './backends/hadoop';
import { httpForm } from './backends/http';
import { kubernetesForm } from './backends/kubernetes';
import { localForm } from './backends/local';
import { rserveForm } from './backends/rserve';
import { sparkOptions } from './backends/spark';
import { sqlOptions } from './backends/sql';

/** For each kind, from its own keys to its options; keys that all kinds share are not among them. */
export const OPTION_FORMS: { readonly [Kind in BackendKind]: z.ZodType<BackendOptionsOf[Kind]> } = {
  LOCAL: localForm,
  PYTHON: pythonForm,
  R: warmForm,
  OCTAVE: warmForm,
  MATLAB: interpreterForm,
  SAS: sasForm,
  RSERVE: rserveForm,
  SQL: sqlOptions,
  CONTAINER: containerForm,
  SLURM: slurmForm,
  GRID_ENGINE: gridEngineForm,
  PBS: pbsForm,
  SPARK: sparkOptions,
  HADOOP: hadoopOptions,
  KUBERNETES: kubernetesForm,
  HTTP: httpForm,
  CUSTOM: customForm,
};
