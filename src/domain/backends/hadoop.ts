/** What a Backend of kind HADOOP lets an operator set. */
export interface HadoopOptions {
  /** Where Hadoop lies; undefined: `hadoop` is looked up in the PATH. */
  readonly home?: string;
  /** The JAR of Hadoop streaming; undefined: the one that comes with Hadoop. */
  readonly streamingJar?: string;
  /** A folder of the cluster's file system, such as `hdfs:///user/stepcast`, to which inputs are put; undefined: files are shared. */
  readonly staging?: string;
  /** Further properties (`-D`), by name. */
  readonly conf: Readonly<Record<string, string>>;
  /** The queue of YARN. */
  readonly queue?: string;
}
