import { submitCommand, type Submission } from '../../../src/backends/spark/submitCommand';
import { progressOf } from '../../../src/backends/spark/application';
import type { SparkOptions } from '../../../src/domain/backends/spark';

const words = (options: Partial<SparkOptions>, more: Partial<Submission> = {}): string =>
  submitCommand({
    program: '/spark/bin/spark-submit',
    options: { conf: {}, packages: [], ...options },
    resources: {},
    ...{ name: 'stepcast count 7.1', uiPort: 4711, key: '7.1', tmp: '/work/7.1/tmp', timeZone: 'Europe/Berlin' },
    words: ['app.py', 'an input.csv', '--n=1'],
    ...more,
  }).join('|');

const OURS =
  '--conf|spark.ui.enabled=true|--conf|spark.ui.port=4711|--conf|spark.ui.showConsoleProgress=false|--conf|spark.stepcast.attempt=7.1|app.py|an input.csv|--n=1';
const NAMED = '--deploy-mode|client|--name|stepcast count 7.1';
const WAREHOUSE =
  '--conf|spark.sql.warehouse.dir=file:///work/7.1/tmp/spark-warehouse|--conf|spark.sql.session.timeZone=Europe/Berlin';

describe('the command line of spark-submit', () => {
  test('on a standalone cluster', () => {
    const options = { master: 'spark://a:7077', executorMemory: '2g', driverMemory: '1g', cores: 8, python: '/py' };
    expect(words(options)).toBe(
      `/spark/bin/spark-submit|--master|spark://a:7077|${NAMED}|--executor-memory|2g|--driver-memory|1g|${WAREHOUSE}` +
        `|--conf|spark.cores.max=8|--conf|spark.pyspark.python=/py|${OURS}`,
    );
  });

  test('on YARN, with what the Task declares and packages', () => {
    const resources = { memoryBytes: 3 * 1024 ** 3, cpus: 2.5 };
    const options = {
      master: 'yarn',
      executorMemory: '2g',
      packages: ['a:b:1', 'c:d:2'],
      conf: { 'spark.yarn.queue': 'x y' },
    };
    expect(words(options, { resources })).toBe(
      `/spark/bin/spark-submit|--master|yarn|${NAMED}|--executor-memory|3072m|--packages|a:b:1,c:d:2|${WAREHOUSE}` +
        `|--conf|spark.executor.cores=1|--conf|spark.executor.instances=3|--conf|spark.yarn.queue=x y|${OURS}`,
    );
  });

  test('on Kubernetes', () => {
    const conf = { 'spark.kubernetes.container.image': 'spark:4', 'spark.kubernetes.namespace': 'stepcast' };
    expect(words({ master: 'k8s://https://h:6443', conf })).toBe(
      `/spark/bin/spark-submit|--master|k8s://https://h:6443|${NAMED}|${WAREHOUSE}` +
        `|--conf|spark.kubernetes.container.image=spark:4|--conf|spark.kubernetes.namespace=stepcast|${OURS}`,
    );
  });

  test('as the files of Spark say, where the Backend says nothing; but it stays to be watched', () => {
    expect(words({ conf: { 'spark.ui.enabled': 'false', 'spark.sql.warehouse.dir': 'hdfs:///w' } })).toBe(
      `/spark/bin/spark-submit|${NAMED}|--conf|spark.sql.warehouse.dir=hdfs:///w|--conf|spark.sql.session.timeZone=Europe/Berlin|${OURS}`,
    );
  });
});

test('progress is that of the tasks that are known', () => {
  const job = (status: string, numTasks: number, numCompletedTasks: number, numSkippedTasks = 0) => ({
    ...{ status, numTasks, numCompletedTasks, numSkippedTasks },
  });
  expect(progressOf([])).toBeUndefined();
  expect(progressOf([job('RUNNING', 10, 3), job('SUCCEEDED', 5, 4, 1)])).toEqual({
    percent: 50,
    message: '7 of 14 Spark tasks, 1 of 2 jobs',
  });
  expect(progressOf([job('SUCCEEDED', 2, 2)])?.percent).toBe(99);
});
