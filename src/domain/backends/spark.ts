/** What a Backend of kind SPARK lets an operator set. */
export interface SparkOptions {
  /** As `spark-submit --master` takes it: `local[4]`, `spark://host:7077`, `yarn`, `k8s://…`. Undefined: as Spark's own files say. */
  readonly master?: string;
  /** Where Spark lies; undefined: as SPARK_HOME says, else `spark-submit` is looked up in the PATH. */
  readonly home?: string;
  /** Further properties, by name. */
  readonly conf: Readonly<Record<string, string>>;
  /** Maven coordinates of packages that applications need. */
  readonly packages: readonly string[];
  /** Such as `512m`, for Tasks that declare no memory. */
  readonly executorMemory?: string;
  readonly driverMemory?: string;
  /** Cores of all executors together, for Tasks that declare no cpus. */
  readonly cores?: number;
  /** The Python of driver and executors. */
  readonly python?: string;
  /** Address of a standalone master's page, by which applications are ended for good. */
  readonly masterPage?: string;
}
