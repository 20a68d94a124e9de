import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { startStepcast, type Stepcast } from '../e2e/support/stepcast';
import { JOBS, startCommand, stepcast } from './support';

const MOBY = path.join(__dirname, '../../examples/word-count/data/moby-dick.txt');
const WEATHER = path.join(__dirname, '../../examples/weather/data/seattle-weather.csv');

let folder: string;
let service: Stepcast;

beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'stepcast-cli-'));
  await writeFile(path.join(folder, 'jobs.yaml'), JOBS);
  service = await startStepcast();
  const applied = await stepcast(service.url, 'apply', folder);
  expect(applied).toMatchObject({ code: 0, err: '' });
  expect(applied.out).toContain('job break\n');
}, 60_000);
afterAll(async () => {
  await service?.stop();
  await rm(folder, { recursive: true, force: true });
});

async function submitWaiting(): Promise<{ id: string; go: () => Promise<void> }> {
  const file = path.join(await mkdtemp(path.join(folder, 'wait-')), 'go');
  const id = await service.submit('wait-for-file', { file });
  return { id, go: () => writeFile(file, '') };
}

/** Each value as an option of `submit`. */
const inputs = (...values: readonly string[]): string[] => values.flatMap((value) => ['-i', value]);

describe('submit', () => {
  test('uploads a file, shows each step, and ends with 0 when all succeeded', async () => {
    const given = inputs(`text=${MOBY}`, 'min-length=9');
    const ran = await stepcast(service.url, 'submit', 'word-count', ...given, '--watch');
    expect(ran.code).toBe(0);
    for (const step of ['normalise', 'split', 'count', 'arrange', 'lengths', 'summarise']) {
      expect(ran.out).toMatch(new RegExp(`^  ${step} +running$`, 'm'));
      expect(ran.out).toMatch(new RegExp(`^  ${step} +succeeded  [\\d.]+ m?s$`, 'm'));
    }
    expect(ran.out).toMatch(/^SUCCEEDED after /m);
    expect(ran.err).toMatch(/stepcast results \S+ -o DIR/);
  });

  test('ends with 1 when a step failed, and shows why and the end of its log', async () => {
    const ran = await stepcast(service.url, 'submit', 'break', '--watch');
    expect(ran.code).toBe(1);
    expect(ran.out).toContain('Step second failed: Exit code 3.');
    expect(ran.out).toMatch(/ {2}line 3\n {2}the disk is on fire\n/);
  });

  test('of a scatter shows the element that failed, and how many ended', async () => {
    const ran = await stepcast(service.url, 'submit', 'break-one', ...inputs('codes=0', 'codes=9'), '--watch');
    expect(ran.code).toBe(1);
    expect(ran.out).toMatch(/^ {2}each +running {2}2 elements$/m);
    expect(ran.out).toContain('Step each[1] failed: Exit code 9.');
    const [, id = ''] = /^Submitted (\S+)$/m.exec(ran.out) ?? [];
    expect((await stepcast(service.url, 'status', id)).out).toMatch(/^each +\w+, [01]\/2, failed 1 /m);
  });

  test('reads values by the types of the job; lists by repeating', async () => {
    const files = ['one', 'two'].map((name) => path.join(folder, name));
    for (const file of files) await writeFile(file, `${path.basename(file)}\n`);
    const words = inputs(...files.map((file, n) => `files=${n === 0 ? '@' : ''}${file}`));
    const more = inputs('flag=true', 'words=3', 'big=9007199254740991');
    const how = ['--label', 'mine', '--json'];
    const ran = await stepcast(service.url, 'submit', 'many-kinds', ...words, ...more, ...how);
    const { id } = JSON.parse(ran.out) as { id: string };
    expect(await service.untilState(id, ['SUCCEEDED', 'FAILED'])).toBe('SUCCEEDED');
    const { submission } = await service.gql<{ submission: { label: string; inputs: Record<string, unknown> } }>(
      'query ($id: ID!) { submission(id: $id) { label inputs } }',
      { id },
    );
    expect(submission).toMatchObject({
      label: 'mine',
      inputs: { files: [{ name: 'one' }, { name: 'two' }], words: ['3'], big: 9007199254740991, flag: true },
    });
  });

  test('sends a folder with all that is in it, and a file with what belongs to it', async () => {
    const data = path.join(folder, 'data');
    await mkdir(path.join(data, 'sub'), { recursive: true });
    await writeFile(path.join(data, 'a.txt'), 'a');
    await writeFile(path.join(data, 'a.txt.idx'), 'index');
    await writeFile(path.join(data, 'sub', 'b.txt'), 'b');
    const given = inputs(`folder=${data}/`, `file=${path.join(data, 'a.txt')}`);
    const ran = await stepcast(service.url, 'submit', 'list-folder', ...given, '--json');
    expect(ran).toMatchObject({ code: 0, err: '' });
    const { id } = JSON.parse(ran.out) as { id: string };
    await service.untilState(id, ['SUCCEEDED']);
    const log = await stepcast(service.url, 'logs', id, '--step', 'list');
    expect(log.out).toBe('.\n./a.txt\n./a.txt.idx\n./sub\n./sub/b.txt\nindex');
    const none = await stepcast(service.url, 'submit', 'list-folder', '-i', 'folder=/nowhere/x');
    expect(none).toMatchObject({ code: 2, err: 'folder: there is no folder /nowhere/x.\n' });
  });

  test('runs a job on every combination of a matrix, and shows the batch as a table', async () => {
    const matrix = ['-m', 'min-length=2,3', '-m', 'order=most-frequent,alphabetical'];
    const less = ['--exclude', 'min-length=3,order=alphabetical', '--include', 'min-length=9'];
    const ran = await stepcast(service.url, 'submit', 'word-count', '-i', `text=${MOBY}`, ...matrix, ...less);
    expect(ran).toMatchObject({ code: 0, err: '' });
    const [batch = '', ...lines] = ran.out.trim().split('\n');
    const labels = lines.map((line) => line.split('  ')[1]);
    expect(labels).toEqual([
      'min-length=2, order=most-frequent',
      'min-length=2, order=alphabetical',
      'min-length=3, order=most-frequent',
      'min-length=9, order=most-frequent',
    ]);
    for (const line of lines) await service.untilState(line.split('  ')[0] ?? '', ['SUCCEEDED']);
    const { out } = await stepcast(service.url, 'status', batch);
    expect(out).toMatch(/^4 SUCCEEDED$/m);
    expect(out).toMatch(/^min-length +order +STATE +TOOK +ID +MESSAGE$/m);
    expect(out).toMatch(/^9 +"most-frequent" +SUCCEEDED +[\d.]+ m?s +\S+$/m);
    const json = JSON.parse((await stepcast(service.url, 'status', batch, '--json')).out) as { combinations: object[] };
    expect(json.combinations).toHaveLength(4);
  });

  test('follows a whole matrix, and ends with 1 when one of it failed', async () => {
    const matrix = ['-m', 'code=0,3,0', '--include', 'code=4'];
    const ran = await stepcast(service.url, 'submit', 'maybe-fail', ...matrix, '--watch');
    expect(ran.code).toBe(1);
    expect(ran.out.match(/^(SUCCEEDED|FAILED) after/gm)).toHaveLength(3);
  });

  test('the same idempotency key gives the same submission', async () => {
    const once = await stepcast(service.url, 'submit', 'break', '--idempotency-key', 'k1');
    const twice = await stepcast(service.url, 'submit', 'break', '--idempotency-key', 'k1');
    expect(once.out).toBe(twice.out);
  });

  test('tells everything that is wrong with the input, a line each, and ends with 2', async () => {
    const submit = (...given: string[]) => stepcast(service.url, 'submit', 'word-count', ...inputs(...given));
    const here = await submit('text=/nowhere/x', 'minlength=2', 'x');
    expect(here).toMatchObject({ code: 2, out: '' });
    expect(here.err.trim().split('\n')).toEqual([
      expect.stringContaining('word-count has no input minlength. Its inputs are text (File), min-length (int)'),
      '--input x: write it as NAME=VALUE.',
      'text: there is no file /nowhere/x.',
    ]);
    const there = await submit(`text=${MOBY}`, 'min-length=99', 'order=up');
    expect(there).toMatchObject({ code: 2, out: '' });
    expect(there.err.trim().split('\n')).toEqual([
      expect.stringMatching(/min-length.*99 is more than the maximum 20/),
      expect.stringMatching(/order.*most-frequent, alphabetical/),
    ]);
  });

  test('an unknown job or command is bad usage; a silent or foreign server is 3; none shows a stack', async () => {
    const job = await stepcast(service.url, 'submit', 'nope');
    expect(job).toMatchObject({ code: 2, err: expect.stringContaining('There is no job nope') as string });
    const command = await stepcast(service.url, 'frobnicate');
    expect(command).toMatchObject({ code: 2, err: expect.stringContaining("unknown command 'frobnicate'") as string });
    const silent = await stepcast('http://127.0.0.1:9', 'jobs');
    expect(silent).toMatchObject({ code: 3, err: expect.stringContaining('No Stepcast server answers on') as string });
    const foreign = await stepcast(`${service.url}/graphiql`, 'jobs');
    expect(foreign).toMatchObject({ code: 3, err: expect.stringContaining('is not Stepcast') as string });
    for (const { err } of [job, command, silent, foreign]) expect(err).not.toMatch(/^\s+at /m);
  });
});

