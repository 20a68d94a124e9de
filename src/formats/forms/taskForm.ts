/** The written form of a Task. */
import { z } from 'zod';
import type { Value } from '../../domain/values';
import { imageForm } from './backends/container';
import { expressionForm } from './expressionForm';
import { choose, form, isPlainObject, nameForm, named, oneOrMany } from './form';
import { fileTraits } from './fileTraits';
import { maxRunningForm, usesForm } from './limitForm';
import { requestForm } from './requestForm';
import { symbolsForm, typeForm } from './typeForm';
import { heartbeatForm, resourcesForm, retryForm, timeoutForm } from './runForm';

/** Any value of JSON; the YAML door has no others. */
export const valueForm = z.json() as z.ZodType<Value>;

export const bounds = {
  min: z.number().optional(),
  max: z.number().optional(),
  'min-length': z.int().min(0).optional(),
  'max-length': z.int().min(0).optional(),
  allowed: z.array(valueForm).min(1).optional(),
};

/** `File` in place of `{type: File}`, also for types that are written as a list or in braces. */
export function typeOr<T>(schema: z.ZodType<T>): z.ZodType<T> {
  const isType = (value: unknown): boolean => !isPlainObject(value) || 'array' in value || 'record' in value;
  return z.preprocess((value) => (isType(value) ? { type: value } : value), schema);
}

const text = z.string().default('');

const inputForm = typeOr(
  form({
    type: typeForm.optional(),
    enum: symbolsForm.optional(),
    description: text,
    default: valueForm.optional(),
    glob: z.string().min(1).optional(),
    as: z.enum(['table']).optional(),
    ...fileTraits,
  }),
);

const parameterForm = typeOr(
  form({
    type: typeForm.optional(),
    enum: symbolsForm.optional(),
    description: text,
    default: valueForm.optional(),
    required: z.boolean().optional(),
    flag: z.string().min(1).optional(),
    spacing: z.enum(['joined', 'separate']).default('separate'),
    switch: z.boolean().default(false),
    ...bounds,
  }),
);

const outputSettings = form({
  glob: z.string().min(1).optional(),
  path: z.string().min(1).optional(),
  type: typeForm.optional(),
  enum: symbolsForm.optional(),
  description: text,
  from: z.enum(['glob', 'stdout', 'stderr']).optional(),
  read: z.enum(['file', 'text', 'json']).default('file'),
  ...fileTraits,
});

const outputForm = choose((value) =>
  isPlainObject(value)
    ? outputSettings
    : z
        .string()
        .min(1)
        .transform((glob) => outputSettings.parse({ glob })),
);

const exitCode = z.int().min(0).max(255);

const environmentText = z.union([z.string(), z.number(), z.boolean()]).transform(String);
const variable = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, { error: 'is not the name of an environment variable' });
const variables = z.record(variable, environmentText);

/** A map, or a list of `{name, value}`. */
export const environmentForm: z.ZodType<Record<string, string>> = choose((value) =>
  Array.isArray(value)
    ? z
        .array(form({ name: variable, value: environmentText }))
        .transform((entries) => Object.fromEntries(entries.map((entry) => [entry.name, entry.value])))
    : variables,
);

const configurationForm = form({
  kind: z.preprocess(
    (value) => (typeof value === 'string' ? value.toUpperCase() : value),
    z.enum(['SOFTWARE', 'DATASET', 'MISC']).default('SOFTWARE'),
  ),
  name: z.string().min(1),
  version: z.preprocess((value) => (typeof value === 'number' ? String(value) : value), text),
  parameters: text,
});

const port = z.string().min(1);

/** Source code, or the file beside the definitions in which it stands. */
const sourceForm = choose<string | { file: string }>((value) =>
  isPlainObject(value) ? form({ file: z.string().min(1) }) : z.string().min(1),
);

export const taskForm = form({
  name: nameForm,
  description: text,
  backend: nameForm.default('local'),
  image: imageForm.optional(),
  command: choose<string | string[]>((value) =>
    Array.isArray(value)
      ? z.array(z.preprocess((word) => (typeof word === 'number' ? String(word) : word), z.string()))
      : z.string(),
  ).optional(),
  expression: expressionForm.optional(),
  script: sourceForm.optional(),
  query: sourceForm.optional(),
  request: requestForm.optional(),
  shell: z.boolean().default(false),
  stdin: port.optional(),
  stdout: port.optional(),
  stderr: port.optional(),
  inputs: named(inputForm).optional(),
  in: oneOrMany(z.string().min(1)).optional(),
  parameters: named(parameterForm).default([]),
  outputs: named(outputForm).optional(),
  out: oneOrMany(z.string().min(1)).optional(),
  environment: environmentForm.default({}),
  'exit-codes': form({
    success: oneOrMany(exitCode).default([0]),
    temporary: oneOrMany(exitCode).default([]),
    terminate: oneOrMany(exitCode).default([]),
  }).default({ success: [0], temporary: [], terminate: [] }),
  'missing-output': z.preprocess(
    (value) => (typeof value === 'string' ? value.toUpperCase() : value),
    z.enum(['FAIL', 'CONTINUE', 'TERMINATE']).default('FAIL'),
  ),
  retry: retryForm.optional(),
  timeout: timeoutForm.optional(),
  heartbeat: heartbeatForm.optional(),
  resources: resourcesForm.optional(),
  configuration: z.array(configurationForm).default([]),
  reuse: z.boolean().optional(),
  'max-running': maxRunningForm,
  uses: usesForm,
});

export type TaskForm = z.output<typeof taskForm>;
export type ParameterForm = z.output<typeof parameterForm>;
export type InputForm = z.output<typeof inputForm>;
export type OutputForm = z.output<typeof outputForm>;
