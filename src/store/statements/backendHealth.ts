/** What workers found when they asked the engines behind Backends. */
import type { BackendHealth, BackendView, HealthFinding } from '../../domain/backendHealth';
import type { Sql } from '../database';

/** Notes what a worker found just now. */
export async function noteHealth(sql: Sql, workerId: string, backend: string, health: BackendHealth): Promise<void> {
  await sql.query(
    {
      name: 'note-health',
      text: `insert into worker_backend (worker_id, backend, state, version, message) values ($1, $2, $3, $4, $5)
             on conflict (worker_id, backend) do update set state = excluded.state, version = excluded.version,
               message = excluded.message, checked_at = excluded.checked_at`,
    },
    [workerId, backend, health.state, health.version, health.message],
  );
}

/** Differing findings that are read at once, over all Backends that are asked about. */
const MAX_FINDINGS = 2_000;

export interface SeenBackend extends BackendView {
  /** When a live worker asked it last. */
  readonly checkedAt: Date | null;
}

/** Each of these Backends as the live workers see it. */
export async function backendViews(sql: Sql, backends: readonly string[]): Promise<Map<string, SeenBackend>> {
  const [counts, findings] = await Promise.all([
    sql.query<{ alive: number; serving: Record<string, number> }>(
      {
        name: 'serving-workers',
        text: `select (select count(*)::int from worker where state = 'ALIVE') as alive,
                 (select coalesce(jsonb_object_agg(s.queue, s.count), '{}') from (
                    select q.queue, count(*) from worker w cross join lateral unnest(w.queues) as q(queue)
                    where w.state = 'ALIVE' and q.queue = any($1::text[]) group by q.queue) s) as serving`,
      },
      [backends],
    ),
    sql.query<HealthFinding & { backend: string; checkedAt: Date }>(
      {
        name: 'health-findings',
        text: `select h.backend, h.state, h.version, h.message, count(*)::int as workers, min(w.host) as host,
                 max(h.checked_at) as "checkedAt"
               from worker w join worker_backend h on h.worker_id = w.id
               where w.state = 'ALIVE' and h.backend = any($1::text[])
               group by h.backend, h.state, h.version, h.message order by max(h.checked_at) desc limit ${MAX_FINDINGS}`,
      },
      [backends],
    ),
  ]);
  const { alive, serving } = counts[0] ?? { alive: 0, serving: {} };
  return new Map(
    backends.map((backend) => {
      const own = findings.filter((one) => one.backend === backend);
      return [backend, { alive, serving: serving[backend] ?? 0, findings: own, checkedAt: own[0]?.checkedAt ?? null }];
    }),
  );
}

/** What one live worker found. */
export interface HealthCheck extends BackendHealth {
  readonly workerId: string;
  readonly backend: string;
  readonly checkedAt: Date;
}

const CHECK = `h.worker_id as "workerId", h.backend, h.state, h.version, h.message, h.checked_at as "checkedAt"`;

/** What live workers found about a Backend, newest worker first, behind the worker `after`. */
export function checksOfBackend(
  sql: Sql,
  backend: string,
  { after, limit }: { readonly after: string | null; readonly limit: number },
): Promise<HealthCheck[]> {
  return sql.query(
    {
      name: 'checks-of-backend',
      text: `select ${CHECK} from worker w join worker_backend h on h.worker_id = w.id
             where w.state = 'ALIVE' and h.backend = $1 and ($2::bigint is null or w.id < $2)
             order by w.id desc limit $3`,
    },
    [backend, after, limit],
  );
}

/** What a worker found about its Backends, by name, behind the Backend `after`. */
export function checksOfWorker(
  sql: Sql,
  workerId: string,
  { after, limit }: { readonly after: string | null; readonly limit: number },
): Promise<HealthCheck[]> {
  return sql.query(
    {
      name: 'checks-of-worker',
      text: `select ${CHECK} from worker_backend h where h.worker_id = $1 and ($2::text is null or h.backend > $2)
             order by h.backend limit $3`,
    },
    [workerId, after, limit],
  );
}
