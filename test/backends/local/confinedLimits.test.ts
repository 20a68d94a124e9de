import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findControlGroups, type Controller } from '../../../src/backends/confinement/controlGroups';
import { ownMark } from '../../../src/backends/process/identity';
import { keepBenches, task, type Bench } from '../support';
import { backendOf } from '../written';

const MEGABYTE = 1024 ** 2;
const open = keepBenches();
const benchOf = (limits: string, more = ''): Bench => open(backendOf(`kind: local\nlimits: ${limits}\n${more}`));

/** Fills so many megabytes of memory, a piece at a time. */
const hog = (megabytes: number): string[] => [
  'node',
  '-e',
  `const kept = []; for (let i = 0; i < ${megabytes}; i += 10) kept.push(Buffer.alloc(10 * 1024 * 1024, 1)); console.log('held');`,
];
const path = process.env['PATH'] ?? '';
const inGroups = (controller: Controller): boolean => findControlGroups()?.controllers.has(controller) ?? false;
const ifGroups = (controller: Controller) => (inGroups(controller) ? it : it.skip);

describe('the limits of a Backend', () => {
  it('hold the memory of a command, which ends as such', async () => {
    const outcome = await benchOf('{ memory: 150MB }').run(task(hog(1000), { environment: { PATH: path } }));
    expect(outcome).toMatchObject({ state: 'FAILED', failure: 'OUT_OF_MEMORY' });
    expect(outcome.message).toContain('150 MB');
    expect(outcome.output).not.toContain('held');
  });

  it('hold what a task may use itself, if that is less', async () => {
    const little = task(hog(1000), { environment: { PATH: path }, resources: { memoryBytes: 150 * MEGABYTE } });
    expect(await benchOf('{ memory: 4GB }').run(little)).toMatchObject({ failure: 'OUT_OF_MEMORY' });
    expect((await benchOf('{ memory: 500MB }').run(task(hog(20), { environment: { PATH: path } }))).output).toBe(
      'held\n',
    );
  });

  it('hold the size of files, of descriptors and of processor time', async () => {
    const file = await benchOf('{ file-size: 1MB }').run(task(['dd', 'if=/dev/zero', 'of=big', 'bs=64k', 'count=100']));
    expect(file).toMatchObject({ state: 'FAILED', signal: 'SIGXFSZ' });
    const open = await benchOf('{ open-files: 32 }').run(task(['sh', '-c', 'ulimit -n']));
    expect(open.output).toBe('32\n');
    const time = await benchOf('{ cpu-time: 1s }').run(task(['sh', '-c', 'while :; do :; done']));
    expect(time).toMatchObject({ state: 'FAILED', failure: 'SIGNAL' });
  });

  ifGroups('pids')('hold the number of processes', async () => {
    const outcome = await benchOf('{ processes: 5 }').run(
      task(['bash', '-c', 'for i in 1 2 3 4 5 6 7 8; do sleep 2 & done 2>&1; echo done; kill $(jobs -p)']),
    );
    expect(outcome.output).toMatch(/[Rr]esource temporarily unavailable|Cannot fork/);
  });

  ifGroups('cpu')('hold the cores that a command uses', async () => {
    const groups = readdirSync('/sys/fs/cgroup');
    const outcome = await benchOf('{ cpus: 0.5 }').run(
      task([
        'sh',
        '-c',
        `cat /proc/self/cgroup; for f in /sys/fs/cgroup/cpu*/$(grep -E ':cpu[:,]' /proc/self/cgroup | cut -d: -f3)/cpu.cfs_quota_us; do cat $f; done`,
      ]),
    );
    expect(groups.length).toBeGreaterThan(0);
    expect(outcome.output).toContain('/stepcast-');
    expect(outcome.output).toMatch(/^50000$/m);
  });

  ifGroups('memory')('leave no group behind, also of what fled from its parent', async () => {
    const bench = benchOf('{ memory: 500MB, processes: 50 }');
    const outcome = await bench.run(
      task(['sh', '-c', 'setsid -f env -i /bin/sh -c "exec sleep 1000" > /dev/null 2>&1; cat /proc/self/cgroup']),
    );
    const [, group = ''] = /:memory:(.*)/.exec(outcome.output) ?? [];
    expect(group).toContain('/stepcast-');
    expect(() => readFileSync(`/sys/fs/cgroup/memory${group}/cgroup.procs`)).toThrow(/ENOENT/);
  });

  it('hold in a sandbox too', async () => {
    const bench = benchOf('{ memory: 150MB, open-files: 64 }', 'sandbox: { read-only: ["/"] }');
    const outcome = await bench.run(task(hog(1000), { environment: { PATH: path } }));
    expect(outcome).toMatchObject({ state: 'FAILED', failure: 'OUT_OF_MEMORY' });
  });
});

describe('control groups of version 2', () => {
  // A copy of the layout: what is written where is looked at, the kernel is not asked.
  let home: string;
  const lay = (controllers: string, own: string) => {
    home = mkdtempSync(join(tmpdir(), 'stepcast-groups-'));
    mkdirSync(join(home, 'mount/unit/worker'), { recursive: true });
    writeFileSync(join(home, 'mount/unit/cgroup.subtree_control'), controllers);
    writeFileSync(join(home, 'own'), own);
    return findControlGroups({ mount: join(home, 'mount'), own: join(home, 'own') });
  };
  afterEach(() => rmSync(home, { recursive: true, force: true }));

  it('are made beside that of the worker, with what was delegated', () => {
    const groups = lay('cpu memory pids\n', '0::/unit/worker\n');
    expect(groups?.version).toBe(2);
    const group = groups?.create('run-1.1', { memoryBytes: 1000, cpus: 1.5, processes: 9 });
    const [name = ''] = readdirSync(join(home, 'mount/unit')).filter((one) => one.startsWith('stepcast-'));
    const read = (file: string): string => readFileSync(join(home, 'mount/unit', name, file), 'utf8');
    expect(name).toMatch(/-run-1\.1$/);
    expect([read('memory.max'), read('cpu.max'), read('pids.max')]).toEqual(['1000', '150000 100000', '9']);
    expect(group?.entrances).toEqual([join(home, 'mount/unit', name, 'cgroup.procs')]);
    writeFileSync(join(home, 'mount/unit', name, 'memory.events'), 'low 0\noom 3\noom_kill 2\n');
    expect(group?.memoryKills()).toBe(2);
  });

  it('are not used when nothing was delegated', () => {
    expect(lay('', '0::/unit/worker\n')).toBeNull();
  });

  it('that a dead worker has left are removed', () => {
    lay('memory\n', '0::/unit/worker\n');
    const { namespace, pid, startedAt } = ownMark('');
    const groupOf = (...worker: (string | number)[]): string => `stepcast-${worker.join('-')}-run-9.1`;
    const [own, elsewhere] = [groupOf(namespace, pid, startedAt), groupOf(7, 999_999, 1)];
    for (const name of [groupOf(namespace, 999_999, 1), own, elsewhere]) mkdirSync(join(home, 'mount/unit', name));
    findControlGroups({ mount: join(home, 'mount'), own: join(home, 'own') });
    const left = readdirSync(join(home, 'mount/unit')).filter((one) => one.startsWith('stepcast-'));
    expect(left.sort()).toEqual([own, elsewhere].sort());
  });
});
