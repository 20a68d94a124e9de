/** What the planner decides about a row: plain data, made outside of any transaction and applied inside one. */
import type { Values } from '../../domain/values';

export type Decision =
  /** A Task may run; `inputs` are the values that were computed for it. */
  | { readonly kind: 'queue'; readonly id: string; readonly inputs: Values }
  | { readonly kind: 'skip'; readonly id: string; readonly reason: string }
  | { readonly kind: 'fail'; readonly id: string; readonly reason: string }
  /** A nested Job starts on these inputs. */
  | { readonly kind: 'start-job'; readonly id: string; readonly inputs: Values }
  | {
      readonly kind: 'start-scatter';
      readonly id: string;
      /** What all elements get. */
      readonly shared: Values;
      /** The lists it goes over, by port. */
      readonly lists: Values;
      readonly width: number;
      readonly elements: readonly Element[];
    }
  /** Further elements of a scatter, from index `from` on. */
  | { readonly kind: 'expand'; readonly id: string; readonly from: number; readonly elements: readonly Element[] };

/** One element of a scatter. */
export interface Element {
  readonly inputs: Values;
  /** Why it does not run; null when it does. */
  readonly skipped: string | null;
}
