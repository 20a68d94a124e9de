/**
 * Results of steps become results of what they belong to. It happens in the database: a list of 100,000 results never
 * passes through a process of ours. Each runs in the transaction that ends the row, after its parts are written.
 */
import type { Values } from '../../domain/values';
import type { Sql } from '../database';
import { ROOT_SCOPE } from './sources';

/** Where an output of a Job is stored: an input of its scope when `node` is null. */
export interface PlainOutput {
  readonly name: string;
  readonly node: number | null;
  readonly port: string;
}

/** The outputs of a scatter: by port, the list of its elements' values, in order; null where an element was skipped. */
export async function gatherElements(sql: Sql, stepRunId: string, ports: readonly string[]): Promise<void> {
  await sql.query(
    {
      name: 'gather-elements',
      text: `
      update step_run g set outputs = (
        select coalesce(jsonb_object_agg(p.port, (
          select coalesce(jsonb_agg(e.outputs -> p.port order by e.scatter_index), '[]') from step_run e
          where e.submission_id = g.submission_id and e.scope_id = g.scope_id and e.node = g.node and e.scatter_index >= 0)),
          '{}')
        from unnest($2::text[]) as p(port))
      where g.id = $1`,
    },
    [stepRunId, ports],
  );
}

/** The lengths of the lists that a scatter goes over, by port. */
export async function scatterLengths(sql: Sql, stepRunId: string): Promise<Record<string, number>> {
  const rows = await sql.query<{ lengths: Record<string, number> }>(
    {
      name: 'scatter-lengths',
      text: `select coalesce(jsonb_object_agg(key, jsonb_array_length(value)), '{}') as lengths
             from step_run, jsonb_each(scatter) where id = $1`,
    },
    [stepRunId],
  );
  return rows[0]?.lengths ?? {};
}

/**
 * The outputs of a Job: of a nested one into its row, of the Submission's own (scope 0) into the Submission. Those of steps
 * that did not end well are null.
 */
export async function gatherOutputs(
  sql: Sql,
  submissionId: string,
  scopeId: string,
  outputs: readonly PlainOutput[],
): Promise<void> {
  const gathered = `
    select coalesce(jsonb_object_agg(x.name, coalesce(case when x.node is null then o.inputs -> x.port else (
      select r.outputs -> x.port from step_run r
      where r.submission_id = $1 and r.scope_id = $2 and r.node = x.node and r.scatter_index = -1) end, 'null')), '{}')
    from jsonb_to_recordset($3::jsonb) as x(name text, node int, port text)`;
  await sql.query(
    scopeId === ROOT_SCOPE
      ? {
          name: 'gather-submission-outputs',
          text: `update submission o set outputs = (${gathered}) where o.id = $1 and $2 = 0::bigint`,
        }
      : { name: 'gather-job-outputs', text: `update step_run o set outputs = (${gathered}) where o.id = $2` },
    [submissionId, scopeId, JSON.stringify(outputs)],
  );
}

/** Outputs that were computed from several sources. */
export async function putOutputs(sql: Sql, submissionId: string, scopeId: string, outputs: Values): Promise<void> {
  await sql.query(
    scopeId === ROOT_SCOPE
      ? { name: 'put-submission-outputs', text: `update submission set outputs = $2::jsonb where id = $1` }
      : { name: 'put-job-outputs', text: `update step_run set outputs = $2::jsonb where id = $1` },
    [scopeId === ROOT_SCOPE ? submissionId : scopeId, JSON.stringify(outputs)],
  );
}
