/** The written form of Backends that give their commands to a batch scheduler. */
import { z } from 'zod';
import type { BatchOptions, GridEngineOptions, PbsOptions, SlurmOptions } from '../../../domain/backends/batch';
import { form } from '../form';
import { someTimeForm } from '../units';

/** Slurm itself takes no more elements, unless told to. */
const MAX_ARRAY_SIZE = 1000;
const MAX_FLUSH_MS = 60_000;
const MAX_POLL_SECONDS = 600;
const MAX_WORDS = 100;

/** One word on the scheduler's command line that cannot be taken for an option. */
const wordForm = z.string().regex(/^[^\s\0-][^\s\0]*$/, { error: 'is not a name: no spaces, no - at the start' });
const userForm = z.string().regex(/^[A-Za-z_][A-Za-z0-9_.-]*\$?$/, { error: 'is not the name of a user' });
const folderForm = z.string().regex(/^\/[^\0]*$/, { error: 'is not a full path' });
const variableForm = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*\*?$/, { error: 'is not the name of a variable' });

const shared = {
  account: wordForm.nullable().default(null),
  'time-limit': someTimeForm.nullable().default(null),
  'submit-args': z
    .array(z.string().regex(/^[^\0\n]*$/, { error: 'is not one line' }))
    .max(MAX_WORDS)
    .default([]),
  'run-as': userForm.nullable().default(null),
  'array-size': z.number().int().min(1).max(MAX_ARRAY_SIZE).default(100),
  'flush-ms': z.number().int().min(0).max(MAX_FLUSH_MS).default(200),
  'poll-seconds': z.number().min(1).max(MAX_POLL_SECONDS).default(5),
  'wait-for-scheduler': someTimeForm.default(60 * 60),
  bin: folderForm.nullable().default(null),
  'keep-environment': z.array(variableForm).max(MAX_WORDS).default([]),
};

function optionsOf(written: z.output<z.ZodObject<typeof shared>>, queue: string | null): BatchOptions {
  return {
    queue,
    account: written.account,
    timeLimitSeconds: written['time-limit'],
    submitArgs: written['submit-args'],
    runAs: written['run-as'],
    arraySize: written['array-size'],
    flushMs: written['flush-ms'],
    pollSeconds: written['poll-seconds'],
    patienceSeconds: written['wait-for-scheduler'],
    bin: written.bin,
    keepEnvironment: written['keep-environment'],
  };
}

export const slurmForm: z.ZodType<SlurmOptions> = form({
  ...shared,
  partition: wordForm.nullable().default(null),
  qos: wordForm.nullable().default(null),
}).transform(({ partition, qos, ...written }) => ({ ...optionsOf(written, partition), qos }));

export const gridEngineForm: z.ZodType<GridEngineOptions> = form({
  ...shared,
  queue: wordForm.nullable().default(null),
  'parallel-environment': wordForm.default('smp'),
  'memory-resource': wordForm.default('h_vmem'),
}).transform(
  ({ queue, 'parallel-environment': parallelEnvironment, 'memory-resource': memoryResource, ...written }) => ({
    ...optionsOf(written, queue),
    parallelEnvironment,
    memoryResource,
  }),
);

export const pbsForm: z.ZodType<PbsOptions> = form({
  ...shared,
  queue: wordForm.nullable().default(null),
  'resource-style': z.enum(['select', 'nodes']).default('select'),
}).transform(({ queue, 'resource-style': resourceStyle, ...written }) => ({
  ...optionsOf(written, queue),
  resourceStyle,
}));
