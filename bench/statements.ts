/** Counts what Postgres was asked to do, by its own extension. */
import { Client } from 'pg';
import { ensurePostgres } from '../src/embedded';
import type { Services } from './support';

export interface StatementCounter {
  /** Statements so far, of all clients, `begin` and `commit` left out. */
  count(): Promise<number>;
  close(): Promise<void>;
}

/** Restarts the benchmark's own Postgres with the extension, which must be there from the start. */
export async function withStatementCounts(services: Services): Promise<Services> {
  const client = new Client({ connectionString: services.databaseUrl });
  await client.connect();
  await client.query(`alter system set shared_preload_libraries = 'pg_stat_statements'`);
  await client.end();
  await services.stopPostgres();
  const postgres = await ensurePostgres({ home: services.home, log: () => undefined });
  return {
    ...services,
    databaseUrl: postgres.url,
    stopPostgres: () => postgres.stop(),
    stop: async () => {
      await postgres.stop();
      await services.stop();
    },
  };
}

export async function countStatements(databaseUrl: string): Promise<StatementCounter> {
  const client = new Client({ connectionString: databaseUrl });
  // Postgres may be stopped before this ends, when a run fails.
  client.on('error', () => undefined);
  await client.connect();
  await client.query('create extension if not exists pg_stat_statements');
  return {
    count: async () => {
      const { rows } = await client.query<{ calls: string }>(
        `select coalesce(sum(calls), 0) as calls from pg_stat_statements
         where toplevel and query !~* '^(begin|commit|rollback)'`,
      );
      return Number(rows[0]?.calls ?? 0);
    },
    close: () => client.end(),
  };
}
