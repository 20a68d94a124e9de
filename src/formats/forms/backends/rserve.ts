/** The written form of a Backend of kind RSERVE. */
import { z } from 'zod';
import type { RserveOptions } from '../../../domain/backends/rserve';
import { form } from '../form';
import { someTimeForm } from '../units';
import { secretForm, settingTextForm } from './secret';

const DEFAULT_PORT = 6311;

const absolute = z.string().regex(/^\/[^\0]*$/, { error: 'is not an absolute path' });

export const rserveForm: z.ZodType<RserveOptions> = form({
  host: z
    .string()
    .regex(/^[A-Za-z0-9._:-]+$/, { error: 'is not the name or address of a machine' })
    .default('127.0.0.1'),
  port: z.int().min(1).max(65535).default(DEFAULT_PORT),
  socket: absolute.optional(),
  tls: z.boolean().default(false),
  user: settingTextForm.optional(),
  password: secretForm.optional(),
  folder: absolute.optional(),
  'connect-timeout': someTimeForm.default(10),
}).transform(({ 'connect-timeout': connectTimeoutSeconds, ...rest }, context): RserveOptions => {
  if ((rest.user === undefined) !== (rest.password === undefined))
    context.addIssue({
      code: 'custom',
      message: 'user and password go together',
      params: { hint: 'Give both: user: ana, password: { env: RSERVE_PASSWORD }.' },
    });
  const given = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined)) as typeof rest;
  return { ...given, connectTimeoutSeconds };
});
