/** Workers, their heartbeats, and what is left behind by those that died. All times are the database's. */
import type { Sql } from '../database';

export async function registerWorker(
  sql: Sql,
  worker: {
    readonly host: string;
    readonly pid: number;
    readonly queues: readonly string[];
    /** Steps of its own machine that it runs at once, and steps elsewhere that it watches at once. */
    readonly concurrency: number;
    readonly waitingConcurrency: number;
  },
): Promise<string> {
  const rows = await sql.query<{ id: string }>(
    {
      name: 'register-worker',
      text: `insert into worker (host, pid, queues, concurrency, waiting_concurrency)
             values ($1, $2, $3::text[], $4, $5) returning id`,
    },
    [worker.host, worker.pid, worker.queues, worker.concurrency, worker.waitingConcurrency],
  );
  const id = rows[0]?.id;
  if (id === undefined) throw new Error('insert returned no row');
  return id;
}

export interface HeartbeatAnswer {
  /** False: this worker was declared dead, and what it runs now belongs to others. */
  readonly alive: boolean;
  /** StepRuns of this worker that someone asked to stop. */
  readonly cancel: readonly string[];
  /** Everything that this worker runs, as far as Postgres knows. */
  readonly running: readonly OwnedStepRun[];
}

/** A StepRun in the hands of a worker. */
export interface OwnedStepRun {
  readonly stepRunId: string;
  readonly submissionId: string;
  readonly name: string;
  readonly attempt: number;
}

export async function heartbeat(sql: Sql, workerId: string, running: number): Promise<HeartbeatAnswer> {
  const rows = await sql.query<{ running: (OwnedStepRun & { cancel: boolean })[] }>(
    {
      name: 'heartbeat',
      text: `
      with beat as (
        update worker set heartbeat_at = now(), running = $2 where id = $1 and state in ('ALIVE', 'DRAINING') returning id
      )
      select (select coalesce(jsonb_agg(jsonb_build_object('stepRunId', r.id::text, 'submissionId', r.submission_id::text,
                'name', r.name, 'attempt', r.attempt, 'cancel', r.cancel_requested)), '[]') from step_run r
              where r.worker_id = $1 and r.state = 'RUNNING') as running from beat`,
    },
    [workerId, running],
  );
  const row = rows[0];
  if (!row) return { alive: false, cancel: [], running: [] };
  return {
    alive: true,
    cancel: row.running.filter((one) => one.cancel).map((one) => one.stepRunId),
    running: row.running,
  };
}

export async function setWorkerState(
  sql: Sql,
  workerId: string,
  state: 'ALIVE' | 'DRAINING' | 'STOPPED' | 'LOST',
): Promise<void> {
  await sql.query(
    {
      name: 'set-worker-state',
      text: `update worker set state = $2, running = case when $2 in ('ALIVE', 'DRAINING') then running else 0 end
             where id = $1 and state in ('ALIVE', 'DRAINING')`,
    },
    [workerId, state],
  );
}

/** Announces which queues a worker serves. */
export async function setWorkerQueues(sql: Sql, workerId: string, queues: readonly string[]): Promise<void> {
  await sql.query({ name: 'worker-queues', text: `update worker set queues = $2::text[] where id = $1` }, [
    workerId,
    queues,
  ]);
}

/** Declares workers dead that were silent for longer than the lease; returns their ids. */
export async function expireWorkers(sql: Sql, leaseSeconds: number): Promise<string[]> {
  const rows = await sql.query<{ id: string }>(
    {
      name: 'expire-workers',
      text: `update worker set state = 'LOST', running = 0
             where state in ('ALIVE', 'DRAINING') and heartbeat_at < now() - make_interval(secs => $1::float)
             returning id`,
    },
    [leaseSeconds],
  );
  return rows.map((row) => row.id);
}

