/** Which values each element of a scatter gets. Pure. */
import type { Scatter } from './definitions';
import type { Value, Values } from './values';

/** How many elements the lists of these lengths make, in the order of the scatter's ports; a text says why they do not fit. */
export function scatterWidth(scatter: Scatter, lengths: readonly number[]): number | string {
  if (scatter.method !== 'dot') return lengths.reduce((product, length) => product * length, 1);
  const [first = 0] = lengths;
  if (lengths.every((length) => length === first)) return first;
  const sizes = scatter.ports.map((port, index) => `${port} has ${lengths[index] ?? 0}`).join(', ');
  return `its lists are not of one length: ${sizes}`;
}

/** For each list of these lengths the index of its item in element `index`; the last list varies fastest in a cross product. */
export function itemIndices(scatter: Scatter, lengths: readonly number[], index: number): readonly number[] {
  if (scatter.method === 'dot') return lengths.map(() => index);
  const indices: number[] = [];
  let rest = index;
  for (const length of [...lengths].reverse()) {
    indices.unshift(length === 0 ? 0 : rest % length);
    rest = Math.floor(rest / Math.max(1, length));
  }
  return indices;
}

/** The scattered ports' values of the elements from `from` to before `to`. `offset` is the index of each list's first item. */
export function elementValues(
  scatter: Scatter,
  lists: Readonly<Record<string, readonly Value[]>>,
  range: { readonly from: number; readonly to: number; readonly offset: number },
): Values[] {
  const lengths = scatter.ports.map((port) => lists[port]?.length ?? 0);
  return Array.from({ length: Math.max(0, range.to - range.from) }, (_, nth) => {
    const indices = itemIndices(scatter, lengths, range.from + nth);
    return Object.fromEntries(
      scatter.ports.map((port, place) => [port, lists[port]?.[(indices[place] ?? 0) - range.offset] ?? null]),
    );
  });
}
