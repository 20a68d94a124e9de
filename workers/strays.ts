/**
 * Steps that Postgres takes for running here and this process knows nothing of: the answer to their claim was lost, with
 * the connection. Nobody else would ever find them, since this worker lives.
 */
import type { OwnedStepRun } from '../src/store/statements/workers';

/** Names one Attempt. */
export const attemptKey = (one: { readonly stepRunId: string; readonly attempt: number }): string =>
  `${one.stepRunId}/${one.attempt}`;

export interface StrayFinder {
  /** What Postgres said at a beat; `claiming` when work was just being taken. Returns what is lost. */
  look(running: readonly OwnedStepRun[], claiming: boolean): OwnedStepRun[];
}

/** `isKnown` tells whether the Attempt is in this process, from its claim to its recorded end. */
export function createStrayFinder(isKnown: (one: OwnedStepRun) => boolean): StrayFinder {
  let suspects = new Set<string>();
  return {
    look: (running, claiming) => {
      // A claim that is under way explains everything; one that began later has ended by the next beat.
      const unknown = claiming ? [] : running.filter((one) => !isKnown(one));
      const lost = unknown.filter((one) => suspects.has(attemptKey(one)));
      suspects = new Set(unknown.map(attemptKey));
      return lost;
    },
  };
}