/** StepRuns that run on a worker which is no more, a bounded number at a time. */
export function orphanedStepRuns(sql: Sql, limit: number): Promise<{ id: string; submissionId: string }[]> {
  return sql.query(
    {
      name: 'orphaned-step-runs',
      text: `select r.id, r.submission_id as "submissionId" from step_run r join worker w on w.id = r.worker_id
             where r.state = 'RUNNING' and w.state in ('LOST', 'STOPPED') order by r.id limit $1`,
    },
    [limit],
  );
}

/** Those of the StepRuns that have not ended. */
export async function unendedStepRuns(sql: Sql, ids: readonly string[]): Promise<ReadonlySet<string>> {
  const rows = await sql.query<{ id: string }>(
    {
      name: 'unended-step-runs',
      text: `select id from step_run where id = any($1::bigint[]) and state in ('PENDING', 'QUEUED', 'RUNNING', 'RETRYING')`,
    },
    [ids],
  );
  return new Set(rows.map((row) => row.id));
}

/** StepRuns whose wait before the next Attempt is over. */
export function dueRetries(sql: Sql, limit: number): Promise<{ id: string; submissionId: string }[]> {
  return sql.query(
    {
      name: 'due-retries',
      text: `select id, submission_id as "submissionId" from step_run
             where state = 'RETRYING' and ready_at <= now() order by ready_at limit $1`,
    },
    [limit],
  );
}

/**
 * Forgets workers that ended long ago and are named by no Attempt any more, and what any that ended found about engines. It may
 * read every Attempt: call it seldom.
 */
export async function forgetWorkers(sql: Sql, olderThanSeconds: number): Promise<void> {
  await sql.query({
    name: 'forget-health',
    text: `delete from worker_backend h using worker w where w.id = h.worker_id and w.state in ('STOPPED', 'LOST')`,
  });
  await sql.query(
    {
      name: 'forget-workers',
      text: `delete from worker w where state in ('STOPPED', 'LOST')
             and heartbeat_at < now() - make_interval(secs => $1::float)
             and not exists (select from attempt a where a.worker_id = w.id)
             and not exists (select from step_run r where r.worker_id = w.id)`,
    },
    [olderThanSeconds],
  );
}

/** One of the worker processes of a machine. */
export interface MachineWorker {
  readonly pid: number;
  /** The Backends whose engines answer there. */
  readonly ready: readonly string[];
  /** Steps that it runs, by queue. */
  readonly running: Readonly<Record<string, number>>;
}

/** Those of the processes of a machine that are workers which live. */
export function machineWorkers(sql: Sql, host: string, pids: readonly number[]): Promise<MachineWorker[]> {
  return sql.query(
    {
      name: 'machine-workers',
      text: `select w.pid,
               (select coalesce(jsonb_agg(h.backend), '[]') from worker_backend h
                where h.worker_id = w.id and h.state = 'READY') as ready,
               (select coalesce(jsonb_object_agg(r.queue, r.count), '{}') from (
                  select queue, count(*) from step_run where worker_id = w.id and state = 'RUNNING' group by queue) r) as running
             from worker w where w.host = $1 and w.pid = any($2::int[]) and w.state in ('ALIVE', 'DRAINING')`,
    },
    [host, pids],
  );
}

/** Steps that workers take at once, on their machines and elsewhere. */
export interface Capacity {
  readonly workers: number;
  readonly here: number;
  readonly elsewhere: number;
}

const CAPACITY = `count(*)::int as workers, coalesce(sum(w.concurrency), 0)::int as here,
               coalesce(sum(w.waiting_concurrency), 0)::int as elsewhere`;

/** What the live workers can take, by Backend whose engine answers there; under `null` what all of them can. */
export async function capacities(sql: Sql): Promise<ReadonlyMap<string | null, Capacity>> {
  const rows = await sql.query<Capacity & { backend: string | null }>({
    name: 'capacities',
    text: `select null as backend, ${CAPACITY} from worker w where w.state = 'ALIVE'
           union all
           select h.backend, ${CAPACITY} from worker w join worker_backend h on h.worker_id = w.id
           where w.state = 'ALIVE' and h.state = 'READY' group by h.backend`,
  });
  return new Map(rows.map(({ backend, ...capacity }) => [backend, capacity]));
}
