/** The written form of how a Task runs: when it is tried again, how long it may take, what it may use. */
import { constants } from 'node:os';
import { z } from 'zod';
import { RETRY_CAUSES, type RetryCause } from '../../domain/definitions';
import { suggestion } from '../../domain/nearest';
import { choose, form, isPlainObject, oneOrMany } from './form';
import { durationForm, sizeForm, someTimeForm } from './units';

/** What is tried again: an exit code, a signal, or a cause. */
export type RetriedForm = { readonly exitCode: number } | { readonly signal: string } | { readonly cause: RetryCause };

const causeWord = (cause: RetryCause): string => cause.toLowerCase().replaceAll('_', '-');
const SIGNALS = Object.keys(constants.signals);

const retriedForm: z.ZodType<RetriedForm> = choose<RetriedForm>((value) => {
  if (typeof value === 'number') {
    return z
      .int()
      .min(1)
      .max(255)
      .transform((exitCode) => ({ exitCode }));
  }
  return z.string().transform((word, context): RetriedForm => {
    const cause = RETRY_CAUSES.find((one) => causeWord(one) === word);
    if (cause) return { cause };
    if (SIGNALS.includes(word)) return { signal: word };
    const known = [...RETRY_CAUSES.map(causeWord), 'SIGKILL', 'SIGTERM', 'SIGSEGV'];
    context.addIssue({
      code: 'custom',
      message: `'${word}' is no failure that can be tried again`,
      params: { hint: `${suggestion(word, known, 'causes')} Or write an exit code or the name of a signal.` },
    });
    return z.NEVER;
  });
});

const MAX_FACTOR = 100;

const memoryGrowthForm = choose<{ factor: number; max?: number }>((value) =>
  isPlainObject(value)
    ? form({ factor: z.number().gt(1).max(MAX_FACTOR), max: sizeForm.optional() })
    : z
        .number()
        .gt(1)
        .max(MAX_FACTOR)
        .transform((factor) => ({ factor })),
);

export const retryForm = form({
  attempts: z.int().min(1).max(100).optional(),
  'initial-delay': durationForm.optional(),
  'max-delay': durationForm.optional(),
  factor: z.number().min(1).max(100).optional(),
  on: oneOrMany(retriedForm).optional(),
  grow: form({ memory: memoryGrowthForm }).optional(),
});

/** One time is that of each attempt. */
export const timeoutForm = choose<{ attempt?: number; queue?: number; step?: number }>((value) =>
  isPlainObject(value)
    ? form({ attempt: someTimeForm.optional(), queue: someTimeForm.optional(), step: someTimeForm.optional() })
    : someTimeForm.transform((attempt) => ({ attempt })),
);

/** Shorter ones would end commands that were only slow to write. */
const MIN_HEARTBEAT_SECONDS = 1;

export const heartbeatForm = durationForm.superRefine((seconds, context) => {
  if (seconds >= MIN_HEARTBEAT_SECONDS) return;
  context.addIssue({
    code: 'custom',
    message: `a heartbeat of ${seconds} s is too short`,
    params: { hint: `Give ${MIN_HEARTBEAT_SECONDS} s or more, such as 30s.` },
  });
});

/** No program starts in less. */
const MIN_MEMORY_BYTES = 1024 * 1024;
const MAX_CPUS = 4096;

const memoryForm = sizeForm.superRefine((bytes, context) => {
  if (bytes >= MIN_MEMORY_BYTES) return;
  context.addIssue({
    code: 'custom',
    message: `${bytes} bytes of memory are too little`,
    params: { hint: 'Give 1MB or more; a number alone is bytes.' },
  });
});

export const resourcesForm = form({
  memory: memoryForm.optional(),
  cpus: z.int().min(1).max(MAX_CPUS).optional(),
  disk: sizeForm.optional(),
});
