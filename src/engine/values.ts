/** The values that StepRuns run on, loaded for many of them at once. */
import { planIn, type JobPlan, type PlanLink, type PlanNode } from '../domain/compileJob';
import { StepcastError } from '../domain/errors';
import { refKey, refsOf, type Lookup, type SourceRef } from '../domain/resolveInputs';
import type { Value, Values } from '../domain/values';
import type { Sql } from '../store/database';
import { storedValues, type StoredRef } from '../store/statements/sources';

/** Where values are looked for. */
export interface Scope {
  readonly submissionId: string;
  readonly scopeId: string;
}

/** Looks values up in the scope for which it was loaded. */
export type ScopeLookup = (scope: Scope) => Lookup;

/** Loads what the links ask for in their scopes; what several ask for is read once. */
export async function loadValues(
  sql: Sql,
  wanted: readonly (Scope & { readonly links: readonly PlanLink[] })[],
): Promise<ScopeLookup> {
  const refs = new Map<string, StoredRef>();
  for (const { submissionId, scopeId, links } of wanted) {
    for (const ref of refsOf(links))
      refs.set(keyOf({ submissionId, scopeId }, ref), stored(submissionId, scopeId, ref));
  }
  const values = await storedValues(sql, [...refs.values()]);
  const byKey = new Map([...refs.keys()].map((key, index) => [key, values[index] ?? null]));
  return (scope) => (ref) => byKey.get(keyOf(scope, ref));
}

/** The values that the elements of scatters share, by the scatter's row. */
export async function loadShared(sql: Sql, stepRunIds: readonly string[]): Promise<ReadonlyMap<string, Values>> {
  const ids = [...new Set(stepRunIds)];
  const values = await storedValues(
    sql,
    ids.map((stepRunId) => ({ kind: 'shared', stepRunId })),
  );
  return new Map(ids.map((id, index) => [id, (values[index] ?? {}) as Readonly<Record<string, Value>>]));
}

/** The node of a row. Throws INTERNAL when the plan has none: the row belongs to another version. */
export function nodeOf(root: JobPlan, row: { readonly job: string; readonly node: number }): PlanNode {
  const node = planIn(root, row.job).nodes[row.node];
  if (!node) throw new StepcastError('INTERNAL', `Job "${root.job.name}" has no node ${row.node} in "${row.job}"`);
  return node;
}

const keyOf = ({ submissionId, scopeId }: Scope, ref: SourceRef): string => `${submissionId} ${scopeId} ${refKey(ref)}`;

function stored(submissionId: string, scopeId: string, ref: SourceRef): StoredRef {
  switch (ref.kind) {
    case 'input':
      return { kind: 'input', submissionId, scopeId, port: ref.input };
    case 'inputs':
      return { kind: 'input', submissionId, scopeId, port: null };
    case 'output':
      return { kind: 'output', submissionId, scopeId, node: ref.node, port: ref.port };
    case 'outputs':
      return { kind: 'output', submissionId, scopeId, node: ref.node, port: null };
  }
}
