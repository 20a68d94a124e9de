/** Firings: each is stored once, is taken up until it has come to an end, and is kept for a while. */
import type { EarlierRun, ScheduleSpec, TriggerSpec } from '../../domain/firing';
import type { Sql, Statement } from '../database';
import type { FiringState } from '../entities/firing';
import type { FirerName, PinnedFiles } from './firers';

export interface NewFiring {
  readonly key: string;
  /** Milliseconds. */
  readonly time: number;
  readonly state: FiringState;
  readonly message?: string;
  /** Seconds that it starts after its time. */
  readonly delay?: number;
  readonly depth?: number;
  /** The storing process brings it to an end itself: others look at it only after so many seconds. */
  readonly leaseSeconds?: number;
  readonly sourceId?: string | null;
  readonly body?: string | null;
  readonly submissionId?: string | null;
  readonly backfill?: boolean;
}

/**
 * Stores those that are not stored yet, and returns their ids by key. A back-fill also takes over the rows of times that
 * became no Submission.
 */
export async function insertFirings(
  sql: Sql,
  { kind, name }: FirerName,
  firings: readonly NewFiring[],
): Promise<ReadonlyMap<string, string>> {
  if (firings.length === 0) return new Map();
  const rows = await sql.query<{ id: string; key: string }>(
    {
      name: 'insert-firings',
      text: `
      insert into firing (kind, name, key, time, state, message, depth, source_id, body, submission_id, backfill, due_at,
        look_at)
      select $1, $2, x.key, to_timestamp(x.time / 1000), x.state, coalesce(x.message, ''), coalesce(x.depth, 0),
        x."sourceId", x.body, x."submissionId", coalesce(x.backfill, false), due.at,
        due.at + make_interval(secs => coalesce(x."leaseSeconds", 0))
      from jsonb_to_recordset($3::jsonb) as x(key text, time float8, state text, message text, delay float8, depth int,
          "sourceId" bigint, body text, "submissionId" bigint, backfill boolean,
          "leaseSeconds" float8)
        cross join lateral (select to_timestamp(x.time / 1000 + coalesce(x.delay, 0)) as at) as due
      on conflict (kind, name, key) do update set state = excluded.state, message = excluded.message, backfill = true,
        submission_id = excluded.submission_id
      where excluded.backfill and firing.submission_id is null and firing.state in ('SKIPPED', 'REFUSED')
      returning id, key`,
    },
    [kind, name, JSON.stringify(firings)],
  );
  return new Map(rows.map((row) => [row.key, row.id]));
}

/** A firing whose time has come, with the definition that is current now; none when it was removed. */
export interface DueFiring extends FirerName {
  readonly id: string;
  readonly time: number;
  readonly dueAt: string;
  readonly ageSeconds: number;
  readonly depth: number;
  readonly sourceId: string | null;
  readonly body: string | null;
  readonly spec: ScheduleSpec | TriggerSpec | null;
  readonly files: PinnedFiles;
  readonly problem: string;
  readonly paused: boolean;
}

/** Takes what the subquery `due` names. Another process looks at it again only after `$1` seconds. */
const taking = (name: string, due: string): Statement => ({
  name,
  text: `
      with due as (${due}), taken as (
        update firing set look_at = now() + make_interval(secs => $1::float) where id in (select id from due) returning *
      )
      select t.id, t.kind, t.name, (extract(epoch from t.time) * 1000)::float8 as time, t.due_at::text as "dueAt",
        extract(epoch from now() - t.due_at)::float8 as "ageSeconds", t.depth, t.source_id as "sourceId", t.body, v.spec,
        f.files, f.problem, f.paused
      from taken t join firer f on f.kind = t.kind and f.name = t.name
        left join definition d on d.kind = t.kind and d.name = t.name
        left join definition_version v on v.id = d.version_id
      order by t.due_at, t.id`,
});

const TAKE_DUE = taking(
  'take-due-firings',
  `select id from firing where state = 'DUE' and look_at <= now() order by look_at, id limit $2 for update skip locked`,
);

/**
 * Those that are due, as far as no other process is at them. Another process looks again only after `leaseSeconds`: so long
 * this one has to bring them to an end.
 */
export function takeDueFirings(sql: Sql, limit: number, leaseSeconds: number): Promise<DueFiring[]> {
  return sql.query(TAKE_DUE, [leaseSeconds, limit]);
}

// It waits for a lock: whoever stores the same firing once more holds one for a moment, and does not bring it to an end.
const TAKE_ONE = taking('take-firing', `select id from firing where state = 'DUE' and id = $2 for update`);

