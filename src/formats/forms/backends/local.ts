/** The written form of a Backend of kind LOCAL. */
import { z } from 'zod';
import type { LimitOptions, LocalOptions, SandboxOptions } from '../../../domain/backends/local';
import { choose, form } from '../form';
import { sizeForm, someTimeForm } from '../units';

const pathForm = z.string().regex(/^\/[^\0]*$/, { error: 'is not an absolute path' });

const settings = form({
  network: z.boolean().default(false),
  'read-only': z.array(pathForm).default([]),
  writable: z.array(pathForm).default([]),
}).transform(({ network, writable, ...rest }): SandboxOptions => ({ network, writable, readOnly: rest['read-only'] }));

/** `true`, or what is to be seen and reached beside the system. */
const sandboxForm = choose<SandboxOptions | undefined>((value) =>
  typeof value === 'boolean'
    ? z.boolean().transform((on) => (on ? { network: false, readOnly: [], writable: [] } : undefined))
    : settings,
);

/** A program needs some descriptors to begin at all. */
const MIN_OPEN_FILES = 16;
const MIN_MEMORY_BYTES = 1024 ** 2;
const MIN_CPUS = 0.01;

const limitsForm = form({
  memory: sizeForm.refine((bytes) => bytes >= MIN_MEMORY_BYTES, { error: 'is less than 1MB' }).optional(),
  cpus: z.number().min(MIN_CPUS).optional(),
  processes: z.int().min(1).optional(),
  'file-size': sizeForm.optional(),
  'open-files': z.int().min(MIN_OPEN_FILES).optional(),
  'cpu-time': someTimeForm.optional(),
}).transform(({ memory, cpus, processes, ...rest }): LimitOptions => {
  const { 'file-size': fileBytes, 'open-files': openFiles, 'cpu-time': cpuSeconds } = rest;
  const all: LimitOptions = { memoryBytes: memory, cpus, processes, fileBytes, openFiles, cpuSeconds };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
});

export const localForm: z.ZodType<LocalOptions> = form({
  sandbox: sandboxForm.optional(),
  limits: limitsForm.optional(),
}).transform(({ sandbox, limits }): LocalOptions => ({
  ...(sandbox ? { sandbox } : {}),
  ...(limits ? { limits } : {}),
}));