describe('watch', () => {
  test('loses no event when the API ends and comes back', async () => {
    const { id, go } = await submitWaiting();
    const watching = startCommand(service.url, 'watch', id, '--json');
    await watching.says(/"stepName":"wait"[^\n]*|"state":"RUNNING","stepName":"wait"/);
    const api = service.apis[0];
    await api?.end('SIGKILL');
    await go();
    await api?.restart();
    const { code, out } = await watching.ended;
    expect(code).toBe(0);
    const lines = out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { seq?: number; state: string });
    const numbers = lines.flatMap(({ seq }) => (seq === undefined ? [] : [seq]));
    expect(numbers).toEqual(numbers.map((_, index) => index + 1));
    expect(lines.at(-1)).toMatchObject({ id, state: 'SUCCEEDED' });
  }, 60_000);

  test('ends with 130 when the submission is cancelled', async () => {
    const { id } = await submitWaiting();
    const watching = startCommand(service.url, 'watch', id);
    await watching.says(/wait +running/);
    expect(await stepcast(service.url, 'cancel', id, '--reason', 'no need')).toMatchObject({ code: 0 });
    const { code, out } = await watching.ended;
    expect(code).toBe(130);
    expect(out).toMatch(/^CANCELLED after .*no need/m);
    const again = await stepcast(service.url, 'cancel', id);
    expect(again).toMatchObject({ code: 2, err: expect.stringContaining('ended already') as string });
  });

  test('Ctrl-C leaves the submission running and says how to go on', async () => {
    const { id, go } = await submitWaiting();
    const watching = startCommand(service.url, 'watch', id);
    await watching.says(/wait +running/);
    watching.process.kill('SIGINT');
    const { code, err } = await watching.ended;
    expect(code).toBe(130);
    expect(err).toContain(`stepcast watch ${id}`);
    expect(err).toContain(`stepcast cancel ${id}`);
    expect(await service.untilState(id, ['RUNNING'])).toBe('RUNNING');
    await go();
    expect(await service.untilState(id, ['SUCCEEDED'])).toBe('SUCCEEDED');
  });
});

