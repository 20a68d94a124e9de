/** Which edges of a graph without cycles say nothing new. Pure. */

interface Edge {
  readonly from: string;
  readonly to: string;
}

/** Indices of the edges whose end is also reached from their start by two or more others. There must be no cycle. */
export function impliedEdges(edges: readonly Edge[]): ReadonlySet<number> {
  const ids = [...new Set(edges.flatMap(({ from, to }) => [from, to]))];
  const bitOf = new Map(ids.map((id, index) => [id, 1n << BigInt(index)]));
  const successors = new Map<string, string[]>(ids.map((id) => [id, []]));
  for (const { from, to } of edges) successors.get(from)?.push(to);

  // What lies behind each node, as a set of bits: a node is looked at after all its successors.
  const behind = new Map<string, bigint>();
  const open = [...ids];
  for (let id = open.at(-1); id !== undefined; id = open.at(-1)) {
    const next = successors.get(id) ?? [];
    const unknown = next.filter((one) => !behind.has(one));
    if (unknown.length === 0) {
      behind.set(id, unionOf(next, bitOf) | unionOf(next, behind));
      open.pop();
    } else {
      open.push(...unknown);
    }
  }
  const beyondNext = new Map(ids.map((id) => [id, unionOf(successors.get(id) ?? [], behind)]));
  const implied = edges.flatMap(({ from, to }, index) => {
    const reached = (beyondNext.get(from) ?? 0n) & (bitOf.get(to) ?? 0n);
    return reached === 0n ? [] : [index];
  });
  return new Set(implied);
}

function unionOf(ids: readonly string[], sets: ReadonlyMap<string, bigint>): bigint {
  return ids.reduce((all, id) => all | (sets.get(id) ?? 0n), 0n);
}
