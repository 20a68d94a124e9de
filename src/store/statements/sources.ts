/** The values that links lead to, read where they are stored: only the ports asked for, many StepRuns in one statement. */
import type { Value } from '../../domain/values';
import type { Sql } from '../database';

/** One stored value. */
export type StoredRef =
  /** An input of a scope, or all of them when `port` is null. */
  | { readonly kind: 'input'; readonly submissionId: string; readonly scopeId: string; readonly port: string | null }
  /** An output of a node in a scope, or all of them when `port` is null; null when the node was skipped. */
  | {
      readonly kind: 'output';
      readonly submissionId: string;
      readonly scopeId: string;
      readonly node: number;
      readonly port: string | null;
    }
  /** The values that all elements of a scatter share. */
  | { readonly kind: 'shared'; readonly stepRunId: string };

/** The scope of a Submission's own steps. */
export const ROOT_SCOPE = '0';

/** The values in the order asked for; null where there is none. */
export async function storedValues(sql: Sql, refs: readonly StoredRef[]): Promise<(Value | null)[]> {
  if (refs.length === 0) return [];
  const rows = await sql.query<{ value: Value | null }>(
    {
      name: 'stored-values',
      text: `
      select case x.kind
        when 'output' then (
          select case when x.port is null then r.outputs else r.outputs -> x.port end from step_run r
          where r.submission_id = x."submissionId" and r.scope_id = x."scopeId" and r.node = x.node and r.scatter_index = -1)
        when 'shared' then (select r.inputs from step_run r where r.id = x."stepRunId")
        else case when x."scopeId" = 0
          then (select case when x.port is null then s.inputs else s.inputs -> x.port end from submission s
                where s.id = x."submissionId")
          else (select case when x.port is null then r.inputs else r.inputs -> x.port end from step_run r
                where r.id = x."scopeId") end
        end as value
      from rows from (jsonb_to_recordset($1::jsonb) as (kind text, "submissionId" bigint, "scopeId" bigint, node int,
        port text, "stepRunId" bigint)) with ordinality as x(kind, "submissionId", "scopeId", node, port, "stepRunId", ord)
      order by ord`,
    },
    [JSON.stringify(refs)],
  );
  return rows.map((row) => row.value);
}
