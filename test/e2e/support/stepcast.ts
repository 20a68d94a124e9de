import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { Pool, type QueryResultRow } from 'pg';
import { createTestDatabase, testRedisUrl } from '../../support/services';
import { connect, post, subscribeOn, type Json, type Reply } from './client';
import { manage, processesOf, type Managed } from './processes';
import { eventually } from './wait';

export interface StepcastOptions {
  /** API processes; 1 if not given. All share one database, one Redis and one home. */
  readonly apis?: number;
  /** Worker processes; 1 if not given. */
  readonly workers?: number;
  /** Settings, laid over those of the harness. */
  readonly env?: Readonly<Record<string, string>>;
  /** Settings of the API with this number alone, laid over the others. */
  readonly apiEnv?: (api: number) => Readonly<Record<string, string>>;
  /** The Redis of the test run if not given. */
  readonly redisUrl?: string;
  /** A fresh database of the test run's Postgres, dropped at the end, if not given. */
  readonly databaseUrl?: string;
  /** Watched folders with definitions, besides `examples/`. */
  readonly jobFolders?: readonly string[];
}

export interface SubmitOptions {
  readonly priority?: 'HIGH' | 'NORMAL' | 'LOW';
  readonly label?: string;
  readonly reuse?: boolean;
  readonly idempotencyKey?: string;
  readonly timeoutSeconds?: number;
}

/** A whole service in processes of its own. */
export interface Stepcast {
  /** Where the first API serves. */
  readonly url: string;
  readonly home: string;
  readonly databaseUrl: string;
  readonly redisUrl: string;
  readonly apis: readonly (Managed & { readonly url: string })[];
  readonly workers: Managed[];
  startWorker(env?: Readonly<Record<string, string>>): Promise<Managed>;
  /** Data of an operation on the first API. Throws its errors. */
  gql<Data>(query: string, variables?: object): Promise<Data>;
  /** The reply to an operation, with its errors, from the API with this number. */
  reply<Data>(query: string, variables?: object, api?: number): Promise<Reply<Data>>;
  /** Data of a subscription, on a connection of its own that ends with it. */
  subscribe<Data>(query: string, variables?: object, api?: number): AsyncIterableIterator<Data>;
  /** Rows straight from the database. */
  sql<Row extends QueryResultRow>(text: string, values?: readonly unknown[]): Promise<Row[]>;
  /** Applies definitions; throws what is wrong with them. */
  define(yaml: string): Promise<void>;
  /** Submits a Job and returns the Submission's id; throws its userErrors. */
  submit(job: string, inputs?: { [name: string]: Json }, options?: SubmitOptions): Promise<string>;
  /** Waits until the Submission is in one of the states and returns that. */
  untilState(id: string, states: readonly string[], withinMs?: number): Promise<string>;
  /** Ends all processes and checks that nothing is left of them. Throws when something is. */
  stop(): Promise<void>;
}

/** The row key behind an opaque id. */
export function keyOf(id: string): string {
  return Buffer.from(id, 'base64url').toString('utf8').split(':')[1] ?? '';
}

