/** Which steps of a re-run run in any case. Pure. */
import type { JobPlan } from './compileJob';

/** The steps of these names and all that stand after them, at any distance. */
export function runsAgain(plan: JobPlan, names: readonly string[]): ReadonlySet<string> {
  const wanted = new Set(names);
  const found = new Set(plan.nodes.filter(({ name }) => wanted.has(name)).map(({ index }) => index));
  // A set grows while it is gone through: what is added comes later.
  for (const index of found) for (const next of plan.nodes[index]?.successors ?? []) found.add(next);
  return new Set(plan.nodes.filter(({ index }) => found.has(index)).map(({ name }) => name));
}

/** The Job's own step that a StepRun belongs to: `per-sample` for `per-sample[12]/align`. */
export function topLevelStep(path: string): string {
  return /^[^[/]*/.exec(path)?.[0] ?? path;
}
