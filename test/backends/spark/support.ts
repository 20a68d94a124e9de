/** What the tests of SPARK share. */
import type { BackendSpec } from '../../../src/domain/definitions';
import type { SparkOptions } from '../../../src/domain/backends/spark';
import type { Engines } from '../../support/findEngines';

/** Each application starts two Java machines or three, and takes 10 s of processor time. */
export const PATIENCE_MS = 400_000;
export const patient = { timeoutSeconds: PATIENCE_MS / 1_000 };

/** Java machines that live for seconds: what they compile would not pay itself back. */
const SHORT_LIVED = '-XX:TieredStopAtLevel=1 -XX:+UseSerialGC';
const CONF = { 'spark.driver.extraJavaOptions': SHORT_LIVED, 'spark.executor.extraJavaOptions': SHORT_LIVED };

type Spark = Pick<Engines['SPARK'], 'home' | 'master' | 'environment'>;

/** The Backend on the cluster of the tests. */
export function onCluster(
  { home, master, environment }: Spark,
  more: Partial<SparkOptions> = {},
): BackendSpec<'SPARK'> {
  return {
    ...{ name: 'spark', kind: 'SPARK', description: '', environment },
    options: { master, home, conf: CONF, packages: [], cores: 1, ...more },
  };
}

/** The same without a cluster: the driver does the work itself. */
export const alone = (spark: Spark, more: Partial<SparkOptions> = {}): BackendSpec<'SPARK'> =>
  onCluster(spark, { master: 'local[1]', ...more });
