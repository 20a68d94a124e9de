/** The written form of a Job: a graph by links, or the short form with an order number per Step. */
import { z } from 'zod';
import { choose, form, isPlainObject, nameForm, named, oneOrMany, passOn } from './form';
import { fileTraits } from './fileTraits';
import { linkForm, scatterForm, sourcesForm, whenForm, type SourcesForm } from './linkForm';
import { bounds, typeOr, valueForm } from './taskForm';
import { maxRunningForm } from './limitForm';
import { symbolsForm, typeForm } from './typeForm';
import { someTimeForm } from './units';
import { validatorForm } from './validatorForm';

/** More Steps than this are a loop written out. */
export const MAX_STEPS = 1000;

/** A map from port to link, or a list of `{port, from}` and `{port, value}`. */
const linksForm = z.preprocess(
  (value): unknown => {
    if (!Array.isArray(value) || !value.every(isPlainObject)) return value;
    const links = new Map(value.map(({ port, ...link }) => [port, link]));
    return links.size === value.length ? Object.fromEntries(links) : value;
  },
  z.record(nameForm, linkForm),
);

const stepKeys = {
  in: linksForm.default({}),
  after: oneOrMany(nameForm).default([]),
  when: whenForm.optional(),
  scatter: scatterForm.optional(),
};

const stepForm = z.preprocess(
  (value) => (typeof value === 'string' ? { task: value } : value),
  form({ ...stepKeys, task: nameForm.optional(), job: nameForm.optional() }).refine(
    ({ task, job }) => (task === undefined) !== (job === undefined),
    { error: 'a step runs either a task or a job', params: { hint: 'Give one of them: task: name, or job: name.' } },
  ),
);

const orderedStepForm = form({ ...stepKeys, task: nameForm, name: nameForm.optional(), order: z.number().min(0) });

const inputForm = typeOr(
  form({
    type: typeForm.optional(),
    enum: symbolsForm.optional(),
    description: z.string().default(''),
    default: valueForm.optional(),
    validate: oneOrMany(validatorForm).default([]),
    ...fileTraits,
    ...bounds,
  }),
);

const outputForm = choose<OutputForm>((value) =>
  isPlainObject(value)
    ? z.unknown().transform((written, context): OutputForm => {
        const { description, ...sources } = written as Record<string, unknown>;
        const result = z.object({ sources: sourcesForm, description: z.string().default('') }).safeParse({
          sources,
          description,
        });
        if (result.success) return result.data;
        return passOn(context, result.error, (path) => (path[0] === 'sources' ? path.slice(1) : path));
      })
    : sourcesForm.transform((sources) => ({ sources, description: '' })),
);

/** An output of the Job, by where its value comes from. */
export interface OutputForm {
  readonly sources: SourcesForm;
  readonly description: string;
}

export type StepForm = z.output<typeof stepForm>;
export type OrderedStepForm = z.output<typeof orderedStepForm>;

const stepsForm = choose<StepsForm>((value) =>
  isOrdered(value)
    ? z
        .array(orderedStepForm)
        .min(1)
        .max(MAX_STEPS)
        .transform((ordered) => ({ ordered }))
    : named(stepForm).transform((linked) => ({ linked })),
);

/** Which of the two ways the Steps are written. */
export type StepsForm =
  | { readonly ordered: readonly OrderedStepForm[] }
  | { readonly linked: readonly { readonly name: string; readonly value: StepForm; readonly key: string | number }[] };

export const jobForm = form({
  name: nameForm,
  description: z.string().default(''),
  inputs: named(inputForm).default([]),
  steps: stepsForm,
  outputs: named(outputForm).optional(),
  timeout: someTimeForm.optional(),
  example: z.record(nameForm, valueForm).optional(),
  'max-running': maxRunningForm,
});

export type JobForm = z.output<typeof jobForm>;

/** A list in which any Step has an order number; in the other list form every Step has a name. */
function isOrdered(value: unknown): boolean {
  if (!Array.isArray(value)) return false;
  return (
    value.some((step) => isPlainObject(step) && 'order' in step) ||
    !value.some((step) => isPlainObject(step) && 'name' in step)
  );
}