/** The one of this id, unless it has come to an end; its time need not have come. */
export async function takeFiring(sql: Sql, id: string, leaseSeconds: number): Promise<DueFiring | null> {
  const [firing] = await sql.query<DueFiring>(TAKE_ONE, [leaseSeconds, id]);
  return firing ?? null;
}

/** True while nobody has brought it to an end. Call it under the lock of its Schedule or Trigger. */
export async function isDue(sql: Sql, id: string): Promise<boolean> {
  const rows = await sql.query(
    { name: 'is-due', text: `select from firing where id = $1 and state = 'DUE' for update` },
    [id],
  );
  return rows.length > 0;
}

export async function endFiring(
  sql: Sql,
  id: string,
  end: { readonly state: FiringState; readonly message: string; readonly submissionId: string | null },
): Promise<void> {
  await sql.query(
    {
      name: 'end-firing',
      text: `update firing set state = $2, message = $3, submission_id = $4, body = null where id = $1 and state = 'DUE'`,
    },
    [id, end.state, end.message, end.submissionId],
  );
}

/** It stays due, and is looked at again in so many seconds. */
export async function deferFiring(sql: Sql, id: string, seconds: number, message: string): Promise<void> {
  await sql.query(
    {
      name: 'defer-firing',
      text: `update firing set look_at = now() + make_interval(secs => $2::float), message = $3
             where id = $1 and state = 'DUE'`,
    },
    [id, seconds, message],
  );
}

/** Submissions of its firings that have not ended; those of back-fills stand apart. */
export function openRuns(sql: Sql, { kind, name }: FirerName): Promise<EarlierRun[]> {
  return sql.query(
    {
      name: 'open-runs',
      text: `select s.id as "submissionId", s.state from firing f join submission s on s.id = f.submission_id
             where f.kind = $1 and f.name = $2 and not f.backfill and s.state in ('QUEUED', 'RUNNING', 'CANCELLING')
             order by s.id limit 1000`,
    },
    [kind, name],
  );
}

/** How many firings of it are due before this one and wait. */
export async function dueBefore(sql: Sql, { kind, name, dueAt, id }: DueFiring): Promise<number> {
  const rows = await sql.query<{ count: number }>(
    {
      name: 'due-before',
      text: `select count(*)::int as count from firing
             where state = 'DUE' and kind = $1 and name = $2 and (due_at, id) < ($3::timestamptz, $4::bigint)`,
    },
    [kind, name, dueAt, id],
  );
  return rows[0]?.count ?? 0;
}

/** Of these keys, those that fired or are about to. */
export async function firedKeys(sql: Sql, { kind, name }: FirerName, keys: readonly string[]): Promise<Set<string>> {
  const rows = await sql.query<{ key: string }>(
    {
      name: 'fired-keys',
      text: `select key from firing where kind = $1 and name = $2 and key = any($3::text[])
             and (state in ('DUE', 'SUBMITTED') or submission_id is not null)`,
    },
    [kind, name, keys],
  );
  return new Set(rows.map((row) => row.key));
}

/** Calls of a webhook in the last minute. */
export async function callsInLastMinute(sql: Sql, name: string): Promise<number> {
  const rows = await sql.query<{ count: number }>(
    {
      name: 'calls-in-last-minute',
      text: `select count(*)::int as count from firing where kind = 'TRIGGER' and name = $1
             and time > now() - interval '1 minute'`,
    },
    [name],
  );
  return rows[0]?.count ?? 0;
}

/** Forgets firings beyond the newest `keep` of each, once they are a day old and what they submitted has ended. */
export async function forgetFirings(sql: Sql, keep: number, limit: number): Promise<void> {
  await sql.query(
    {
      name: 'forget-firings',
      text: `
      delete from firing where id in (
        select n.id from (
          select id, state, created_at, submission_id, row_number() over (partition by kind, name order by time desc, id desc) as place
          from firing) as n
        left join submission s on s.id = n.submission_id
        where n.place > $1 and n.state <> 'DUE' and n.created_at < now() - interval '1 day'
          and (s.id is null or s.state in ('SUCCEEDED', 'FAILED', 'CANCELLED'))
        limit $2)`,
    },
    [keep, limit],
  );
}

/** The database's clock, in milliseconds. */
export async function databaseNow(sql: Sql): Promise<number> {
  const rows = await sql.query<{ now: number }>({
    name: 'database-now',
    text: `select (extract(epoch from now()) * 1000)::float8 as now`,
  });
  return rows[0]?.now ?? Date.now();
}
