/** The written form of a Backend: keys that all kinds share, and those of its kind beside them. */
import { z } from 'zod';
import { BACKEND_KINDS, type BackendKind } from '../../domain/backendOptions';
import type { BackendSpec } from '../../domain/definitions';
import { maxRunningOf } from '../expandLimits';
import { OPTION_FORMS } from './backendOptions';
import { choose, form, isPlainObject, nameForm, passOn } from './form';
import { maxRunningForm } from './limitForm';
import { environmentForm } from './taskForm';

const kinds = Object.keys(BACKEND_KINDS) as BackendKind[];

const shared = {
  name: nameForm,
  kind: z.preprocess(
    (value) => (typeof value === 'string' ? value.toUpperCase().replaceAll('-', '_') : value),
    z.enum(kinds),
  ),
  description: z.string().default(''),
  environment: environmentForm.default({}),
  'max-running': maxRunningForm,
};

const sharedForm = form(shared);
const sharedKeys: ReadonlySet<string> = new Set([...Object.keys(shared), 'maxRunning']);

const pick = (value: object, wanted: boolean): Record<string, unknown> =>
  Object.fromEntries(Object.entries(value).filter(([key]) => sharedKeys.has(key) === wanted));

const splitForm: z.ZodType<BackendSpec> = z.looseObject({}).transform((value, context): BackendSpec => {
  const common = sharedForm.safeParse(pick(value, true));
  if (!common.success) return passOn(context, common.error);
  const { 'max-running': maxRunning, kind, ...rest } = common.data;
  const options = OPTION_FORMS[kind].safeParse(pick(value, false));
  if (!options.success) return passOn(context, options.error);
  // The table of forms gives each kind its own options, which the compiler cannot follow through the index.
  return { ...rest, kind, options: options.data, ...maxRunningOf({ 'max-running': maxRunning }) } as BackendSpec;
});

export const backendForm: z.ZodType<BackendSpec> = choose((value) =>
  isPlainObject(value) ? splitForm : (sharedForm as never),
);
