/** The written form of what a Backend of kind KUBERNETES lets an operator set. */
import { z } from 'zod';
import { PULL_POLICIES } from '../../../domain/backends/container';
import type { KubernetesOptions, SharedVolume, Toleration } from '../../../domain/backends/kubernetes';
import { form, oneOrMany } from '../form';
import { someTimeForm } from '../units';
import { imageForm } from './container';

const DAY_SECONDS = 24 * 3600;
const HOUR_SECONDS = 3600;

const nameForm = z.string().regex(/^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/, {
  error: 'is not a name of Kubernetes: small letters, digits, dashes and dots',
});
const text = z.preprocess(
  (value) => (typeof value === 'boolean' || typeof value === 'number' ? String(value) : value),
  z.string(),
);

const volumeForm = form({
  claim: nameForm,
  path: z.string().regex(/^\/./, { error: 'is not an absolute path' }),
  'sub-path': z.string().min(1).optional(),
}).transform(({ 'sub-path': subPath, path, claim }): SharedVolume => ({
  claim,
  path: path.replace(/\/+$/, ''),
  ...(subPath === undefined ? {} : { subPath }),
}));

const tolerationForm: z.ZodType<Toleration> = form({
  key: z.string().min(1).optional(),
  value: text.optional(),
  effect: z.enum(['NoSchedule', 'PreferNoSchedule', 'NoExecute']).optional(),
}).refine(({ key, value }) => key !== undefined || value === undefined, { error: 'has a value and no key' });

export const kubernetesForm: z.ZodType<KubernetesOptions> = form({
  image: imageForm.optional(),
  pull: z.enum(PULL_POLICIES).default('missing'),
  'pull-secrets': oneOrMany(nameForm).default([]),
  volume: volumeForm,
  kubeconfig: z.string().regex(/^\//, { error: 'is not an absolute path' }).optional(),
  context: z.string().min(1).optional(),
  namespace: nameForm.optional(),
  'service-account': nameForm.optional(),
  'node-selector': z.record(z.string(), text).default({}),
  tolerations: oneOrMany(tolerationForm).default([]),
  ttl: someTimeForm.default(DAY_SECONDS),
  'pending-timeout': someTimeForm.default(HOUR_SECONDS),
}).transform((written): KubernetesOptions => {
  const {
    'pull-secrets': pullSecrets,
    'service-account': serviceAccount,
    'node-selector': nodeSelector,
    ttl: ttlSeconds,
    'pending-timeout': pendingSeconds,
    ...rest
  } = written;
  return {
    ...rest,
    ...{ pullSecrets, nodeSelector, ttlSeconds, pendingSeconds },
    ...(serviceAccount === undefined ? {} : { serviceAccount }),
  };
});
