/** Each fault, carried out. Whoever returns has made sure that it happened; whoever throws says what did not. */
import type { PlannedFault, FaultKind } from './schedule';
import type { Cluster, Node } from './cluster';
import { networkFaults } from './networkFaults';
import { processFaults } from './processFaults';
import { serviceFaults } from './serviceFaults';

export interface Target {
  readonly cluster: Cluster;
  readonly fault: PlannedFault;
  /** The one of these that the schedule means. */
  choose(candidates: readonly Node[]): Node;
  /** The schedule's strength, between these two. */
  between(least: number, most: number): number;
}

/** Resolves with a few words about what it hit. */
export type Fault = (target: Target) => Promise<string>;

const FAULTS: Readonly<Record<FaultKind, Fault>> = { ...processFaults, ...networkFaults, ...serviceFaults };

export function carryOut(cluster: Cluster, fault: PlannedFault): Promise<string> {
  return FAULTS[fault.kind]({
    cluster,
    fault,
    choose: (candidates) => {
      const node = candidates[Math.floor(fault.target * candidates.length)];
      if (!node) throw new Error('there is nobody to hit');
      return node;
    },
    between: (least, most) => Math.round(least + fault.strength * (most - least)),
  });
}
