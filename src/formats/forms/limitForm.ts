/** The written forms of limits: how much may run at once, what a Task uses, and of what there is only so much. */
import { z } from 'zod';
import { choose, form, isPlainObject, nameForm, oneOrMany } from './form';

/** More than any service runs at once: a larger number is a mistake. */
const MAX_UNITS = 1_000_000;

const units = z.int().max(MAX_UNITS);

/** 0: nothing starts. */
export const maxRunningForm = units.min(0).optional();

/** `licence`, `[licence, database]`, or `{licence: 2}`. */
export const usesForm = choose<Record<string, number>>((value) =>
  isPlainObject(value)
    ? z.record(nameForm, units.min(1))
    : oneOrMany(nameForm).transform((names) => Object.fromEntries(names.map((name) => [name, 1]))),
).optional();

export const resourceForm = form({
  name: nameForm,
  description: z.string().default(''),
  amount: units.min(0),
});
