/** The written form of what a Backend of kind HADOOP lets an operator set. */
import { z } from 'zod';
import type { HadoopOptions } from '../../../domain/backends/hadoop';
import { form } from '../form';

const absolute = z.string().startsWith('/', { error: 'is not an absolute path' });
const property = z.string().regex(/^[\w.-]+$/, { error: 'is not the name of a property' });

export const hadoopOptions: z.ZodType<HadoopOptions> = form({
  'hadoop-home': absolute.optional(),
  'streaming-jar': absolute.optional(),
  staging: z
    .string()
    .regex(/^[a-z][a-z0-9+.-]*:\/\/\S*$/, { error: 'is not a folder of the cluster, such as hdfs:///user/stepcast' })
    .optional(),
  conf: z.record(property, z.union([z.string(), z.number(), z.boolean()]).transform(String)).default({}),
  queue: z.string().min(1).optional(),
}).transform(({ 'hadoop-home': home, 'streaming-jar': streamingJar, staging, conf, queue }) => ({
  conf,
  ...(home === undefined ? {} : { home }),
  ...(streamingJar === undefined ? {} : { streamingJar }),
  ...(staging === undefined ? {} : { staging: staging.replace(/\/$/, '') }),
  ...(queue === undefined ? {} : { queue }),
}));
