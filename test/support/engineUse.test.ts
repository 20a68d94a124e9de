/** What the set-up found out about an engine is enough to use it. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describeEngine } from './engines';
import type { Variables } from './findEngines';

const run = promisify(execFile);

async function outputOf(program: string, args: readonly string[], environment: Variables = {}): Promise<string> {
  const { stdout } = await run(program, args, { cwd: '/', env: { ...process.env, ...environment } });
  return stdout.trim();
}

describeEngine('PYTHON', 'PYTHON', ({ interpreter }) => {
  test('computes with NumPy', async () => {
    expect(await outputOf(interpreter, ['-c', 'import numpy; print(numpy.arange(5).sum())'])).toBe('10');
  });
});

describeEngine('R', 'R', ({ interpreter }) => {
  test('computes', async () => {
    expect(await outputOf(interpreter, ['-e', 'cat(sum(0:4))'])).toBe('10');
  });
});

describeEngine('OCTAVE', 'OCTAVE', ({ interpreter }) => {
  test('computes', async () => {
    expect(await outputOf(interpreter, ['--quiet', '--no-init-file', '--eval', 'disp(sum(0:4))'])).toBe('10');
  });
});

describeEngine('BUBBLEWRAP', 'BUBBLEWRAP', ({ program }) => {
  test('runs a command without the network', async () => {
    const sandbox = ['--unshare-all', '--die-with-parent', '--ro-bind', '/', '/', '--proc', '/proc', '--dev', '/dev'];
    const devices = await outputOf(program, [...sandbox, 'cat', '/proc/net/dev']);
    expect(devices.match(/^ *\w+:/gm)).toEqual([expect.stringMatching(/^ *lo:$/)]);
  });
});

describeEngine('CONTAINER', 'CONTAINER', ({ podman, image, environment }) => {
  test('runs a command in the image', async () => {
    const args = ['run', '--rm', '--network', 'none', image, 'bash', '-c', 'echo $((0 + 1 + 2 + 3 + 4))'];
    expect(await outputOf(podman, args, environment)).toBe('10');
  });
});

describeEngine('SLURM', 'SLURM', ({ environment }) => {
  test('has a partition that takes jobs', async () => {
    expect(await outputOf('sinfo', ['--noheader', '--format', '%a'], environment)).toContain('up');
  });
});

describeEngine('GRID_ENGINE', 'GRID_ENGINE', ({ environment }) => {
  test('has a queue', async () => {
    expect(await outputOf('qconf', ['-sql'], environment)).toBe('all.q');
  });
});

describeEngine('RSERVE', 'RSERVE', ({ url, secured }) => {
  test('is there twice, once with a password', () => {
    expect(new URL(url).port).not.toBe(new URL(secured.url).port);
    expect(secured.password.length).toBeGreaterThan(15);
  });
});

describeEngine('SPARK', 'SPARK', ({ page }) => {
  test('has a worker', async () => {
    const answer = await fetch(`${page}/json/`);
    expect(await answer.json()).toMatchObject({ aliveworkers: 1 });
  });
});