test('jobs and status are tables for people and JSON for programs', async () => {
  const jobs = await stepcast(service.url, 'jobs');
  expect(jobs.out).toMatch(/^word-count +text: File +Counts how often/m);
  expect(jobs.out).toMatch(/^ +order: enum\(most-frequent, alphabetical\) = most-frequent$/m);
  const names = JSON.parse((await stepcast(service.url, 'jobs', '--json')).out) as { name: string }[];
  expect(names.map(({ name }) => name)).toEqual(expect.arrayContaining(['break', 'word-count']));

  const id = await service.submit('break');
  await service.untilState(id, ['FAILED']);
  expect((await stepcast(service.url, 'status', '-n', '1')).out).toMatch(new RegExp(`^${id} +break +FAILED`, 'm'));
  const one = await stepcast(service.url, 'status', id);
  expect(one.out).toMatch(/^second +FAILED +\S+ m?s +\S+ +Exit code 3\.$/m);
  const json = JSON.parse((await stepcast(service.url, 'status', id, '--json')).out) as { steps: { name: string }[] };
  expect(json.steps.map(({ name }) => name)).toEqual(['first', 'second']);
  expect(await stepcast(service.url, 'status', 'nothing')).toMatchObject({ code: 2 });
});

test('logs follow a step until it ends, and all steps of a submission with their names', async () => {
  const { id, go } = await submitWaiting();
  const following = startCommand(service.url, 'logs', '-f', id);
  const one = startCommand(service.url, 'logs', '-f', id, '--step', 'wait');
  await following.says(/wait \| waiting\n/);
  await one.says(/^waiting\n/);
  await go();
  const all = await following.ended;
  expect(all.code).toBe(0);
  // Each step's lines are in order; which of two steps is told first is not said.
  expect(all.out.split('\n').filter((line) => line.startsWith('begin'))).toEqual(['begin | hello']);
  expect(all.out.replace('begin | hello\n', '')).toBe('wait | waiting\nwait | ::progress 50 half\nwait | found\n');
  expect(await one.ended).toMatchObject({ code: 0, out: 'waiting\n::progress 50 half\nfound\n' });
  const stored = await stepcast(service.url, 'logs', id, '--step', 'begin');
  expect(stored).toMatchObject({ code: 0, out: 'hello\n' });
  const none = await stepcast(service.url, 'logs', id, '--step', 'nope');
  expect(none).toMatchObject({ code: 2, err: expect.stringContaining('Its steps are begin, wait.') as string });
});

