/** The written form of what a Backend of kind CONTAINER lets an operator set. */
import { z } from 'zod';
import { PULL_POLICIES, type ContainerOptions, type ContainerVolume } from '../../../domain/backends/container';
import { form, oneOrMany } from '../form';
import { secretForm, settingTextForm } from './secret';

const MAX_VOLUMES = 100;
/** What Docker and Podman take as the name of an image, loosely: they judge it. */
const IMAGE = /^[\w][\w.\-/:@]{0,511}$/;

export const imageForm = z.string().regex(IMAGE, { error: 'is not the name of an image, such as debian:12' });

/** An engine may follow links before it goes up, or after. */
const UPWARDS = /\/\.\.(?=[/:]|$)/;
const VOLUME = /^(\/[^:]*)(?::(\/[^:]*))?(?::(ro|rw))?$/;

const volumeForm = z.string().transform((text, context): ContainerVolume => {
  const [, source, target, access] = VOLUME.exec(text) ?? [];
  if (source !== undefined && !UPWARDS.test(text))
    return { source, target: target ?? source, writable: access === 'rw' };
  context.addIssue({
    code: 'custom',
    message: `'${text}' is not a volume`,
    params: {
      hint: 'Write /folder/of/the/host:/folder/inside, with :rw behind it if commands may write there, and no .. in it.',
    },
  });
  return z.NEVER;
});

export const containerForm: z.ZodType<ContainerOptions> = form({
  image: imageForm.optional(),
  pull: z.enum(PULL_POLICIES).default('missing'),
  host: z.string().min(1).optional(),
  user: z
    .preprocess((value) => (typeof value === 'number' ? String(value) : value), z.string())
    .refine((user) => user === 'image' || /^\d+(:\d+)?$/.test(user), {
      error: 'is no user: write its number, such as 1000 or 1000:1000, or image for that of the image',
    })
    .optional(),
  volumes: oneOrMany(volumeForm)
    .refine((all) => all.length <= MAX_VOLUMES, { error: `are more than ${MAX_VOLUMES}` })
    .default([]),
  network: z
    .string()
    .regex(/^[\w.-]+$/, { error: 'is not the name of a network' })
    .default('none'),
  'read-only': z.boolean().default(false),
  'cap-drop': oneOrMany(z.string().regex(/^\w+$/, { error: 'is not a capability, such as NET_RAW or ALL' })).default(
    [],
  ),
  runtime: z
    .string()
    .regex(/^[\w./-]+$/, { error: 'is not the name of a runtime' })
    .optional(),
  platform: z
    .string()
    .regex(/^[\w./-]+$/, { error: 'is not a platform, such as linux/arm64' })
    .optional(),
  init: z.boolean().optional(),
  registry: form({ server: z.string().min(1).optional(), username: settingTextForm, password: secretForm }).optional(),
}).transform(({ 'read-only': readOnly, 'cap-drop': capDrop, ...rest }, context): ContainerOptions => {
  if (rest.registry && rest.registry.server === undefined && rest.image === undefined)
    context.addIssue({
      code: 'custom',
      path: ['registry'],
      message: 'does not say to which registry the login belongs',
      params: { hint: 'Add server: registry.example.org, or an image to the backend.' },
    });
  return { ...rest, readOnly, capDrop };
});
