import { z } from 'zod';
import type { Api } from '../client/api';
import { all, pages } from '../client/pages';
import { table, type Terminal } from '../terminal';

const Port = z.object({ name: z.string(), type: z.string(), default: z.unknown(), description: z.string() });
const Job = z.object({ name: z.string(), description: z.string(), inputs: z.array(Port), outputs: z.array(Port) });

const PORT = '{ name type default description }';
const JOBS = `query ($after: String) {
  jobs(after: $after) {
    nodes { name description inputs ${PORT} outputs ${PORT} }
    pageInfo { hasNextPage endCursor }
  }
}`;
/** A long default would hide the rest. */
const MAX_DEFAULT = 30;

/** Lists the jobs that can be submitted. */
export async function listJobs(api: Api, terminal: Terminal, json: boolean): Promise<void> {
  const jobs = await all(pages(api, { node: Job, query: JOBS, at: ['jobs'] }));
  if (json) {
    terminal.print(JSON.stringify(jobs));
    return;
  }
  if (jobs.length === 0) {
    terminal.print('There are no jobs yet. Define some: stepcast apply DIR');
    return;
  }
  const rows = jobs.flatMap(({ name, description, inputs }) => {
    const ports = inputs.map((port) => `${port.name}: ${port.type}${defaultOf(port.default)}`);
    return Array.from({ length: Math.max(1, ports.length) }, (_, line) => [
      line === 0 ? name : '',
      ports[line] ?? '',
      line === 0 ? description : '',
    ]);
  });
  for (const line of table(['JOB', 'INPUTS', 'DESCRIPTION'], rows)) terminal.print(line);
}

function defaultOf(value: unknown): string {
  if (value === null || value === undefined) return '';
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return ` = ${text.length > MAX_DEFAULT ? `${text.slice(0, MAX_DEFAULT - 1)}…` : text}`;
}
