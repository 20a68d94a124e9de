/** The graph of a Job: who waits for whom. */
import type { Link, StepSpec } from './definitions';

/** The Steps that must end before this one, by name, each once. */
export function predecessorsOf(step: StepSpec): string[] {
  const names = [
    ...Object.values(step.links).flatMap(linkedSteps),
    ...step.after,
    ...(step.when?.kind === 'exit' ? [step.when.step] : []),
  ];
  return [...new Set(names)];
}

/** The Steps a link reads from. */
export function linkedSteps(link: Link): readonly string[] {
  switch (link.kind) {
    case 'output':
      return [link.step];
    case 'glob':
      return link.steps;
    case 'merge':
      return link.sources.flatMap(linkedSteps);
    case 'expression':
      return link.source ? linkedSteps(link.source) : [];
    case 'input':
    case 'value':
      return [];
  }
}

/** The Job inputs a link reads from, by name. A glob is told by its files instead. */
export function linkedInputs(link: Link): readonly string[] {
  switch (link.kind) {
    case 'input':
      return [link.input];
    case 'merge':
      return link.sources.flatMap(linkedInputs);
    case 'expression':
      return link.source ? linkedInputs(link.source) : [];
    case 'output':
    case 'glob':
    case 'value':
      return [];
  }
}

/** Indices so that every Step comes after all it waits for, else in the order given; a cycle names the Steps along it. */
export type Order =
  { readonly ok: true; readonly order: readonly number[] } | { readonly ok: false; readonly cycle: readonly string[] };

/** Unknown names are passed over. */
export function orderSteps(steps: readonly StepSpec[]): Order {
  const indexOf = new Map(steps.map(({ name }, index) => [name, index]));
  const waitsFor = steps.map((step) => predecessorsOf(step).flatMap((name) => indexOf.get(name) ?? []));
  const order = orderOf(waitsFor);
  if (order.length === steps.length) return { ok: true, order };
  return { ok: false, cycle: cycleAmong(steps, waitsFor, new Set(order)) };
}

/** Indices so that each comes after all it waits for, else in the order given; those of a cycle and behind it are left out. */
export function orderOf(waitsFor: readonly (readonly number[])[]): number[] {
  const waiting = waitsFor.map((list) => list.length);
  const successors: number[][] = waitsFor.map(() => []);
  waitsFor.forEach((list, index) => list.forEach((earlier) => successors[earlier]?.push(index)));
  const order = waiting.flatMap((count, index) => (count === 0 ? [index] : []));
  // The list grows while it is walked: it ends when none gets ready any more.
  for (const index of order) {
    for (const next of successors[index] ?? []) {
      const left = (waiting[next] ?? 0) - 1;
      waiting[next] = left;
      if (left === 0) order.push(next);
    }
  }
  return order;
}

/** Names of all Steps before the given ones, through any number of others, and those themselves. */
export function ancestorsOf(names: readonly string[], steps: readonly StepSpec[]): ReadonlySet<string> {
  const byName = new Map(steps.map((step) => [step.name, step]));
  const found = new Set<string>();
  const open = [...names];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    const step = byName.get(name);
    if (found.has(name) || !step) continue;
    found.add(name);
    open.push(...predecessorsOf(step));
  }
  return found;
}

/** Every Step that is not done waits for another such Step: going back from one leads round. */
function cycleAmong(
  steps: readonly StepSpec[],
  waitsFor: readonly (readonly number[])[],
  done: ReadonlySet<number>,
): string[] {
  const seen: number[] = [];
  let at = steps.findIndex((_, index) => !done.has(index));
  while (!seen.includes(at)) {
    seen.push(at);
    at = waitsFor[at]?.find((earlier) => !done.has(earlier)) ?? at;
  }
  return [at, ...seen.slice(seen.indexOf(at)).reverse()].map((index) => steps[index]?.name ?? '');
}
