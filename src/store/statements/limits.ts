/** How much may run at once: the limits, and what of them is in use. */
import type { Usage } from '../../domain/admit';
import type { Sql } from '../database';

export interface RunLimit {
  readonly key: string;
  readonly amount: number;
}

/** The limit of each submitter who has none of their own. */
export const EVERY_USER = 'user:*';

/** Makes the limits of definitions be these; returns whether one came to be that was not there. */
export async function putLimits(sql: Sql, wanted: readonly RunLimit[]): Promise<boolean> {
  await sql.query({
    name: 'lock-all-limits',
    text: `select from run_limit where key not like 'user:%' order by key for update`,
  });
  const rows = await sql.query<{ added: boolean }>(
    {
      name: 'put-limits',
      text: `
      with wanted as (
        select key, amount from jsonb_to_recordset($1::jsonb) as x(key text, amount int)
      ), gone as (
        delete from run_limit where key not like 'user:%' and key not in (select key from wanted)
      )
      insert into run_limit as l (key, amount) select key, amount from wanted order by key
      on conflict (key) do update set amount = excluded.amount where l.amount <> excluded.amount
      returning xmax = 0 as added`,
    },
    [JSON.stringify(wanted)],
  );
  return rows.some((row) => row.added);
}

/** How many steps of one submitter may run at once; null: as many as there are slots. Returns whether that is new. */
export async function putUserLimit(sql: Sql, amount: number | null): Promise<boolean> {
  if (amount === null) {
    await sql.query({ name: 'drop-user-limit', text: `delete from run_limit where key = '${EVERY_USER}'` });
    return false;
  }
  const rows = await sql.query<{ added: boolean }>(
    {
      name: 'put-user-limit',
      text: `insert into run_limit as l (key, amount) values ('${EVERY_USER}', $1)
             on conflict (key) do update set amount = excluded.amount where l.amount <> excluded.amount
             returning xmax = 0 as added`,
    },
    [amount],
  );
  return rows.some((row) => row.added);
}

/** A limit that came to be lately: what became ready beside it may not know of it yet. */
export async function limitsAreYoung(sql: Sql, seconds: number): Promise<boolean> {
  const rows = await sql.query<{ young: boolean }>(
    {
      name: 'limits-are-young',
      text: `select exists (select from run_limit where since > now() - make_interval(secs => $1::float)) as young`,
    },
    [seconds],
  );
  return rows[0]?.young ?? false;
}

/** The row that says how much there is of a key of a lane. */
const USER_ROW = `case when k.key like 'user:%' and not exists (select from run_limit o where o.key = k.key)
             then '${EVERY_USER}' else k.key end`;

/**
 * Takes the limits' locks until the end of the transaction, in the order of their keys: who holds them alone decides what
 * starts under them.
 */
export async function lockLimits(sql: Sql, keys: readonly string[]): Promise<void> {
  await sql.query(
    {
      name: 'lock-limits',
      text: `select from run_limit where key in (select ${USER_ROW} from unnest($1::text[]) as k(key))
             order by key for update`,
    },
    [keys],
  );
}

/** The limits of these keys and how much of each is in use by what runs. A key without a limit is left out. */
export async function limitUsage(sql: Sql, keys: readonly string[]): Promise<Map<string, Usage>> {
  const rows = await sql.query<Usage & { key: string }>(
    {
      name: 'limit-usage',
      text: `
      with runs as (
        select n.key, sum(n.value::int * l.count)::int as used from (
          select lane, count(*) as count from step_run where state = 'RUNNING' and lane <> '' group by lane
        ) l cross join lateral jsonb_each_text(l.lane::jsonb) n group by n.key
      )
      select k.key, m.amount, coalesce(u.used, 0) as used from unnest($1::text[]) as k(key)
      join run_limit m on m.key = ${USER_ROW} left join runs u on u.key = k.key`,
    },
    [keys],
  );
  return new Map(rows.map(({ key, amount, used }) => [key, { amount, used }]));
}
