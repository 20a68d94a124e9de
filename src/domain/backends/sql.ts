/** What a Backend of kind SQL lets an operator set. */
export interface SqlOptions {
  /** Path of a DuckDB file that queries may read. */
  readonly database?: string;
  /** Of the engine, for Tasks that declare no memory; what does not fit goes to disk. */
  readonly memoryBytes?: number;
  /** For Tasks that declare no cpus; by default as many as the machine has. */
  readonly threads?: number;
  /** Rows by which the types of the columns of a CSV or JSON file are found; -1 for all. */
  readonly sampleRows?: number;
  /** Processes that wait for a query with the engine loaded. */
  readonly pool?: number;
}
