/** Definitions: current ones by kind, new versions, removal. */
import type { DefinitionKind } from '../entities/definition';
import type { Sql } from '../database';

export interface CurrentDefinition {
  readonly kind: DefinitionKind;
  readonly name: string;
  readonly versionId: string;
  readonly version: number;
  readonly spec: unknown;
  readonly digest: string;
  /** Who owns the name: a file or the API. */
  readonly source: string;
  /** ISO 8601, UTC. */
  readonly createdAt: string;
}

/** Definitions that are served at once: the schema is built from them. */
export const MAX_DEFINITIONS = 10_000;

export function currentDefinitions(sql: Sql): Promise<CurrentDefinition[]> {
  return sql.query(
    {
      name: 'current-definitions',
      text: `select d.kind, d.name, v.id as "versionId", v.version, v.spec, v.digest, d.source,
               to_char(v.created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as "createdAt"
             from definition d join definition_version v on v.id = d.version_id order by d.kind, d.name limit $1`,
    },
    [MAX_DEFINITIONS],
  );
}

/** Changes whenever any definition does. */
export async function definitionsStamp(sql: Sql): Promise<string> {
  const rows = await sql.query<{ stamp: string }>({
    name: 'definitions-stamp',
    text: `select count(version_id) || ':' || coalesce(sum(version_id), 0) || ':' || coalesce(max(updated_at)::text, '') as stamp
           from definition`,
  });
  return rows[0]?.stamp ?? '';
}

/** One writer of definitions at a time, over all processes, until the end of the transaction. */
export async function lockDefinitions(sql: Sql): Promise<void> {
  await sql.query({ name: 'lock-definitions', text: `select pg_advisory_xact_lock(7305113)` });
}

/** Makes `spec` the current version of the name; a spec that was a version before is that version again. */
export async function putDefinition(
  sql: Sql,
  definition: { kind: DefinitionKind; name: string; spec: unknown; digest: string; source: string },
): Promise<void> {
  const { kind, name, spec, digest, source } = definition;
  await sql.query(
    {
      name: 'put-definition',
      text: `
      with known as (
        select id from definition_version where kind = $1 and name = $2 and digest = $4 order by version desc limit 1
      ), fresh as (
        insert into definition_version (kind, name, version, spec, digest, source)
        select $1, $2, coalesce((select max(version) from definition_version where kind = $1 and name = $2), 0) + 1,
          $3::jsonb, $4, $5
        where not exists (select from known)
        returning id
      )
      insert into definition (kind, name, version_id, source)
      select $1, $2, id, $5 from (select id from known union all select id from fresh) as one
      on conflict (kind, name) do update
        set version_id = excluded.version_id, source = excluded.source, updated_at = clock_timestamp()`,
    },
    [kind, name, JSON.stringify(spec), digest, source],
  );
}

/** The name is no longer served; its versions stay, for the Submissions that used them. */
export async function removeDefinition(sql: Sql, kind: DefinitionKind, name: string): Promise<void> {
  await sql.query(
    {
      name: 'remove-definition',
      text: `update definition set version_id = null, updated_at = clock_timestamp() where kind = $1 and name = $2`,
    },
    [kind, name],
  );
}
