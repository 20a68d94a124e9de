/** Looks at rows that are due and decides what becomes of each. Reads, computes, and changes nothing. */
import type { PlanNode } from '../../domain/compileJob';
import { checkedInputs, linkedValues, type Resolved } from '../../domain/resolveInputs';
import { elementValues, scatterWidth } from '../../domain/scatter';
import type { Scatter } from '../../domain/definitions';
import type { Value, Values } from '../../domain/values';
import type { Sql } from '../../store/database';
import { scatterItems, type DueRow } from '../../store/statements/due';
import type { Plans } from '../plans';
import { loadShared, loadValues, nodeOf } from '../values';
import { compute, type Evaluate } from './compute';
import type { Decision, Element } from './decision';

/** Elements that become rows in one transaction. */
export const CHUNK = 2_000;

export interface PrepareDependencies {
  readonly db: Sql;
  readonly plans: Plans;
  readonly evaluate: Evaluate;
  /** Elements that one scatter may have. */
  readonly maxScatter: number;
}

interface Found {
  readonly row: DueRow;
  readonly node: PlanNode;
}

/** One decision per row, in order; null for a row that needs none any more. */
export async function prepare(
  dependencies: PrepareDependencies,
  rows: readonly DueRow[],
): Promise<(Decision | null)[]> {
  const { db, plans } = dependencies;
  const found = await Promise.all(
    rows.map(async (row): Promise<Found> => ({ row, node: nodeOf((await plans.byId(row.jobVersionId)).plan, row) })),
  );
  const fresh = found.filter(({ row }) => row.state === 'PENDING' && row.scatterIndex < 0);
  const lookup = await loadValues(
    db,
    fresh.map(({ row, node }) => ({
      submissionId: row.submissionId,
      scopeId: row.scopeId,
      links: Object.values(node.links),
    })),
  );
  const elements = found.filter(({ row }) => row.scatterIndex >= 0);
  const shared = await loadShared(
    db,
    elements.map(({ row }) => row.parentId ?? ''),
  );
  return Promise.all(
    found.map(async ({ row, node }) => {
      if (row.scatterIndex >= 0) return startElement(row, node, shared.get(row.parentId ?? '') ?? {});
      if (row.kind === 'SCATTER' && row.state === 'RUNNING') return expand(dependencies, row, node);
      if (row.state !== 'PENDING') return null;
      const linked = linkedValues(node, lookup(row));
      if (linked.problems.length > 0) return failed(row, linked);
      return node.scatter
        ? startScatter(dependencies, row, node, node.scatter, linked.values)
        : startStep(dependencies, row, node, linked.values);
    }),
  );
}

const failed = (row: DueRow, { problems }: Pick<Resolved, 'problems'>): Decision => ({
  kind: 'fail',
  id: row.id,
  reason: problems.join(' '),
});

/** An element that runs a nested Job; what is computed for it was computed when it became a row. */
function startElement(row: DueRow, node: PlanNode, shared: Values): Decision {
  const checked = checkedInputs(node, { ...shared, ...row.inputs });
  if (checked.problems.length > 0) return failed(row, checked);
  return { kind: 'start-job', id: row.id, inputs: checked.values };
}

async function startStep(
  { evaluate }: PrepareDependencies,
  row: DueRow,
  node: PlanNode,
  given: Values,
): Promise<Decision> {
  const [computed] = await compute(evaluate, node, [given], [{ name: row.name }]);
  if (!computed || computed.kind === 'failed') return failed(row, { problems: [computed?.reason ?? ''] });
  if (computed.kind === 'skipped') return { kind: 'skip', id: row.id, reason: `Skipped: ${computed.reason}.` };
  if (node.run.kind === 'task') return { kind: 'queue', id: row.id, inputs: computed.computed };
  const checked = checkedInputs(node, computed.values);
  if (checked.problems.length > 0) return failed(row, checked);
  return { kind: 'start-job', id: row.id, inputs: checked.values };
}

async function startScatter(
  dependencies: PrepareDependencies,
  row: DueRow,
  node: PlanNode,
  scatter: Scatter,
  given: Values,
): Promise<Decision> {
  const lists: Record<string, readonly Value[]> = {};
  for (const port of scatter.ports) {
    const value = given[port] ?? null;
    if (!Array.isArray(value)) {
      const reason = `Step "${row.name}" scatters over "${port}", which ${value === null ? 'has no value' : 'is no list'}.`;
      return { kind: 'fail', id: row.id, reason };
    }
    lists[port] = value as readonly Value[];
  }
  const width = scatterWidth(
    scatter,
    scatter.ports.map((port) => lists[port]?.length ?? 0),
  );
  if (typeof width === 'string')
    return { kind: 'fail', id: row.id, reason: `Step "${row.name}" cannot scatter: ${width}.` };
  if (width > dependencies.maxScatter) {
    const reason = `Step "${row.name}" would scatter over ${width} elements; this server allows ${dependencies.maxScatter}.`;
    return { kind: 'fail', id: row.id, reason };
  }
  const shared = Object.fromEntries(Object.entries(given).filter(([port]) => !scatter.ports.includes(port)));
  const to = Math.min(width, CHUNK);
  const own = elementValues(scatter, lists, { from: 0, to, offset: 0 });
  const elements = await computeElements(dependencies.evaluate, row, node, shared, own, 0);
  if (!Array.isArray(elements)) return elements as Decision;
  return { kind: 'start-scatter', id: row.id, shared, lists, width, elements: elements as readonly Element[] };
}

async function expand({ db, evaluate }: PrepareDependencies, row: DueRow, node: PlanNode): Promise<Decision | null> {
  const { scatter } = node;
  const from = row.expanded;
  if (!scatter || row.width === null || from >= row.width) return null;
  const to = Math.min(row.width, from + CHUNK);
  // A cross product may need any item of its shorter lists; side by side, each element needs its own.
  const isDot = scatter.method === 'dot' || scatter.ports.length === 1;
  const lists = await scatterItems(db, row.id, isDot ? from : 0, isDot ? to - from : row.width);
  const own = isDot
    ? elementValues({ ...scatter, method: 'dot' }, lists, { from, to, offset: from })
    : elementValues(scatter, lists, { from, to, offset: 0 });
  const elements = await computeElements(evaluate, row, node, row.inputs ?? {}, own, from);
  if (!Array.isArray(elements)) return elements as Decision;
  return { kind: 'expand', id: row.id, from, elements: elements as readonly Element[] };
}

/** The elements with what is computed for each, or the decision to fail when one cannot be computed. */
async function computeElements(
  evaluate: Evaluate,
  row: DueRow,
  node: PlanNode,
  shared: Values,
  own: readonly Values[],
  from: number,
): Promise<readonly Element[] | Decision> {
  const results = await compute(
    evaluate,
    node,
    own.map((values) => ({ ...shared, ...values })),
    own.map((_, index) => ({ name: `${row.name}[${from + index}]`, index: from + index })),
  );
  const elements: Element[] = [];
  for (const [index, result] of results.entries()) {
    if (result.kind === 'failed')
      return { kind: 'fail', id: row.id, reason: `Element ${from + index}: ${result.reason}` };
    if (result.kind === 'skipped') elements.push({ inputs: {}, skipped: `Skipped: ${result.reason}.` });
    else elements.push({ inputs: { ...own[index], ...result.computed }, skipped: null });
  }
  return elements;
}
