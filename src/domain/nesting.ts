/** Jobs inside Jobs: none may run itself, and they nest only so deep. */
import type { JobSpec } from './definitions';

/** Jobs nest no deeper. */
export const MAX_NESTING = 16;

/** Why a Job cannot be run by a Step of another. */
export type NestingFault =
  | { readonly kind: 'cycle'; readonly names: readonly string[] }
  | { readonly kind: 'depth'; readonly names: readonly string[] };

/** The Jobs that a Job runs directly, each once. */
export function innerJobs(job: Pick<JobSpec, 'steps'>): string[] {
  return [...new Set(job.steps.flatMap((step) => (step.run.kind === 'job' ? [step.run.job] : [])))];
}

/** Every Job below the given one, at any depth, each once; unknown names are passed over. */
export function allInnerJobs(job: Pick<JobSpec, 'steps'>, jobs: ReadonlyMap<string, JobSpec>): JobSpec[] {
  const found = new Map<string, JobSpec>();
  const open = innerJobs(job);
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    const inner = jobs.get(name);
    if (!inner || found.has(name)) continue;
    found.set(name, inner);
    open.push(...innerJobs(inner));
  }
  return [...found.values()];
}

/**
 * The first way down from `inner`, run by `outer`, that comes round again or goes too deep. `jobs` may hold another `outer`
 * than the one that is meant: it is not looked up.
 */
export function nestingFault(outer: string, inner: string, jobs: ReadonlyMap<string, JobSpec>): NestingFault | null {
  /** Levels below a Job that is known to be without fault: each Job is walked once. */
  const levels = new Map<string, number>();
  const walk = (way: readonly string[]): NestingFault | number => {
    const last = way.at(-1) ?? '';
    if (way.indexOf(last) < way.length - 1) return { kind: 'cycle', names: way };
    if (way.length > MAX_NESTING) return { kind: 'depth', names: way };
    const known = levels.get(last);
    if (known !== undefined) return way.length + known > MAX_NESTING ? { kind: 'depth', names: way } : known;
    const job = jobs.get(last);
    let deepest = 0;
    for (const next of job ? innerJobs(job) : []) {
      const found = walk([...way, next]);
      if (typeof found !== 'number') return found;
      deepest = Math.max(deepest, found + 1);
    }
    levels.set(last, deepest);
    return deepest;
  };
  const found = walk([outer, inner]);
  return typeof found === 'number' ? null : found;
}
