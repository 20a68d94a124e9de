/**
 * What follows when StepRuns end. Pure: it sees the plan, the StepRuns that ended and the rows of their successors,
 * and says which successors change. The cost depends on the successors alone, never on the size of the graph.
 */
import type { JobPlan, PlanNode } from './compileJob';
import { isFinalStepRun, type StepRunState } from './states';

/** A StepRun as far as this decision needs it; all of one scope. */
export interface StepView {
  readonly node: number;
  readonly state: StepRunState;
  readonly waiting: number;
}

/** A StepRun that just became final, without failing its Submission. */
export interface Ended {
  readonly node: number;
  readonly state: 'SUCCEEDED' | 'SKIPPED';
  readonly exitCode: number | null;
}

export type Consequence =
  | { readonly kind: 'waits'; readonly node: number; readonly waiting: number }
  | { readonly kind: 'ready'; readonly node: number }
  | { readonly kind: 'skipped'; readonly node: number; readonly reason: string };

/**
 * The consequences of `ended` for their direct successors. A skipped successor ends as well: call again with it.
 * Successors that are final already are left alone.
 */
export function consequences(plan: JobPlan, ended: readonly Ended[], successors: readonly StepView[]): Consequence[] {
  const endedByNode = new Map(ended.map((one) => [one.node, one]));
  return successors
    .filter((view) => view.state === 'PENDING' && !isFinalStepRun(view.state))
    .flatMap((view): Consequence[] => {
      const node = plan.nodes[view.node];
      if (!node) return [];
      const causes = node.predecessors.flatMap((index) => endedByNode.get(index) ?? []);
      if (causes.length === 0) return [];
      for (const cause of causes) {
        const reason = skipReason(plan, node, cause);
        if (reason !== null) return [{ kind: 'skipped', node: view.node, reason }];
      }
      const waiting = view.waiting - causes.length;
      return [waiting > 0 ? { kind: 'waits', node: view.node, waiting } : { kind: 'ready', node: view.node }];
    });
}

/** The nodes whose rows `consequences` needs. */
export function successorsOf(plan: JobPlan, nodes: readonly number[]): number[] {
  return [...new Set(nodes.flatMap((index) => plan.nodes[index]?.successors ?? []))].sort((a, b) => a - b);
}

/** Why the end of one predecessor means that the node does not run; null when it may. */
export function skipReason(plan: JobPlan, node: PlanNode, cause: Ended): string | null {
  const name = plan.nodes[cause.node]?.name ?? String(cause.node);
  if (node.when?.kind === 'exit' && node.when.node === cause.node) {
    if (cause.state === 'SKIPPED') return `step "${name}", whose exit code decides, was skipped`;
    if (cause.exitCode === null || !node.when.exitCodes.includes(cause.exitCode)) {
      return `step "${name}" ended with exit code ${cause.exitCode ?? 'none'}, and this step runs on ${node.when.exitCodes.join(', ')}`;
    }
  }
  if (cause.state === 'SKIPPED' && node.requires.includes(cause.node)) {
    return `step "${name}", which gives a required input, was skipped`;
  }
  return null;
}
