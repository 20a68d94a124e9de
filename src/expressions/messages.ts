/** What a process and its sandbox threads tell each other. All of it is plain data. */
import type { ExpressionContext, Script } from '../domain/expression';

/** What one evaluation may use. */
export interface Limits {
  /** Milliseconds by the clock. */
  readonly ms: number;
  /** Bytes of memory, for the script, its data and its result. */
  readonly memoryBytes: number;
  /** Characters of the result as JSON. */
  readonly resultCharacters: number;
}

/** One script on several contexts, each in a fresh sandbox; or a check of its syntax. */
export type Request =
  | {
      readonly kind: 'evaluate';
      readonly script: Script;
      readonly contexts: readonly ExpressionContext[];
      /** After so many outcomes `time` the thread pauses: more of them would be a waste. */
      readonly maxTimeouts: number;
      readonly limits: Limits;
    }
  | { readonly kind: 'check'; readonly script: Script; readonly limits: Limits };

/** How one evaluation ended; `json` is the value. */
export type Outcome =
  | { readonly kind: 'value'; readonly json: string }
  /** The script threw, cannot be read, or gave what is no value. */
  | { readonly kind: 'failed'; readonly message: string }
  | { readonly kind: 'time' }
  | { readonly kind: 'memory' }
  | { readonly kind: 'size'; readonly characters: number }
  /** The sandbox itself failed. */
  | { readonly kind: 'broken'; readonly message: string }
  /** Too many evaluations of the same batch took too long. */
  | { readonly kind: 'untried' };

/** A syntax error; line and column count from 1, in the source of the script. */
export interface ScriptProblem {
  readonly message: string;
  readonly line: number;
  readonly column: number;
}

/**
 * `started` when the request has arrived, then one `outcome` for each context, in order. `ended` comes last, and may come
 * before the last context: the thread's turn is over, and what is left is to be asked for again, so that one long batch
 * does not keep the others waiting.
 */
export type Reply =
  | { readonly kind: 'started' }
  | { readonly kind: 'outcome'; readonly outcome: Outcome }
  | { readonly kind: 'ended' }
  | { readonly kind: 'checked'; readonly problem: ScriptProblem | null };
