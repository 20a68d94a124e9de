/** What a worker and the process that runs a query for it tell each other, as JSON. */
import type { QueryPlan } from '../query/plan';

/** One query, on the process's standard input. */
export interface RunnerRequest {
  readonly plan: QueryPlan;
  /** Folders that the query may read and write; it begins in `out`. */
  readonly folders: { readonly out: string; readonly tmp: string; readonly others: readonly string[] };
  readonly settings: RunnerSettings;
}

export interface RunnerSettings {
  readonly threads: number;
  /** Of the engine's own memory; what does not fit goes to `tmp`. */
  readonly memoryBytes: number;
  readonly diskBytes?: number;
  /** The rows by which the types of a CSV or JSON file's columns are found; -1 for all. */
  readonly sampleRows: number;
  readonly timeZone: string;
  /** A DuckDB file that is attached for reading. */
  readonly database?: string;
}

/** One line each, on the process's descriptor 3. */
export type RunnerMessage =
  /** The engine is loaded. */
  | { readonly kind: 'ready'; readonly version: string }
  /** The engine is not installed, or not for this machine. */
  | { readonly kind: 'missing'; readonly message: string }
  | {
      readonly kind: 'ended';
      /** By output port; files by their paths. Nothing after a failure. */
      readonly returned: Readonly<Record<string, unknown>>;
      /** What the engine said when its memory did not suffice. */
      readonly outOfMemory?: string;
      readonly cpuMs: number;
      readonly maxRssBytes: number;
    };

/** Undefined for the beginning of a line: the process was ended while it wrote. Only the runner's own program writes here. */
export function readMessage(line: string): RunnerMessage | undefined {
  try {
    return JSON.parse(line) as RunnerMessage;
  } catch {
    return undefined;
  }
}
