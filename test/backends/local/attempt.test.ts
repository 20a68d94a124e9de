import { closeSync, existsSync, mkdirSync, openSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { scalar } from '../../../src/domain/values';
import { LOCAL, createBench, inputPort, outputPort, pidsIn, task, type Bench } from '../support';

let bench: Bench;
beforeEach(() => (bench = createBench()));
afterEach(() => bench.close());

const lines = (text: string): string[] => text.trimEnd().split('\n');

describe('a command', () => {
  test('gets its arguments exactly, whatever they hold', async () => {
    const hazards = ['; rm -rf /', '$(id)', '`id`', "it's", 'a  b', '*', '', 'Größe 🧬', '\n', '-n', '\\'];
    const { output } = await bench.run(task(['printf', '[%s]', ...hazards]));
    expect(output).toBe(hazards.map((word) => `[${word}]`).join(''));
  });

  test('finds files whose names hold spaces, Unicode and shell text', async () => {
    const names = ['a b; rm x.txt', '$(id)`$HOME`.txt', 'données 🧬.fa', '-rf'];
    for (const name of names) {
      const spec = task(['sh', '-c', 'cat "$1" && basename -- "$1"', 'sh', { kind: 'input', port: 'text' }], {
        inputs: [inputPort('text')],
      });
      const { output, message } = await bench.run(spec, { text: await bench.file(name, 'hello\n') });
      expect([message, output]).toEqual(['', `hello\n${name}\n`]);
    }
  });

  test('sees two files of one name, from one port or two, side by side', async () => {
    const spec = task(['cat', { kind: 'input', port: 'many' }, { kind: 'input', port: 'one' }], {
      inputs: [inputPort('many', { kind: 'array', items: scalar('File') }), inputPort('one')],
    });
    const file = (content: string) => bench.file('same.txt', content);
    const { output } = await bench.run(spec, { many: [await file('1'), await file('2')], one: await file('3') });
    expect(output).toBe('123');
  });

  test('sees a directory as it was, and cannot damage what is stored', async () => {
    const file = await bench.file('x.txt', 'kept');
    const folder = {
      class: 'Directory',
      name: 'data',
      entries: [file, { class: 'Directory', name: 'sub', entries: [file] }],
    };
    const spec = task(
      { script: 'cd "$folder" && find . -type f | sort && echo spoiled > x.txt' },
      {
        inputs: [inputPort('folder', scalar('Directory'))],
      },
    );
    const { output, state } = await bench.run(spec, { folder });
    expect([state, output]).toEqual(['SUCCEEDED', './sub/x.txt\n./x.txt\n']);
    expect(await bench.content(file)).toBe('kept');
  });

  test('runs in a clean environment with what is declared on top', async () => {
    const spec = task(['env'], { environment: { GREETING: 'hello world', LANG: 'de_DE.UTF-8' } });
    const { output } = await bench.run(spec);
    const variables = Object.fromEntries(
      lines(output).map((line) => line.split(/=(.*)/s).slice(0, 2) as [string, string]),
    );
    expect(Object.keys(variables).sort()).toEqual([
      'GREETING',
      'HOME',
      'LANG',
      'PATH',
      'STEPCAST_ATTEMPT',
      'STEPCAST_WORKER',
      'TMPDIR',
    ]);
    expect(variables).toMatchObject({ GREETING: 'hello world', LANG: 'de_DE.UTF-8' });
    expect(variables.HOME?.startsWith(bench.workDir)).toBe(true);
  });

  test('can use its temporary folder, and its signals are at their defaults', async () => {
    const { output, state } = await bench.run(
      task({ script: 'mktemp >/dev/null && grep -E "Sig(Blk|Ign)" /proc/self/status' }),
    );
    expect(state).toBe('SUCCEEDED');
    const [blocked, ignored] = lines(output).map((line) => BigInt(`0x${line.split('\t')[1]}`));
    expect(blocked).toBe(0n);
    // The C library leaves its two internal signals, 32 and 33, ignored.
    expect((ignored ?? 1n) & 0x7fff_ffffn).toBe(0n);
  });

  test('leads a session of its own and holds no descriptor but its three', async () => {
    const { output } = await bench.run(task(['sh', '-c', 'echo $$; cat /proc/self/stat; ls /proc/$$/fd']));
    const [pid, stat, ...descriptors] = lines(output);
    expect(stat?.split(' ').slice(4, 6)).toEqual([pid, pid]);
    expect(descriptors).toEqual(['0', '1', '2']);
  });

  test('reads nothing from its standard input, unless a port feeds it', async () => {
    expect(await bench.run(task(['cat']))).toMatchObject({ state: 'SUCCEEDED', output: '' });
    const fed = task(['cat'], { inputs: [inputPort('text')] });
    const spec = { ...fed, command: { ...fed.command, stdin: 'text' } };
    expect((await bench.run(spec, { text: await bench.file('a.txt', 'fed\n') })).output).toBe('fed\n');
    expect(
      (await bench.run({ ...spec, inputs: [inputPort('text', scalar('string'))] }, { text: 'typed' })).output,
    ).toBe('typed');
  });

  test('is heard while it still runs', async () => {
    const fifo = join(bench.home, 'go');
    const attempt = bench.start(
      task(['sh', '-c', 'mkfifo "$1"; echo waiting; read answer < "$1"; echo "got $answer"', 'sh', fifo]),
    );
    await attempt.until('waiting');
    writeFileSync(fifo, 'yes\n');
    expect((await attempt.outcome).state).toBe('SUCCEEDED');
    expect(attempt.output()).toBe('waiting\ngot yes\n');
  });

  test('reports progress on both streams, and the lines stay in the log', async () => {
    const { reports, streams } = await bench.run(
      task(['sh', '-c', 'echo "::progress 10 one"; echo "::progress 90.5 two" >&2']),
    );
    // Which pipe is read first is not told.
    expect(reports.sort(([one], [other]) => one - other)).toEqual([
      [10, 'one'],
      [90.5, 'two'],
    ]);
    expect(streams).toEqual({ stdout: '::progress 10 one\n', stderr: '::progress 90.5 two\n' });
  });

  test('has its exit code, processor time and larger memory recorded', async () => {
    const memory = 600 * 1024 * 1024;
    const outcome = await bench.run(
      // It keeps what it has for a while: a busy machine looks seldom.
      task(['sh', '-c', `x=$(head -c ${memory} /dev/zero | tr '\\0' a); sleep 1; exit 7`]),
    );
    expect(outcome).toMatchObject({ state: 'FAILED', exitCode: 7, signal: null, retryable: false });
    expect(outcome.cpuMs).toBeGreaterThan(10);
    expect(outcome.peakMemoryBytes).toBeGreaterThan(memory);
  });

  test('that a signal ended names it', async () => {
    const outcome = await bench.run(task(['sh', '-c', 'kill -SEGV $$']));
    expect(outcome).toMatchObject({ state: 'FAILED', exitCode: null, signal: 'SIGSEGV' });
    expect(outcome.message).toContain('SIGSEGV');
  });
});

describe('a command that cannot start', () => {
  test.each([
    ['is not in PATH', ['no-such-program'], /Command not found: `no-such-program`.*PATH \(\/usr/],
    ['does not exist', ['/no/such/program'], /does not exist/],
    ['is a directory', ['/tmp'], /is a directory/],
    ['is not executable', ['/etc/passwd'], /not executable/],
    ['holds a NUL', ['echo', 'a\0b'], /NUL/],
    ['is too long', ['echo', 'x'.repeat(3_000_000)], /longer than this system allows/],
  ])('because it %s', async (_, command, message) => {
    const outcome = await bench.run(task(command));
    expect(outcome).toMatchObject({ state: 'FAILED', retryable: false, exitCode: null });
    expect(outcome.message).toMatch(message);
  });

  test.each([
    ['lacks a first line', 'echo hi\n', /#!/],
    ['names an interpreter that is not there', '#!/no/such/shell\n', /interpreter/],
  ])('because the script %s', async (_, script, message) => {
    const path = join(bench.home, 'script');
    writeFileSync(path, script, { mode: 0o755 });
    expect((await bench.run(task([path]))).message).toMatch(message);
  });

  test('uses the PATH of its task', async () => {
    mkdirSync(join(bench.home, 'bin'));
    writeFileSync(join(bench.home, 'bin', 'mine'), '#!/bin/sh\necho mine\n', { mode: 0o755 });
    const environment = { PATH: `${join(bench.home, 'bin')}:/bin` };
    expect((await bench.run(task(['mine'], { environment }))).output).toBe('mine\n');
  });

  test('because an input is no longer stored', async () => {
    const spec = task(['cat', { kind: 'input', port: 'text' }], { inputs: [inputPort('text')] });
    const file = { ...(await bench.file('a.txt', 'x')), sha256: 'a'.repeat(64) };
    expect(await bench.run(spec, { text: file })).toMatchObject({ state: 'FAILED', retryable: false });
  });
});

describe('the worker', () => {
  const descriptorsHeld = (): number => readdirSync('/proc/self/fd').length;
  /** Some are closed a moment after their stream has ended; a leak never ends, and with it the test. */
  const untilHeld = async (atMost: number): Promise<void> => {
    while (descriptorsHeld() > atMost) await delay(10);
  };

  test('carries 200 MB with flat memory, at the pace of the reader', async () => {
    const size = 200 * 1024 * 1024;
    let bytes = 0;
    let peak = 0;
    const before = process.memoryUsage.rss();
    const attempt = bench.host.start(
      {
        stepRunId: 'large',
        attempt: 1,
        task: task(['head', '-c', String(size), '/dev/zero'], { outputs: [outputPort('all', { from: 'stdout' })] }),
        values: {},
        backend: LOCAL,
      },
      {
        log: async (_, chunk) => {
          bytes += chunk.length;
          if (bytes % (8 * 1024 * 1024) < chunk.length) peak = Math.max(peak, process.memoryUsage.rss());
        },
        progress: () => {},
      },
    );
    expect(await attempt.outcome).toMatchObject({ state: 'SUCCEEDED', outputs: { all: { size } } });
    expect(bytes).toBe(size);
    expect(peak - before).toBeLessThan(100 * 1024 * 1024);
  });

  test('runs a hundred at once, and keeps no descriptor, zombie or directory of them', async () => {
    const spec = task(['sh', '-c', 'echo "pid=$$"; echo x > out.txt'], { outputs: [outputPort('out.txt')] });
    await bench.run(spec);
    const descriptors = descriptorsHeld();
    const outcomes = await Promise.all(Array.from({ length: 100 }, () => bench.run(spec)));
    expect(outcomes.map((outcome) => outcome.message).filter(Boolean)).toEqual([]);
    const pids = outcomes.flatMap((outcome) => pidsIn(outcome.output));
    expect(new Set(pids).size).toBe(100);
    expect(pids.filter((pid) => existsSync(`/proc/${pid}`))).toEqual([]);
    await untilHeld(descriptors);
    expect(readdirSync(bench.workDir).flatMap((folder) => readdirSync(join(bench.workDir, folder)))).toEqual([]);
  });

  test('keeps no descriptor of commands that could not start', async () => {
    const script = join(bench.home, 'broken');
    writeFileSync(script, 'no program', { mode: 0o755 });
    await bench.run(task([script]));
    const descriptors = descriptorsHeld();
    for (let index = 0; index < 10; index++) await bench.run(task([script]));
    await untilHeld(descriptors);
  });

  test('says that its own disk is at fault, not the task', async () => {
    closeSync(openSync(bench.workDir, 'w'));
    await expect(bench.run(task(['true']))).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  });
});
