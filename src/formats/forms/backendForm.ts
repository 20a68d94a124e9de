/** The written form of a Backend. */
import { z } from 'zod';
import { form, nameForm } from './form';
import { maxRunningForm } from './limitForm';
import { environmentForm } from './taskForm';

export const backendForm = form({
  name: nameForm,
  kind: z.preprocess((value) => (typeof value === 'string' ? value.toUpperCase() : value), z.enum(['LOCAL'])),
  description: z.string().default(''),
  environment: environmentForm.default({}),
  'max-running': maxRunningForm,
});

export type BackendForm = z.output<typeof backendForm>;
