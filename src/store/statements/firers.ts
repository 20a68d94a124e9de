/** What is known of Schedules and Triggers at run time, beside their definitions. Times are milliseconds since 1970. */
import type { ScheduleSpec, TriggerSpec } from '../../domain/firing';
import type { FileValue } from '../../domain/values';
import type { Sql } from '../database';
import type { FirerKind } from '../entities/firing';

export interface FirerName {
  readonly kind: FirerKind;
  readonly name: string;
}

/** Files that the inputs name, by the id of the upload or result: held as long as the definition names them. */
export type PinnedFiles = Readonly<Record<string, FileValue>>;

/** A definition that the run-time row does not follow yet; without `spec` it was removed. */
export interface ChangedFirer extends FirerName {
  readonly versionId: string | null;
  readonly spec: ScheduleSpec | TriggerSpec | null;
  /** What the row followed until now; null for a new one, and for one that comes back. */
  readonly before: ScheduleSpec | TriggerSpec | null;
  readonly files: PinnedFiles;
  readonly now: number;
}

const NOW = `(extract(epoch from now()) * 1000)::float8 as now`;

export function changedFirers(sql: Sql, limit: number): Promise<ChangedFirer[]> {
  return sql.query(
    {
      name: 'changed-firers',
      text: `
      select d.kind, d.name, d.version_id as "versionId", v.spec, coalesce(f.files, '{}') as files, ${NOW},
        case when f.removed_at is null then o.spec end as before
      from definition d left join definition_version v on v.id = d.version_id
        left join firer f on f.kind = d.kind and f.name = d.name left join definition_version o on o.id = f.version_id
      where d.kind in ('SCHEDULE', 'TRIGGER')
        and case when d.version_id is null then f.name is not null and f.removed_at is null
            else f.version_id is distinct from d.version_id or f.removed_at is not null end
      order by d.kind, d.name limit $1`,
    },
    [limit],
  );
}

export interface FirerUpdate extends FirerName {
  readonly versionId: string;
  readonly files: PinnedFiles;
  readonly problem: string;
  /** What it waits for counts from here on; null: it goes on as it was. */
  readonly from: number | null;
  readonly nextAt: number | null;
}

/** Makes the row follow the version, unless another process was quicker. */
export async function followVersion(sql: Sql, firer: FirerUpdate): Promise<void> {
  const contents = [...new Set(Object.values(firer.files).map((file) => file.sha256))];
  await sql.query(
    {
      name: 'follow-version',
      text: `
      insert into firer (kind, name, version_id, files, contents, problem, planned_until, next_at)
      values ($1, $2, $3, $4::jsonb, $5, $6, to_timestamp(coalesce($7::float8 / 1000, extract(epoch from now()))),
        to_timestamp($8::float8 / 1000))
      on conflict (kind, name) do update set version_id = excluded.version_id, files = excluded.files,
        contents = excluded.contents, problem = excluded.problem, next_at = excluded.next_at, removed_at = null,
        planned_until = case when $7 is null then firer.planned_until else excluded.planned_until end,
        since_tx = case when $7 is null then firer.since_tx else excluded.since_tx end
      where firer.version_id <> excluded.version_id or firer.removed_at is not null`,
    },
    [
      firer.kind,
      firer.name,
      firer.versionId,
      JSON.stringify(firer.files),
      contents,
      firer.problem,
      firer.from,
      firer.nextAt,
    ],
  );
}

/** It does nothing any more. What it fired stays to be seen for a while, and a definition of the name takes it up again. */
export async function retireFirer(sql: Sql, { kind, name }: FirerName): Promise<void> {
  await sql.query(
    {
      name: 'retire-firer',
      text: `update firer set removed_at = now(), next_at = null, files = '{}', contents = '{}'
             where kind = $1 and name = $2 and removed_at is null`,
    },
    [kind, name],
  );
}

/** A Schedule some of whose times have passed since the last look. */
export interface DueSchedule {
  readonly name: string;
  readonly spec: ScheduleSpec;
  readonly plannedUntil: number;
  readonly now: number;
}

/** Locks them until the end of the transaction; those that another process plans are left to it. */
export function lockDueSchedules(sql: Sql, limit: number): Promise<DueSchedule[]> {
  return sql.query(
    {
      name: 'lock-due-schedules',
      text: `
      select f.name, v.spec, (extract(epoch from f.planned_until) * 1000)::float8 as "plannedUntil", ${NOW}
      from firer f join definition_version v on v.id = f.version_id
      where f.kind = 'SCHEDULE' and not f.paused and f.removed_at is null and f.next_at <= now()
      order by f.next_at limit $1 for update of f skip locked`,
    },
    [limit],
  );
}

export async function planned(sql: Sql, name: string, until: number, nextAt: number | null): Promise<void> {
  await sql.query(
    {
      name: 'planned',
      text: `update firer set planned_until = to_timestamp($2::float8 / 1000), next_at = to_timestamp($3::float8 / 1000)
             where kind = 'SCHEDULE' and name = $1`,
    },
    [name, until, nextAt],
  );
}

export interface LockedFirer {
  readonly paused: boolean;
  readonly removed: boolean;
  readonly plannedUntil: number;
  readonly now: number;
}

/** Locks the row: whatever decides by what a Schedule or Trigger did before comes here first. Null when there is none. */
export async function lockFirer(sql: Sql, { kind, name }: FirerName): Promise<LockedFirer | null> {
  const rows = await sql.query<LockedFirer>(
    {
      name: 'lock-firer',
      text: `select paused, removed_at is not null as removed,
               (extract(epoch from planned_until) * 1000)::float8 as "plannedUntil", ${NOW}
             from firer where kind = $1 and name = $2 for update`,
    },
    [kind, name],
  );
  return rows[0] ?? null;
}

/** `from`, for one that goes on: what passed meanwhile is over. */
export async function setPaused(
  sql: Sql,
  { kind, name }: FirerName,
  change: { readonly paused: boolean; readonly from: number | null; readonly nextAt: number | null },
): Promise<void> {
  await sql.query(
    {
      name: 'set-paused',
      text: `update firer set paused = $3, planned_until = coalesce(to_timestamp($4::float8 / 1000), planned_until),
               next_at = case when $3 then next_at else to_timestamp($5::float8 / 1000) end
             where kind = $1 and name = $2`,
    },
    [kind, name, change.paused, change.from, change.nextAt],
  );
}

export interface FirerStatus {
  readonly name: string;
  readonly paused: boolean;
  readonly problem: string;
  readonly files: PinnedFiles;
}

export function firerStatus(sql: Sql, kind: FirerKind, names: readonly string[]): Promise<FirerStatus[]> {
  return sql.query(
    {
      name: 'firer-status',
      text: `select name, paused, problem, files from firer where kind = $1 and name = any($2::text[]) and removed_at is null`,
    },
    [kind, names],
  );
}

/** Forgets what was removed so long ago, with all its firings. */
export async function forgetFirers(sql: Sql, removedSeconds: number): Promise<void> {
  await sql.query(
    { name: 'forget-firers', text: `delete from firer where removed_at < now() - make_interval(secs => $1::float)` },
    [removedSeconds],
  );
}
