/** The written form of what a Backend of kind SQL lets an operator set. */
import { parse } from 'node:path';
import { z } from 'zod';
import type { SqlOptions } from '../../../domain/backends/sql';
import { form } from '../form';
import { sizeForm } from '../units';

const MAX_POOL = 64;
const MAX_THREADS = 1024;

const sampleRows = z.union([z.literal('all').transform(() => -1), z.int().min(1)]);

/** Its tables are found under the name of the file, which the engine's own databases have taken. */
const database = z
  .string()
  .startsWith('/', { error: 'is not an absolute path' })
  .refine((path) => !TAKEN_NAMES.has(parse(path).name.toLowerCase()), {
    error: 'is called like a database of the engine itself',
    params: { hint: 'Call the file otherwise.' },
  });
const TAKEN_NAMES = new Set(['memory', 'system', 'temp']);

export const sqlOptions: z.ZodType<SqlOptions> = form({
  database: database.optional(),
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
