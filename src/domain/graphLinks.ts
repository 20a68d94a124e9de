/** Why a Step comes after others, as edges of a graph. Pure. */
import type { PlanLink, PlanNode } from './compileJob';
import type { GraphEdge, GraphEdgeKind, GraphPorts } from './graphView';

/** An edge before it is known whether others imply it. */
export type EdgeDraft = Omit<GraphEdge, 'implied'>;

/** The edges into a Step. `idOf` has the id of each Step by its index; two may have the same. */
export function linkDrafts(node: PlanNode, idOf: readonly string[]): EdgeDraft[] {
  const to = idOf[node.index] ?? '';
  const edge = (from: number, kind: GraphEdgeKind, ports: readonly GraphPorts[] = []): EdgeDraft => ({
    from: idOf[from] ?? '',
    to,
    kind,
    ports,
    exitCodes: null,
  });
  const linked = Object.entries(node.links).flatMap(([port, link]) =>
    sourcesOf(link).map((source) =>
      edge(source.node, source.port === '' ? 'FILES' : 'DATA', [{ from: source.port, to: port }]),
    ),
  );
  const condition =
    node.when?.kind === 'exit' ? [{ ...edge(node.when.node, 'CONDITION'), exitCodes: node.when.exitCodes }] : [];
  const told = [...linked, ...condition];
  const known = new Set(told.map((draft) => draft.from));
  const others = node.predecessors.filter((index) => !known.has(idOf[index] ?? ''));
  return [...told, ...others.map((index) => edge(index, 'ORDER'))];
}

/** The Steps that a link reads from, and their outputs; none when files are chosen by their names. */
function sourcesOf(link: PlanLink): readonly { readonly node: number; readonly port: string }[] {
  switch (link.kind) {
    case 'output':
      return [link];
    case 'glob':
      return link.nodes.map((node) => ({ node, port: '' }));
    case 'merge':
      return link.sources.flatMap(sourcesOf);
    case 'expression':
      return link.source ? sourcesOf(link.source) : [];
    case 'input':
    case 'value':
      return [];
  }
}
