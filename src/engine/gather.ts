/** Outputs of scatters, nested Jobs and Submissions, put together from those of their parts. */
import { planIn, ROOT_JOB, type JobPlan } from '../domain/compileJob';
import { jobOutputs } from '../domain/resolveInputs';
import type { Value } from '../domain/values';
import type { Sql } from '../store/database';
import {
  gatherElements,
  gatherOutputs,
  putOutputs,
  scatterLengths,
  type PlainOutput,
} from '../store/statements/gather';
import { ROOT_SCOPE, storedValues } from '../store/statements/sources';
import { loadValues } from './values';

/** Outputs that the database puts together by itself, once those of the parts are written. */
export type Gather =
  | {
      readonly kind: 'elements';
      readonly stepRunId: string;
      readonly submissionId: string;
      readonly scopeId: string;
      readonly node: number;
      readonly outputs: readonly string[];
      /** Ports of a nested cross product: the one list becomes lists of lists. */
      readonly nested: readonly string[] | null;
    }
  | {
      readonly kind: 'outputs';
      readonly submissionId: string;
      readonly scopeId: string;
      readonly outputs: readonly PlainOutput[];
    };

export async function gather(sql: Sql, one: Gather): Promise<void> {
  if (one.kind === 'outputs') {
    await gatherOutputs(sql, one.submissionId, one.scopeId, one.outputs);
    return;
  }
  await gatherElements(sql, one.stepRunId, one.outputs);
  if (one.nested) await nest(sql, one, one.nested);
}

async function nest(sql: Sql, one: Extract<Gather, { kind: 'elements' }>, ports: readonly string[]): Promise<void> {
  const { submissionId, scopeId, node, outputs } = one;
  const lengths = await scatterLengths(sql, one.stepRunId);
  const dimensions = ports.map((port) => lengths[port] ?? 0);
  const flat = await storedValues(
    sql,
    outputs.map((port) => ({ kind: 'output', submissionId, scopeId, node, port })),
  );
  const nested = outputs.map((port, index): [string, Value] => [
    port,
    nestedLists((flat[index] ?? []) as readonly Value[], dimensions),
  ]);
  await putOutputs(sql, submissionId, one.stepRunId, Object.fromEntries(nested));
}

/** The list cut into lists of lists: of 6 values with dimensions [2, 3], two lists of three. */
export function nestedLists(values: readonly Value[], dimensions: readonly number[]): readonly Value[] {
  const [length = 0, ...rest] = dimensions;
  if (rest.length === 0) return values;
  const size = rest.reduce((product, one) => product * one, 1);
  return Array.from({ length }, (_, index) => nestedLists(values.slice(index * size, (index + 1) * size), rest));
}

export type Gathered =
  { readonly kind: 'later'; readonly gather: Gather } | { readonly kind: 'done'; readonly problems: readonly string[] };

export function gatherSubmission(
  sql: Sql,
  plan: JobPlan,
  submissionId: string,
  flush: () => Promise<void>,
): Promise<Gathered> {
  return gatherJob(sql, plan, { submissionId, scopeId: ROOT_SCOPE, job: ROOT_JOB }, flush);
}

/**
 * The outputs of a Job. Where each is one value of one step, they can be put together later, by the database. Several
 * sources in one output are merged here, and that may fail; `flush` writes what has changed before they are read.
 */
export async function gatherJob(
  sql: Sql,
  root: JobPlan,
  scope: { readonly submissionId: string; readonly scopeId: string; readonly job: string },
  flush: () => Promise<void>,
): Promise<Gathered> {
  const plan = planIn(root, scope.job);
  const plain = plan.outputs.flatMap(({ name, link }): PlainOutput[] => {
    if (link.kind === 'output') return [{ name, node: link.node, port: link.port }];
    return link.kind === 'input' ? [{ name, node: null, port: link.input }] : [];
  });
  const { submissionId, scopeId } = scope;
  if (plain.length === plan.outputs.length)
    return { kind: 'later', gather: { kind: 'outputs', submissionId, scopeId, outputs: plain } };
  await flush();
  const lookup = await loadValues(sql, [{ submissionId, scopeId, links: plan.outputs.map(({ link }) => link) }]);
  const { values, problems } = jobOutputs(plan, lookup({ submissionId, scopeId }));
  await putOutputs(sql, submissionId, scopeId, values);
  return { kind: 'done', problems };
}