/** Starts API and worker processes from `dist`; build first when tests run one by one. */
export async function startStepcast(options: StepcastOptions = {}): Promise<Stepcast> {
  const home = await mkdtemp(path.join(os.tmpdir(), 'stepcast-e2e-'));
  const database = options.databaseUrl === undefined ? await createTestDatabase() : undefined;
  const databaseUrl = options.databaseUrl ?? database?.url ?? '';
  const redisUrl = options.redisUrl ?? testRedisUrl();
  const inherited = Object.entries(process.env).filter(([name]) => /^(PATH|HOME|LANG|LC_ALL|TMPDIR|USER)$/.test(name));
  const settings: Readonly<Record<string, string>> = {
    ...Object.fromEntries(inherited.map(([name, value]) => [name, value ?? ''])),
    DATABASE_URL: databaseUrl,
    REDIS_URL: redisUrl,
    STEPCAST_HOME: home,
    STEPCAST_SECRET: randomBytes(32).toString('hex'),
    STEPCAST_CONCURRENCY: '4',
    STEPCAST_DRAIN_SECONDS: '1',
    // Tests count what really runs.
    STEPCAST_REUSE: 'off',
    ...(options.jobFolders ? { STEPCAST_JOBS: options.jobFolders.join(path.delimiter) } : {}),
    PORT: '0',
    ...options.env,
  };
  const pool = new Pool({ connectionString: databaseUrl, max: 4 });
  pool.on('error', () => undefined);

  const apis: (Managed & { readonly url: string })[] = [];
  const workers: Managed[] = [];
  const startApi = async (number: number): Promise<void> => {
    const own = { ...settings, ...options.apiEnv?.(number) };
    let port = own['PORT'] ?? '0';
    const api = await manage('schema/main.js', () => ({ ...own, PORT: port }), /serving on http:\/\/[\w.:[\]-]+/);
    const url = /http:\/\/[\w.:[\]-]+/.exec(api.output())?.[0] ?? '';
    port = new URL(url).port;
    apis.push({ ...api, url });
  };
  const startWorker = async (env: Readonly<Record<string, string>> = {}): Promise<Managed> => {
    const worker = await manage('workers/main.js', () => ({ ...settings, ...env }), /worker \d+ takes up to/);
    workers.push(worker);
    return worker;
  };

  const stop = async (): Promise<void> => {
    await Promise.all(workers.map((worker) => worker.end('SIGTERM')));
    await Promise.all(apis.map((api) => api.end('SIGTERM')));
    await pool.end();
    await database?.drop();
    await eventually('all processes of the service are gone', async () => {
      const left = await processesOf(home);
      return left.length === 0;
    });
    await rm(home, { recursive: true, force: true });
  };

  try {
    // The first API migrates; what starts beside it would wait for that.
    await startApi(0);
    await Promise.all([
      ...Array.from({ length: (options.apis ?? 1) - 1 }, (_, index) => startApi(index + 1)),
      ...Array.from({ length: options.workers ?? 1 }, () => startWorker()),
    ]);
  } catch (error) {
    await stop().catch(() => undefined);
    throw error;
  }

  const urlOf = (api: number): string => {
    const found = apis[api];
    if (!found) throw new Error(`there is no API ${api}`);
    return found.url;
  };
  const reply = <Data>(query: string, variables?: object, api = 0): Promise<Reply<Data>> =>
    post<Data>(urlOf(api), query, variables);
  const gql = async <Data>(query: string, variables?: object): Promise<Data> => {
    const { data, errors } = await reply<Data>(query, variables);
    if (errors || data === null) throw new Error((errors ?? []).map((error) => error.message).join('; '));
    return data;
  };
  const sql = async <Row extends QueryResultRow>(text: string, values: readonly unknown[] = []): Promise<Row[]> =>
    (await pool.query<Row>(text, [...values])).rows;

  return {
    url: urlOf(0),
    home,
    databaseUrl,
    redisUrl,
    apis,
    workers,
    startWorker,
    gql,
    reply,
    sql,
    subscribe: <Data>(query: string, variables?: object, api = 0) => {
      const client = connect(urlOf(api));
      return subscribeOn<Data>(client, query, variables, async () => client.dispose());
    },
    define: async (yaml) => {
      const { applyDefinitions } = await gql<{ applyDefinitions: { userErrors: { message: string }[] } }>(
        `mutation ($source: String!) { applyDefinitions(input: { source: $source }) { userErrors { message } } }`,
        { source: yaml },
      );
      if (applyDefinitions.userErrors.length > 0)
        throw new Error(applyDefinitions.userErrors.map((error) => error.message).join('\n'));
    },
    submit: async (job, inputs = {}, submitOptions = {}) => {
      const { submitJob } = await gql<{
        submitJob: { submission: { id: string } | null; userErrors: { message: string }[] };
      }>(
        `mutation ($input: SubmitJobInput!) { submitJob(input: $input) { submission { id } userErrors { message } } }`,
        { input: { job, inputs, options: submitOptions } },
      );
      if (!submitJob.submission) throw new Error(submitJob.userErrors.map((error) => error.message).join('\n'));
      return submitJob.submission.id;
    },
    untilState: async (id, states, withinMs = 40_000) => {
      let last = 'gone';
      return eventually(
        `${id} becomes ${states.join(' or ')}`,
        async () => {
          const [row] = await sql<{ state: string; message: string }>(
            'select state, message from submission where id = $1',
            [keyOf(id)],
          );
          last = row?.state ?? 'gone';
          const ended = /^(SUCCEEDED|FAILED|CANCELLED|gone)$/.test(last);
          if (ended && !states.includes(last)) throw new Error(`${id} is ${last}: ${row?.message ?? ''}`);
          return states.includes(last) ? last : null;
        },
        withinMs,
      );
    },
    stop,
  };
}
