/** The written forms of a Schedule and of a Trigger. */
import { z } from 'zod';
import { CATCH_UPS, COMPLETIONS, MAX_CATCH_UP, OVERLAPS } from '../../domain/firing';
import { PRIORITIES } from '../../domain/states';
import { choose, form, isPlainObject, nameForm } from './form';
import { valueForm } from './taskForm';
import { durationForm } from './units';

/** `skip` and `cancel-running` are read as SKIP and CANCEL_RUNNING. */
function wordOf<const Words extends readonly [string, ...string[]]>(words: Words) {
  return z.preprocess(
    (value) => (typeof value === 'string' ? value.toUpperCase().replaceAll('-', '_') : value),
    z.enum(words),
  );
}

/** Seconds that a firing may be late by its jitter. */
const MAX_JITTER_SECONDS = 24 * 3_600;
/** Calls of one webhook in a minute. */
const MAX_PER_MINUTE = 600;
const MAX_LABEL = 200;

const firerKeys = {
  name: nameForm,
  description: z.string().default(''),
  job: nameForm,
  inputs: z.record(nameForm, valueForm).default({}),
  priority: wordOf(PRIORITIES).default('NORMAL'),
  label: z.string().max(MAX_LABEL).optional(),
  enabled: z.boolean().default(true),
};

export const scheduleForm = form({
  ...firerKeys,
  cron: z.string(),
  'time-zone': z.string().default('UTC'),
  overlap: wordOf(OVERLAPS).default('SKIP'),
  'catch-up': wordOf(CATCH_UPS).default('NONE'),
  'catch-up-limit': z.int().min(1).max(MAX_CATCH_UP).optional(),
  jitter: durationForm.pipe(z.number().max(MAX_JITTER_SECONDS)).default(0),
});

const webhookForm = form({
  secret: nameForm.optional(),
  'per-minute': z.int().min(1).max(MAX_PER_MINUTE).default(60),
});

const completionForm = form({ job: nameForm, on: wordOf(COMPLETIONS).default('SUCCEEDED') });

export const triggerForm = form({
  ...firerKeys,
  webhook: z.preprocess((value) => (value === true ? {} : value), webhookForm).optional(),
  after: choose<z.output<typeof completionForm>>((value) =>
    isPlainObject(value) ? completionForm : nameForm.transform((job) => ({ job, on: 'SUCCEEDED' as const })),
  ).optional(),
});

export type ScheduleForm = z.output<typeof scheduleForm>;
export type TriggerForm = z.output<typeof triggerForm>;
