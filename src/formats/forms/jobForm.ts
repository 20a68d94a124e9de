/** The written form of a Job: a graph by links, or the short form with an order number per Step. */
import { z } from 'zod';
import type { Value } from '../../domain/values';
import { choose, form, isPlainObject, nameForm, named, oneOrMany } from './form';
import { bounds, typeOr, valueForm } from './taskForm';
import { symbolsForm, typeForm } from './typeForm';
import { someTimeForm } from './units';
import { validatorForm } from './validatorForm';

/** More Steps than this are a loop written out. */
export const MAX_STEPS = 1000;

/** A link as it is written; names are looked up later. */
export type LinkForm =
  | { readonly from: string }
  | { readonly value: Value }
  | { readonly glob: string; readonly steps?: string[]; readonly inputs: boolean };

const fromForm = z.string().regex(/^[A-Za-z][\w-]*(\.[A-Za-z][\w-]*)?$/, { error: 'is not a link' });

const linkForm = choose<LinkForm>((value) => {
  if (typeof value === 'number' || typeof value === 'boolean')
    return valueForm.transform((plain) => ({ value: plain }));
  if (!isPlainObject(value)) return fromForm.transform((from) => ({ from }));
  if ('glob' in value) {
    return form({ glob: z.string().min(1), steps: z.array(nameForm).optional(), inputs: z.boolean().default(true) });
  }
  return 'from' in value ? form({ from: fromForm }) : form({ value: valueForm });
});

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
  task: nameForm,
  in: linksForm.default({}),
  after: oneOrMany(nameForm).default([]),
  when: form({ step: nameForm, 'exit-code': oneOrMany(z.int().min(0).max(255)) }).optional(),
};

const stepForm = z.preprocess((value) => (typeof value === 'string' ? { task: value } : value), form(stepKeys));

const orderedStepForm = form({ ...stepKeys, name: nameForm.optional(), order: z.number().min(0) });

const inputForm = typeOr(
  form({
    type: typeForm.optional(),
    enum: symbolsForm.optional(),
    description: z.string().default(''),
    default: valueForm.optional(),
    validate: oneOrMany(validatorForm).default([]),
    ...bounds,
  }),
);

const outputForm = z.preprocess(
  (value) => (typeof value === 'string' ? { from: value } : value),
  form({
    from: z.string().regex(/^[A-Za-z][\w-]*\.[A-Za-z][\w-]*$/, { error: 'is not step.output' }),
    description: z.string().default(''),
  }),
);

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
