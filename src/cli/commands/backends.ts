import { z } from 'zod';
import type { Api } from '../client/api';
import { EXIT, type ExitCode } from '../client/commandError';
import { all, pages } from '../client/pages';
import { table, type Terminal } from '../terminal';

const Backend = z.object({
  name: z.string(),
  kind: z.string(),
  description: z.string(),
  pausedPriorities: z.array(z.string()),
  health: z.object({
    state: z.string(),
    version: z.string().nullable(),
    message: z.string(),
    checkedAt: z.string().nullable(),
    readyWorkers: z.number(),
    servingWorkers: z.number(),
  }),
});
const BACKENDS = `query ($after: String) {
  backends(after: $after) {
    nodes {
      name kind description pausedPriorities
      health { state version message checkedAt readyWorkers servingWorkers }
    }
    pageInfo { hasNextPage endCursor }
  }
}`;

/** Shows whether the engine behind each backend answers. It fails when one of them does not. */
export async function listBackends(api: Api, terminal: Terminal, json: boolean): Promise<ExitCode> {
  const backends = await all(pages(api, { node: Backend, query: BACKENDS, at: ['backends'] }));
  if (json) terminal.print(JSON.stringify(backends));
  else {
    const rows = backends.map(({ name, kind, pausedPriorities: paused, health }) => [
      name,
      kind,
      paused.length > 0 ? `${health.state}, paused` : health.state,
      `${health.readyWorkers}/${health.servingWorkers}`,
      health.version ?? '',
    ]);
    for (const line of table(['BACKEND', 'KIND', 'HEALTH', 'WORKERS', 'VERSION'], rows)) terminal.print(line);
    for (const { name, health } of backends) if (health.message !== '') terminal.print(`\n${name}: ${health.message}`);
  }
  return backends.every(({ health }) => health.state === 'READY') ? EXIT.ok : EXIT.failed;
}
