/** Opens Postgres twice over: MikroORM for CRUD and lists, a plain `pg` pool for the transitions of the hot path. */
import { resolve } from 'node:path';
import { MikroORM, type EntityManager } from '@mikro-orm/postgresql';
import { Migrator } from '@mikro-orm/migrations';
import { Pool, type ClientBase, type PoolClient, type QueryResultRow } from 'pg';
import { StepcastError, messageOf } from '../domain/errors';
import { entities } from './entities';
import { createSilenceLimit } from './silence';

/** A statement with a name: Postgres parses and plans it once per connection. */
export interface Statement {
  readonly name: string;
  readonly text: string;
}

/** Runs statements; either the pool itself or one transaction. */
export interface Sql {
  query<Row extends QueryResultRow>(statement: Statement, values?: readonly unknown[]): Promise<Row[]>;
}

export interface Database extends Sql {
  /** A fresh identity map per use: entities never leak from one request into another. */
  em(): EntityManager;
  /** Runs `work` in one READ COMMITTED transaction; rolls back on any error. Deadlocks and lost races are tried again. */
  transaction<T>(work: (sql: Sql) => Promise<T>): Promise<T>;
  /** Brings the schema up to date; many processes may call it at once. */
  migrate(): Promise<void>;
  /** True when every migration is applied. */
  isMigrated(): Promise<boolean>;
  close(): Promise<void>;
}

/** Deadlock and serialization failure: the transaction did nothing and may run again. */
const RETRYABLE = new Set(['40P01', '40001']);
const MAX_TRANSACTION_TRIES = 5;
/** Any constant serves; it only has to be the same in every process. */
const MIGRATION_LOCK = 7_305_112;
/** One statement of a migration may take this long, and waiting for another process that migrates. */
const MIGRATION_MS = 3_600_000;

const CONNECT_MS = 10_000;
const DEFAULT_SILENCE_SECONDS = 30;

/**
 * The statements of the hot path name their rows by keys that have an index. Postgres keeps one plan of each per connection,
 * made when a table was perhaps as good as empty and not worth an index, until it analyzes that table a minute later. So to
 * read a table as a whole is made dear here. Costs that are not real must not have plans compiled.
 */
const PLANNING = 'set seq_page_cost = 1000; set jit = off';

/** `silenceSeconds`: after so long without an answer a connection is given up, and what was asked on it rejects. */
export async function openDatabase(
  url: string,
  options: { poolSize?: number; silenceSeconds?: number } = {},
): Promise<Database> {
  const poolSize = options.poolSize ?? 10;
  const silenceMs = (options.silenceSeconds ?? DEFAULT_SILENCE_SECONDS) * 1_000;
  const silence = createSilenceLimit(silenceMs);
  const connection = {
    connectionTimeoutMillis: CONNECT_MS,
    keepAlive: true,
    // The other side of the same: who froze or was cut off within a transaction must not hold its locks for ever.
    idle_in_transaction_session_timeout: silenceMs,
  };
  const orm = await MikroORM.init({
    clientUrl: url,
    entities: [...entities],
    extensions: [Migrator],
    discovery: { warnWhenNoEntities: false, disableDynamicFileAccess: true },
    // Whoever asked is told what went wrong; on standard output it would be told to nobody.
    driverOptions: { connection, log: { warn: () => undefined, error: () => undefined } },
    pool: {
      min: 0,
      max: Math.max(2, Math.ceil(poolSize / 2)),
      afterCreate: (client: unknown, done: (error: unknown, client: unknown) => void) => {
        silence.watch(client);
        done(null, client);
      },
    },
    migrations: {
      path: resolve(__dirname, '../../migrations'),
      glob: 'Migration*.{js,ts}',
      snapshot: false,
      transactional: true,
      silent: true,
    },
    connect: false,
    allowGlobalContext: false,
  });
  /** The pool waits for what it returns, though its types do not say so. */
  const prepare = (client: ClientBase): unknown => {
    silence.watch(client);
    // A client that was given back as broken may still hear from Postgres why; with no listener that ends the process.
    client.on('error', () => undefined);
    return client.query(PLANNING);
  };
  const pool = new Pool({
    ...connection,
    connectionString: url,
    max: poolSize,
    idleTimeoutMillis: 30_000,
    onConnect: prepare,
  });
  // An idle connection that breaks is replaced at the next use; without a listener it would end the process.
  pool.on('error', () => undefined);

  const sqlOn = (client: Pool | PoolClient): Sql => ({
    query: async <Row extends QueryResultRow>(statement: Statement, values: readonly unknown[] = []) =>
      (await client.query<Row>({ name: statement.name, text: statement.text, values: [...values] })).rows,
  });

  const once = async <T>(work: (sql: Sql) => Promise<T>): Promise<T> => {
    const client = await pool.connect();
    let broken: Error | undefined;
    const onError = (error: Error): void => {
      broken = error;
    };
    client.on('error', onError);
    try {
      await client.query('begin');
      const result = await work(sqlOn(client));
      await client.query('commit');
      return result;
    } catch (error) {
      await client.query('rollback').catch((rollbackError: unknown) => {
        broken = rollbackError instanceof Error ? rollbackError : new Error(messageOf(rollbackError));
      });
      throw error;
    } finally {
      client.off('error', onError);
      client.release(broken);
    }
  };

  // Each call of `connect` would open a pool of its own and forget the one before.
  let ormConnected: Promise<unknown> | null = null;
  const connectOrm = async (): Promise<void> => {
    ormConnected ??= orm.connect();
    await ormConnected.catch((error: unknown) => {
      ormConnected = null;
      throw error;
    });
  };
  const isMigrated = async (): Promise<boolean> => {
    const { rows } = await pool.query<{ present: boolean }>(
      `select to_regclass('mikro_orm_migrations') is not null as present`,
    );
    if (rows[0]?.present !== true) return false;
    await connectOrm();
    return (await orm.getMigrator().getPendingMigrations()).length === 0;
  };
  const migrate = async (): Promise<void> => {
    const client = await pool.connect();
    try {
      await client.query('select pg_advisory_lock($1)', [MIGRATION_LOCK]);
      await connectOrm();
      await orm.getMigrator().up();
    } finally {
      await client.query('select pg_advisory_unlock($1)', [MIGRATION_LOCK]).catch(() => undefined);
      client.release();
    }
  };

  return {
    ...sqlOn(pool),
    em: () => orm.em.fork(),
    transaction: async (work) => {
      for (let attempt = 1; ; attempt += 1) {
        try {
          return await once(work);
        } catch (error) {
          const code = (error as { code?: string }).code ?? '';
          if (!RETRYABLE.has(code) || attempt >= MAX_TRANSACTION_TRIES) throw error;
        }
      }
    },
    migrate: async () => {
      // Mostly there is nothing to do, and no reason to be more patient than otherwise.
      const migrated = await isMigrated().catch((cause: unknown) => {
        throw new StepcastError('UNAVAILABLE', `Postgres does not answer: ${messageOf(cause)}`, { cause });
      });
      if (!migrated) await silence.relaxedDuring(MIGRATION_MS, migrate);
    },
    isMigrated,
    close: async () => {
      await Promise.all([pool.end(), orm.close(true)]);
    },
  };
}
