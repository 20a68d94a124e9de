/** The ready operations of GraphiQL, with the text of example files put in. */
import { open } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { GraphQLSchema } from 'graphql';
import type { JobSpec } from '../../src/domain/definitions';
import { requiredType, type Value } from '../../src/domain/values';
import type { Catalog } from '../../src/engine/catalog';
import { exampleOperations, type ExampleOperation } from '../exampleOperations';

/** As much of a file as is comfortable in an editor; longer ones end at a line's end. */
const MAX_EXAMPLE_BYTES = 16_384;

export async function readyOperations(catalog: Catalog, schema: GraphQLSchema): Promise<ExampleOperation[]> {
  const jobs: JobSpec[] = [];
  for (const entry of catalog.jobs.values()) jobs.push(await withTexts(entry.spec.job, entry.source));
  return exampleOperations(jobs, schema);
}

async function withTexts(job: JobSpec, source: string): Promise<JobSpec> {
  if (!job.example || !source.startsWith('file:')) return job;
  const folder = dirname(resolve(source.slice('file:'.length)));
  const entries: [string, Value][] = [];
  for (const [name, value] of Object.entries(job.example)) {
    const input = job.inputs.find((one) => one.name === name);
    const isPath = input !== undefined && requiredType(input.type).kind === 'File' && typeof value === 'string';
    entries.push([name, isPath ? { text: await beginning(resolve(folder, value)) } : value]);
  }
  return { ...job, example: Object.fromEntries(entries) };
}

async function beginning(path: string): Promise<string> {
  const file = await open(path, 'r').catch(() => null);
  if (!file) return '';
  try {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(MAX_EXAMPLE_BYTES), 0, MAX_EXAMPLE_BYTES, 0);
    const text = buffer.subarray(0, bytesRead).toString('utf8');
    return bytesRead < MAX_EXAMPLE_BYTES ? text : text.slice(0, text.lastIndexOf('\n') + 1);
  } finally {
    await file.close();
  }
}
