import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { readEnd, readMachine, writeRunner } from '../../../src/backends/batch/folder';
import { jobScript } from '../../../src/backends/batch/submitter';
import type { RunnerRequest } from '../../../src/backends/batch/runner';
import { alive } from '../conformance/alive';

const run = promisify(execFile);

const NASTY = [
  "it's",
  'a "quoted" word',
  'two\nlines',
  '$(touch /tmp/stepcast-was-here)',
  '`id`',
  '${HOME}',
  '\\',
  "'\\''",
  '--',
  '-rf',
  '*',
  'grüße 🧬',
  ' ',
  '',
  '!!',
  '\u007f\u0001',
];

describe('the script that runs a job', () => {
  let home: string;
  let folder: string;
  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'stepcast-runner-'));
    folder = join(home, "ba'tch $(id)");
  });
  afterEach(() => rmSync(home, { recursive: true, force: true }));

  const write = (more: Partial<RunnerRequest>): Promise<void> =>
    writeRunner({
      ...{ mark: folder, folder, cwd: home, stdin: '/dev/null', argv: ['true'], keep: [] },
      env: { PATH: '/usr/bin:/bin' },
      ...more,
    });
  /** As a scheduler would: the script of the job, which hands over to that of the Attempt. */
  async function submit(environment: Record<string, string> = {}): Promise<{ stdout: string; stderr: string }> {
    const script = join(home, 'job');
    writeFileSync(script, jobScript({ firstIndex: 0, indexVariable: 'INDEX' }, [folder]));
    await run('sh', [script], { env: { PATH: '/usr/bin:/bin', ...environment } }).catch(() => {}); // the end is in a file
    return {
      stdout: readFileSync(join(folder, 'stdout'), 'utf8'),
      stderr: readFileSync(join(folder, 'stderr'), 'utf8'),
    };
  }

  test('each word arrives as it is', async () => {
    await write({ argv: ['printf', '%s\\0', ...NASTY] });
    expect((await submit()).stdout.split('\0').slice(0, -1)).toEqual(NASTY);
  });

  test('the environment is that of the Attempt alone, each value as it is', async () => {
    const env = { PATH: '/usr/bin:/bin', ...Object.fromEntries(NASTY.map((value, at) => [`N${at}`, value])) };
    await write({ argv: ['env', '-0'], env });
    const { stdout } = await submit({ SECRET: 'of the worker', BASH_ENV: '/nonexistent', N0: 'of the scheduler' });
    const variables = Object.fromEntries(
      stdout
        .split('\0')
        .slice(0, -1)
        .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
    );
    expect(variables).toEqual({ ...env, STEPCAST_CLUSTER_JOB: folder });
  });

  test('variables of the scheduler pass where they are wanted, and never over those of the Attempt', async () => {
    await write({ argv: ['env'], env: { PATH: '/usr/bin:/bin', SLURM_X: 'mine' }, keep: ['SLURM_*', 'GPUS', 'NONE'] });
    const { stdout } = await submit({ SLURM_JOB_ID: '7', SLURM_X: 'theirs', GPUS: '0,1', OTHER: 'x' });
    expect(stdout).toContain('SLURM_JOB_ID=7\n');
    expect(stdout).toContain('GPUS=0,1\n');
    expect(stdout).toContain('SLURM_X=mine\n');
    expect(stdout).not.toMatch(/OTHER|NONE|theirs/);
  });

  test('a program whose name looks like a variable is run all the same', async () => {
    writeFileSync(join(home, 'a=b'), '#!/bin/sh\necho "$1"\n', { mode: 0o755 });
    await write({ argv: ['./a=b', 'ran'] });
    expect((await submit()).stdout).toBe('ran\n');
  });

  test('it notes an exit code, what was used and how much was written', async () => {
    await write({ argv: ['sh', '-c', 'printf 12345; printf 123 >&2; exit 3'] });
    await submit();
    expect(await readEnd(folder)).toMatchObject({
      how: 'code',
      code: 3,
      stopped: false,
      sizes: { stdout: 5, stderr: 3 },
    });
    expect((await readEnd(folder))?.cpuMs).toEqual(expect.any(Number));
    expect(await readMachine(folder)).toBe(readFileSync('/proc/sys/kernel/hostname', 'utf8').trim());
  });

  test.each([
    ['kill -KILL $$', { how: 'signal', signal: 'SIGKILL' }],
    ['kill -SEGV $$', { how: 'signal', signal: 'SIGSEGV' }],
    ['kill -TERM $$', { how: 'signal', signal: 'SIGTERM' }],
    ['exit 137', { how: 'code', code: 137 }],
    ['exit 255', { how: 'code', code: 255 }],
  ])('a signal is told from an exit code: %s', async (script, end) => {
    await write({ argv: ['sh', '-c', script] });
    await submit();
    expect(await readEnd(folder)).toMatchObject(end);
  });

  test.each([
    [['no-such-program'], 'missing'],
    [['./no-such-program'], 'missing'],
    [['./plain.txt'], 'executable'],
    [['/etc'], 'executable'],
  ])('what cannot be started is told: %s', async (argv, reason) => {
    writeFileSync(join(home, 'plain.txt'), '', { mode: 0o644 });
    await write({ argv });
    await submit();
    expect(await readEnd(folder)).toMatchObject({ how: 'refused', reason });
  });

  test('a working directory that this machine does not see is told', async () => {
    await write({ cwd: join(home, 'elsewhere') });
    await submit();
    expect(await readEnd(folder)).toMatchObject({ how: 'refused', reason: 'directory' });
  });

  test('what the command left running is ended, in sessions of its own, too', async () => {
    const token = `stepcast-left-${process.pid}`;
    await write({ argv: ['sh', '-c', `(setsid sh -c 'trap "" TERM; sleep 60; :' ${token} &) ; sleep 60 & :`, token] });
    await submit();
    expect(alive(token)).toEqual([]);
    expect(await readEnd(folder)).toMatchObject({ how: 'code', code: 0 });
  });

  test('a word in its folder ends it, without the scheduler', async () => {
    await write({ argv: ['sh', '-c', 'echo here; sleep 60'] });
    writeFileSync(join(folder, 'stop'), '');
    await submit();
    expect(await readEnd(folder)).toMatchObject({ how: 'signal', signal: 'SIGTERM', stopped: true });
  });

  test('the peak of memory is that of the whole tree', async () => {
    await write({ argv: ['sh', '-c', 'head -c 90000000 /dev/zero | { x=$(tr "\\0" x); sleep 5; }; :'] });
    await submit();
    expect((await readEnd(folder))?.peakBytes).toBeGreaterThan(50_000_000);
  });

  test('started twice by a scheduler that lost sight of it, it does its work once', async () => {
    await write({ argv: ['sh', '-c', 'echo once; exit 5'] });
    await submit();
    expect((await submit()).stdout).toBe('once\n');
    expect(await readEnd(folder)).toMatchObject({ how: 'code', code: 5 });
  });

  test('a NUL character is refused before anything is written', async () => {
    await expect(write({ argv: ['echo', 'a\0b'] })).rejects.toMatchObject({ code: 'BAD_INPUT' });
  });
});