test('results are checked, and never overwrite without --force', async () => {
  const id = await service.submit('word-count', { text: { text: 'the cat and the dog' }, 'min-length': 1 });
  await service.untilState(id, ['SUCCEEDED']);
  const to = path.join(folder, 'results');
  const ran = await stepcast(service.url, 'results', id, '-o', to, '--json');
  expect(ran.code).toBe(0);
  const files = ran.out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { path: string; sha256: string });
  expect(files).toHaveLength(5);
  for (const file of files) {
    const content = await readFile(file.path);
    expect(createHash('sha256').update(content).digest('hex')).toBe(file.sha256);
  }
  const arranged = files.find((file) => file.path.startsWith(path.join(to, 'arrange')))?.path ?? '';
  expect(await readFile(arranged, 'utf8')).toBe('2\tthe\n1\tand\n1\tcat\n1\tdog\n');

  await writeFile(arranged, 'mine');
  const again = await stepcast(service.url, 'results', id, '-o', to);
  expect(again).toMatchObject({ code: 1, err: expect.stringContaining('is there already') as string });
  expect(await readFile(arranged, 'utf8')).toBe('mine');
  expect(await stepcast(service.url, 'results', id, '-o', to, '--force')).toMatchObject({ code: 0 });
  expect(await readFile(arranged, 'utf8')).toContain('the');
});

test('results of elements and of nested jobs lie in folders of their own', async () => {
  const observations = await readFile(WEATHER, 'utf8');
  const id = await service.submit('weather-by-year', { observations: { text: observations } });
  await service.untilState(id, ['SUCCEEDED']);
  const to = path.join(folder, 'nested');
  expect(await stepcast(service.url, 'results', id, '-o', to)).toMatchObject({ code: 0, err: '' });
  expect((await readdir(path.join(to, 'per-year'))).sort()).toEqual(['0', '1', '2', '3']);
  const [report = ''] = await readdir(path.join(to, 'per-year', '3', 'report'));
  expect(await readFile(path.join(to, 'per-year', '3', 'report', report), 'utf8')).toContain('2015\t365\t');
  expect(await readdir(path.join(to, 'compare'))).toEqual(['comparison.tsv']);
});

test('apply tells where a definition is wrong, by file, line and column, and changes nothing', async () => {
  const dir = path.join(folder, 'definitions');
  await mkdir(path.join(dir, 'deep'), { recursive: true });
  await writeFile(path.join(dir, 'a.yaml'), 'task: fine\ncommand: echo fine\n');
  const broken = path.join(dir, 'deep', 'b.yaml');
  await writeFile(broken, '# a comment\njob: uses-both\nsteps:\n  one: { task: fine }\n  two: { task: missing }\n');
  const refused = await stepcast(service.url, 'apply', dir);
  expect(refused).toMatchObject({ code: 1, out: '' });
  expect(refused.err).toMatch(new RegExp(`^${broken}:5:16: there is no task 'missing'`));
  expect((await stepcast(service.url, 'submit', 'uses-both')).code).toBe(2);

  await writeFile(broken, 'job: uses-both\nsteps:\n  one: { task: fine }\n');
  expect(await stepcast(service.url, 'apply', dir)).toMatchObject({ code: 0, out: 'task fine\njob uses-both\n' });
  expect((await stepcast(service.url, 'submit', 'uses-both', '--watch')).code).toBe(0);
});
