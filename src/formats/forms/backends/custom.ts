/** The written form of a Backend of kind CUSTOM. */
import { z } from 'zod';
import type { CustomOptions } from '../../../domain/backends/custom';
import { form } from '../form';

/** As npm names packages; so it never leads out of a folder. */
const pluginForm = z
  .string()
  .max(214)
  .regex(/^(?:@[a-z0-9][a-z0-9._-]*\/)?[a-zA-Z0-9][a-zA-Z0-9._-]*$/, {
    error: 'is not the name of a plug-in: letters, digits, `-`, `_` and `.`, such as my-backend or @lab/backend',
  });

const placeForm = z.preprocess(
  (value) => (typeof value === 'string' ? value.toLowerCase() : value),
  z.enum(['here', 'elsewhere']).default('here'),
);

export const customForm: z.ZodType<CustomOptions> = form({
  plugin: pluginForm,
  place: placeForm,
  options: z.record(z.string(), z.json()).default({}),
});
