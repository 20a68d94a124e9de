import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createBench } from './support';

const bench = createBench();
const { check } = bench;
afterAll(() => bench.remove());

const command = (argv: readonly string[], timeoutSeconds = 20) => ({ kind: 'command', argv, timeoutSeconds }) as const;
const sh = (script: string, timeoutSeconds?: number) => command(['sh', '-c', script, 'sh', '$FILE'], timeoutSeconds);

function isRunning(pid: number): boolean {
  try {
    // A zombie that waits for its parent runs no more.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

describe('a command of the definer', () => {
  it('accepts with exit code 0', async () => {
    expect(await check(command(['grep', '-q', 'hello', '$FILE']), 'hello\n')).toBeNull();
  });

  it('gives the last line of its output as the reason', async () => {
    expect(await check(sh('echo looking >&2; echo "Row 3 has no date."; echo; exit 1'), 'x')).toBe(
      'Row 3 has no date.',
    );
  });

  it('has a reason also without output', async () => {
    expect(await check(sh('exit 3'), 'x')).toBe('The check by sh ended with exit code 3 and gave no reason.');
    expect(await check(sh('kill -TERM $$'), 'x')).toBe('The check by sh was ended by SIGTERM and gave no reason.');
  });

  it('gets the file under its own name, whatever is in that name, within a word too', async () => {
    const name = "it's $(touch pwned) $& $FILE.txt";
    expect(await check(sh('basename "$1"; exit 1'), 'x', name)).toBe(name);
    expect(await check(command(['sh', '-c', 'echo "$1"; exit 1', 'sh', 'in=$FILE,$FILES']), 'x', 'a')).toMatch(
      /^in=\/.*\/a,\$FILES$/,
    );
    expect(await check(sh('basename "$1"; exit 1'), 'x', '../../escape')).toBe('escape');
  });

  it('cannot damage what is stored, and leaves nothing', async () => {
    expect(await check(sh('rm -f "$1"; echo ruined > "$1"'), 'precious')).toBeNull();
    expect(await check(command(['grep', '-q', 'precious', '$FILE']), 'precious')).toBeNull();
    expect(readdirSync(bench.workDir)).toEqual([]);
  });

  it('gets a clean environment and an empty input', async () => {
    process.env['STEPCAST_TEST_SECRET'] = 'secret';
    expect(await check(sh('cat; echo "[$STEPCAST_TEST_SECRET]"; exit 1'), 'x')).toBe('[]');
    delete process.env['STEPCAST_TEST_SECRET'];
  });

  it('ends in its time, with all it started', async () => {
    const log = `${bench.workDir}-pids`;
    expect(await check(sh(`sleep 600 & echo $! > '${log}'; wait`, 0.5), 'x')).toBe(
      'The check by sh took longer than 0.5 s and was ended.',
    );
    expect(isRunning(Number(readFileSync(log, 'utf8')))).toBe(false);
  });

  it('does not wait for what it left in the background', async () => {
    const log = `${bench.workDir}-left`;
    expect(await check(sh(`sleep 600 & echo $! > '${log}'`), 'x')).toBeNull();
    expect(isRunning(Number(readFileSync(log, 'utf8')))).toBe(false);
  });

  it('is bounded in what it says', async () => {
    expect((await check(sh('yes | head -c 3000000; printf "%0999d" 0; exit 1'), 'x'))?.length).toBe(300);
  });

  it('is a fault of the definition when it cannot be started', async () => {
    await expect(check(command(['no-such-program', '$FILE']), 'x')).rejects.toMatchObject({
      code: 'INVALID_DEFINITION',
      message: "The validator's command no-such-program cannot be started.",
    });
    expect(existsSync(bench.workDir) ? readdirSync(bench.workDir) : []).toEqual([]);
  });
});
