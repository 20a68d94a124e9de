/** What the engine tells the world after a commit. Delivery implements it; losing a call loses no work and no Event. */
import type { Committed } from '../store/statements/changes';

export interface Announcer {
  /** Publishes Events and sends the outbox. Never throws: what is not sent is found by the reconciler and the readers. */
  committed(committed: Committed): void;
  /** Tells workers to look for StepRuns they should stop. */
  cancelRequested(stepRunIds: readonly string[]): void;
  /** Tells that the definitions changed. */
  definitionsChanged(): void;
}
