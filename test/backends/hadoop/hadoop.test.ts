import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { BackendSpec } from '../../../src/domain/definitions';
import { scalar } from '../../../src/domain/values';
import { createBench, inputPort, outputPort, task, type Bench } from '../support';
import { standIn, type StandIn } from './standIn';

/** None of these tests has met a Hadoop: the executable that they run is a stand-in that records its calls. */
let hadoop: StandIn;
let bench: Bench;
const spec = (more: object = {}): BackendSpec => ({
  ...{ name: 'hadoop', kind: 'HADOOP', description: '', environment: {} },
  options: { home: hadoop.home, conf: { 'mapreduce.job.reduces': '2' }, ...more },
});
beforeEach(() => {
  hadoop = standIn();
  bench = createBench(spec({ staging: 'hdfs://head/staging', queue: 'night' }));
});
afterEach(async () => {
  await bench.close();
  hadoop.remove();
});

const input = (port: string) => ({ kind: 'input' as const, port });
const output = (port: string) => ({ kind: 'output' as const, port });
const count = (mapper = 'sh words.sh', more = {}) =>
  task(
    [
      '-files',
      input('words'),
      '-mapper',
      mapper,
      '-reducer',
      'uniq -c',
      '-input',
      input('text'),
      '-output',
      output('counts'),
    ],
    {
      inputs: [inputPort('words'), inputPort('text')],
      outputs: [outputPort('counts', { glob: 'counts.txt' })],
      ...more,
    },
  );
const values = async () => ({
  words: await bench.file('words.sh', "tr ' ' '\\n'"),
  text: await bench.file('text.txt', 'b a b\nc b\n'),
});
const remaining = (): string[] => readdirSync(join(hadoop.home, 'hdfs', 'staging'));

test('puts the inputs, runs mapper and reducer, fetches the output and leaves nothing', async () => {
  const outcome = await bench.run(count(undefined, { resources: { memoryBytes: 2 ** 30, cpus: 1 } }), await values());
  expect([outcome.message, outcome.state]).toEqual(['', 'SUCCEEDED']);
  expect((await bench.content(outcome.outputs.counts)).replace(/ +/g, ' ')).toBe(' 1 a\n 3 b\n 1 c\n');
  expect(remaining()).toEqual([]);
  const calls = hadoop
    .calls()
    .map((line) => line.replaceAll(/\/tmp\/\S*?\/run-\d+\.1/g, 'RUN').replaceAll(/stepcast-run-\d+\.1/g, 'KEY'));
  expect(calls.map((line) => line.replace(hadoop.home, 'HOME'))).toEqual([
    'hadoop|fs|-mkdir|-p|hdfs://head/staging/KEY/in',
    'hadoop|fs|-put|RUN/in/text/text.txt|hdfs://head/staging/KEY/in/0',
    expect.stringMatching(
      /^hadoop\|jar\|HOME\/share\S+\.jar\|-D\|mapreduce\.job\.name=stepcast test run-\d+\.1\|-D\|mapreduce\.job\.queuename=night\|-D\|mapreduce\.map\.memory\.mb=1024\|-D\|mapreduce\.reduce\.memory\.mb=1024\|-D\|mapreduce\.map\.cpu\.vcores=1\|-D\|mapreduce\.reduce\.cpu\.vcores=1\|-D\|mapreduce\.job\.reduces=2\|-files\|RUN\/in\/words\/words\.sh\|-mapper\|sh words\.sh\|-reducer\|uniq -c\|-input\|hdfs:\/\/head\/staging\/KEY\/in\/0\|-output\|hdfs:\/\/head\/staging\/KEY\/out$/,
    ),
    'hadoop|fs|-getmerge|hdfs://head/staging/KEY/out|RUN/out/counts.txt',
    'hadoop|fs|-rm|-r|-f|-skipTrash|hdfs://head/staging/KEY',
  ]);
});

test('reports the progress of the job, and its id', async () => {
  const outcome = await bench.run(count(), await values());
  expect(outcome.reports).toEqual([
    [0, 'map 0% reduce 0%'],
    [50, 'map 100% reduce 0%'],
    [100, 'map 100% reduce 100%'],
  ]);
  expect(outcome.notes).toEqual(['Hadoop job job_1749632015872_0007.']);
  expect(outcome.streams.stderr).toContain('completed successfully\n');
});

test('fails with the exit code of the job, and leaves nothing', async () => {
  const outcome = await bench.run(count('exit 3'), await values());
  expect(outcome).toMatchObject({ state: 'FAILED', failure: 'EXIT_CODE', exitCode: 1 });
  expect(outcome.streams.stderr).toContain('Job not successful!');
  expect(remaining()).toEqual([]);
});

test('a cancel kills the job and removes its files', async () => {
  const attempt = bench.start(count('sleep 1000'), await values());
  await attempt.until('map 0% reduce 0%');
  attempt.cancel('cancelled');
  expect(await attempt.outcome).toMatchObject({ state: 'CANCELLED' });
  expect(hadoop.calls()).toContain('mapred|job|-kill|job_1749632015872_0007');
  expect(remaining()).toEqual([]);
});

test('without a staging folder files are shared, and a folder is fetched as one', async () => {
  const shared = createBench(spec());
  const outputs = [outputPort('counts', { glob: 'parts', type: scalar('Directory') })];
  const text = await shared.file('te{x}t.txt', 'b a\n');
  const outcome = await shared.run(count(undefined, { outputs }), {
    ...(await values()),
    words: await shared.file('words.sh', 'cat'),
    text,
  });
  const [job, ...more] = hadoop.calls();
  await shared.close();
  expect(job).toMatch(/\|-input\|file:\/\/\S+\/in\/text\/te\?x\?t\.txt\|-output\|file:\/\/\S+\/tmp\/hadoop-output$/);
  expect(more).toEqual([expect.stringContaining('hadoop|fs|-get|file://')]);
  expect(outcome).toMatchObject({ state: 'SUCCEEDED', outputs: { counts: { class: 'Directory', name: 'parts' } } });
});

test('a list of files is one input each, and an address stays', async () => {
  const spec = task(
    ['-input', input('texts'), '-input', 'hdfs://head/data', '-mapper', 'cat', '-output', output('all')],
    {
      inputs: [inputPort('texts', { kind: 'array', items: scalar('File') })],
      outputs: [outputPort('all')],
    },
  );
  await bench.run(spec, { texts: [await bench.file('a', 'x\n'), await bench.file('b', 'y\n')] });
  const job = hadoop.calls().find((call) => call.startsWith('hadoop|jar')) ?? '';
  expect(job.replaceAll(/stepcast-run-\d+\.1/g, 'KEY')).toContain(
    '|-input|hdfs://head/staging/KEY/in/0|-input|hdfs://head/staging/KEY/in/1|-input|hdfs://head/data|-mapper|cat|',
  );
});

test('what is no run of Hadoop streaming is refused before anything is put', async () => {
  const outcome = await bench.run(task(['-mapper', 'cat'], {}));
  expect(outcome).toMatchObject({ state: 'FAILED', failure: 'NOT_STARTED', retryable: false });
  expect(outcome.message).toMatch(/no `-output`.*options of Hadoop streaming/);
});

test('its health tells the version, and what is not installed', async () => {
  expect(await bench.host.health(spec())).toEqual({ state: 'READY', version: '3.4.1', message: '' });
  expect(await bench.host.health(spec({ home: '/nowhere' }))).toMatchObject({ state: 'MISSING', version: null });
});
