/** The written form of what a Backend of kind SQL lets an operator set. */
import { z } from 'zod';
import type { SqlOptions } from '../../../domain/backends/sql';
import { form } from '../form';
import { sizeForm } from '../units';

const MAX_POOL = 64;
const MAX_THREADS = 1024;

const sampleRows = z.union([z.literal('all').transform(() => -1), z.int().min(1)]);

export const sqlOptions: z.ZodType<SqlOptions> = form({
  database: z.string().min(1).startsWith('/', { error: 'is not an absolute path' }).optional(),
  'memory-limit': sizeForm.optional(),
  threads: z.int().min(1).max(MAX_THREADS).optional(),
  'sample-rows': sampleRows.optional(),
  pool: z.int().min(0).max(MAX_POOL).optional(),
}).transform(({ database, 'memory-limit': memoryBytes, threads, 'sample-rows': rows, pool }) => ({
  ...(database === undefined ? {} : { database }),
  ...(memoryBytes === undefined ? {} : { memoryBytes }),
  ...(threads === undefined ? {} : { threads }),
  ...(rows === undefined ? {} : { sampleRows: rows }),
  ...(pool === undefined ? {} : { pool }),
}));
