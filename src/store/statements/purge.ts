/** Rows that go for good. What they named in the artifact store is returned, to be looked at again. */
import type { Sql } from '../database';

/**
 * Removes Submissions that were to be deleted and have ended, and Batches that had no others; returns how many Submissions,
 * and the contents they named.
 */
export async function purgeSubmissions(sql: Sql, limit: number): Promise<{ count: number; contents: string[] }> {
  const rows = await sql.query<{ count: number; contents: string[] }>(
    {
      name: 'purge-submissions',
      text: `
      with doomed as (
        select id, batch_id from submission
        where delete_requested_at is not null and state in ('SUCCEEDED', 'FAILED', 'CANCELLED')
        order by id limit $1 for update skip locked
      ), named as (
        select distinct sha256 from artifact where submission_id in (select id from doomed)
      ), gone as (
        delete from submission where id in (select id from doomed) returning id
      ), emptied as (
        delete from batch b where b.id in (select batch_id from doomed)
          and not exists (select from submission s where s.batch_id = b.id and s.id not in (select id from doomed))
      )
      select (select count(*)::int from gone) as count,
        (select coalesce(array_agg(sha256), '{}') from named) as contents`,
    },
    [limit],
  );
  return rows[0] ?? { count: 0, contents: [] };
}

/** Removes uploads past their time; returns the contents they named. */
export async function purgeUploads(sql: Sql, limit: number): Promise<string[]> {
  const rows = await sql.query<{ sha256: string | null }>(
    {
      name: 'purge-uploads',
      text: `delete from upload where id in (select id from upload where expires_at < now() order by expires_at limit $1)
             returning sha256`,
    },
    [limit],
  );
  return [...new Set(rows.flatMap((row) => row.sha256 ?? []))];
}

/** Those of the contents that no row names. */
export async function unnamedContents(sql: Sql, contents: readonly string[]): Promise<string[]> {
  const rows = await sql.query<{ sha256: string }>(
    {
      name: 'unnamed-contents',
      text: `select c.sha256 from unnest($1::text[]) as c(sha256)
             where not exists (select from artifact a where a.sha256 = c.sha256)
               and not exists (select from upload u where u.sha256 = c.sha256)
               and not exists (select from firer f where f.contents @> array[c.sha256])`,
    },
    [contents],
  );
  return rows.map((row) => row.sha256);
}
