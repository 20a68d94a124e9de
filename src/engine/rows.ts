/** How a node of a plan becomes a row. */
import type { PlanNode } from '../domain/compileJob';
import type { StepRunKind } from '../domain/states';
import { waitLimits, type WaitLimits } from '../domain/timeouts';

/** The kind of the node's own row, not of its elements. */
export function rowKind(node: PlanNode): StepRunKind {
  return node.scatter ? 'SCATTER' : elementKind(node);
}

/** The kind of a row that runs what the node runs. */
export function elementKind(node: PlanNode): StepRunKind {
  return node.run.kind === 'job' ? 'JOB' : 'TASK';
}

/** The name of the Task or Job that it runs. */
export function runName(node: PlanNode): string {
  return node.run.kind === 'job' ? node.run.job : node.run.task.name;
}

/** Units of named resources that its Task occupies while it runs; null for none. */
export function usesOf(node: PlanNode): Readonly<Record<string, number>> | null {
  return node.run.kind === 'task' ? (node.run.task.uses ?? null) : null;
}

/** How long its rows may wait, and take, once they are ready. */
export function limitsOf(node: PlanNode): WaitLimits {
  return node.run.kind === 'task' ? waitLimits(node.run.task) : {};
}
