/** The written form of secrets: `{ env: NAME }`, or `{ env: NAME, prefix: "Bearer " }`. */
import { z } from 'zod';
import type { Secret, SettingText } from '../../../domain/backends/secret';
import { choose, form, isPlainObject } from '../form';

/** Stepcast's own secrets stay with it, whoever may define a Backend. */
const OWN = /^(STEPCAST_|DATABASE_URL$|REDIS_URL$|PG[A-Z])/;

const variableForm = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, { error: 'is not the name of an environment variable' })
  .superRefine((name, context) => {
    if (!OWN.test(name)) return;
    context.addIssue({
      code: 'custom',
      message: `${name} belongs to Stepcast itself`,
      params: { hint: 'Put the secret into a variable of its own.' },
    });
  });

export const secretForm: z.ZodType<Secret> = form({ env: variableForm, prefix: z.string().default('') });

/** Text as it stands, or a secret. */
export const settingTextForm: z.ZodType<SettingText> = choose<SettingText>((value) =>
  isPlainObject(value) ? secretForm : z.union([z.string(), z.number(), z.boolean()]).transform(String),
);
