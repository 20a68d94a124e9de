/** The written form of what a Backend of kind SPARK lets an operator set. */
import { z } from 'zod';
import type { SparkOptions } from '../../../domain/backends/spark';
import { form, oneOrMany } from '../form';

const MAX_CORES = 100_000;

const word = z
  .string()
  .min(1)
  .regex(/^[^\u0000-\u001f]+$/);
const memory = z
  .string()
  .regex(/^\d+[kmgt]b?$/i, { error: "is no amount of memory as Spark writes it, such as '512m' or '4g'" });
const property = z
  .string()
  .regex(/^spark\.[\w.-]+$/, { error: 'is not the name of a Spark property: they begin with spark.' });

export const sparkOptions: z.ZodType<SparkOptions> = form({
  master: word.optional(),
  'spark-home': word.optional(),
  // The driver is the worker's to watch and end, so it runs beside it.
  'deploy-mode': z.literal('client').default('client'),
  conf: z.record(property, z.union([z.string(), z.number(), z.boolean()]).transform(String)).default({}),
  packages: oneOrMany(z.string().regex(/^[\w.-]+:[\w.-]+:[\w.-]+$/, { error: 'is not group:name:version' })).default(
    [],
  ),
  'executor-memory': memory.optional(),
  'driver-memory': memory.optional(),
  cores: z.int().min(1).max(MAX_CORES).optional(),
  python: word.optional(),
  'master-page': z.url({ protocol: /^https?$/ }).optional(),
}).transform((keys) => ({
  conf: keys.conf,
  packages: keys.packages,
  ...(keys.master === undefined ? {} : { master: keys.master }),
  ...(keys['spark-home'] === undefined ? {} : { home: keys['spark-home'] }),
  ...(keys['executor-memory'] === undefined ? {} : { executorMemory: keys['executor-memory'] }),
  ...(keys['driver-memory'] === undefined ? {} : { driverMemory: keys['driver-memory'] }),
  ...(keys.cores === undefined ? {} : { cores: keys.cores }),
  ...(keys.python === undefined ? {} : { python: keys.python }),
  ...(keys['master-page'] === undefined ? {} : { masterPage: keys['master-page'].replace(/\/$/, '') }),
}));
