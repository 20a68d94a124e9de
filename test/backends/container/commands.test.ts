import { mkdirSync, mkdtempSync, readFileSync, rmSync, rmdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ContainerOptions } from '../../../src/domain/backends/container';
import { scalar } from '../../../src/domain/values';
import { describeEngine } from '../../support/engines';
import { keepBenches, inputPort, outputPort, task, type Bench } from '../support';
import { containersIn } from './engine';
import { containerBackend } from './support';

describeEngine('CONTAINER', 'a command in a container', (facts) => {
  let folder: string;
  const open = keepBenches();
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'stepcast-volume-'))));
  afterEach(() => rmSync(folder, { recursive: true, force: true }));
  const bench = (options: Partial<ContainerOptions> = {}, containerVolumes: string[] = []): Bench =>
    open(containerBackend(facts, options), { containerVolumes });

  test('sees its own environment, and nothing of the machine', async () => {
    const { output } = await bench().run(task(['env'], { environment: { GREETING: 'hello' } }));
    const variables = Object.fromEntries(
      [...output.matchAll(/^(\w+)=(.*)$/gm)].map(([, name = '', value = '']) => [name, value]),
    );
    expect(variables).toMatchObject({ GREETING: 'hello', LANG: 'C.UTF-8' });
    expect(Object.keys(variables)).not.toContain('STEPCAST_WORKER');
    expect(Object.keys(variables)).not.toContain('STEPCAST_ATTEMPT');
  });

  test('can write to its home and its temporary folder', async () => {
    const spec = task(['sh', '-c', 'echo a > "$HOME/a" && echo b > "$TMPDIR/b" && cat "$HOME/a" "$TMPDIR/b"']);
    expect((await bench().run(spec)).output).toBe('a\nb\n');
  });

  test('sees nothing of what its worker has noted, and may clear its home', async () => {
    const clearing = task(['sh', '-c', 'ls -A ..; find "$HOME" -mindepth 1 -delete; rm -rf ../*; echo 1 > one'], {
      inputs: [inputPort('text')],
      outputs: [outputPort('one')],
    });
    const one = bench();
    const outcome = await one.run(clearing, { text: await one.file('a.txt', 'x') });
    expect([outcome.state, outcome.streams.stdout]).toEqual(['SUCCEEDED', 'in\nout\ntmp\n']);
  });

  test('reads a file as standard input', async () => {
    const one = bench();
    const spec = task(['cat'], {
      inputs: [inputPort('text')],
      command: { kind: 'argv', argv: [{ parts: [{ kind: 'literal', text: 'cat' }] }], stdin: 'text' },
    });
    expect((await one.run(spec, { text: await one.file('a b.txt', 'from a file\n') })).output).toBe('from a file\n');
  });

  test('gives binary output of both streams exactly', async () => {
    const one = bench();
    const bytes = Buffer.from(Array.from({ length: 300_000 }, (_, index) => (index * 7919) % 256));
    writeFileSync(join(folder, 'bytes'), bytes);
    const spec = task(['sh', '-c', 'cat "$1"; echo aside >&2', 'sh', { kind: 'input', port: 'data' }], {
      inputs: [inputPort('data')],
      outputs: [outputPort('copy', { from: 'stdout', glob: '', path: 'copy' })],
    });
    const data = await one.file('data', '');
    const stored = await one.artifacts.adopt(join(folder, 'bytes'));
    const outcome = await one.run(spec, { data: { ...data, ...stored } });
    expect([outcome.message, outcome.streams.stderr]).toEqual(['', 'aside\n']);
    expect(outcome.outputs.copy).toMatchObject({ sha256: stored.sha256, size: bytes.length });
  });

  test('leaves no container behind, however it ends', async () => {
    const one = bench();
    await one.run(task(['true']));
    await one.run(task(['false']));
    await one.run(task(['no-such-program']));
    const hanging = one.start(task(['sh', '-c', 'echo up; sleep 100']));
    await hanging.until('up');
    expect(await containersIn(facts.socket, one.workDir)).toHaveLength(1);
    hanging.cancel('cancelled');
    await hanging.outcome;
    expect(await containersIn(facts.socket, one.workDir)).toEqual([]);
  });

  test('whose program the image lacks is not started, and not tried again', async () => {
    const outcome = await bench().run(task(['no-such-program', '-x']));
    expect(outcome).toMatchObject({ state: 'FAILED', failure: 'NOT_STARTED', retryable: false });
    expect(outcome.message).toContain('no program `no-such-program`');
  });

  test('tells the image that it runs in, by its digest', async () => {
    const { notes } = await bench().run(task(['true']));
    expect(notes.join('\n')).toMatch(/Runs in the container stepcast-\S+ of the image \S+ \(\S*sha256:[0-9a-f]{64}\)/);
  });

  test('runs in the image that its task names', async () => {
    const outcome = await bench().run(task(['true'], { image: 'localhost/another:1' }));
    expect(outcome.message).toContain('has no image localhost/another:1');
  });

  test('that uses more memory than it may is out of memory', async () => {
    const spec = task(['bash', '-c', 'x=$(head -c 300000000 /dev/zero | tr "\\0" x); echo alive'], {
      resources: { memoryBytes: 64 * 1024 * 1024, cpus: 1 },
    });
    expect(await bench().run(spec)).toMatchObject({ state: 'FAILED', failure: 'OUT_OF_MEMORY' });
  });

  test('has no network unless its backend says so', async () => {
    const devices = async (network: string): Promise<string[]> => {
      const { output } = await bench({ network }).run(task(['cat', '/proc/net/dev']));
      return [...output.matchAll(/^\s*(\w+):/gm)].map((match) => match[1] ?? '');
    };
    expect(await devices('none')).toEqual(['lo']);
    expect((await devices('host')).length).toBeGreaterThanOrEqual(1);
  });

  test('can write nowhere else when its image is read-only', async () => {
    const spec = task(['sh', '-c', 'echo x > /tmp/x && echo y > y && cat /tmp/x y; echo z > /etc/z || echo refused']);
    expect((await bench({ readOnly: true }).run(spec)).streams.stdout).toBe('x\ny\nrefused\n');
  });

  test('loses the capabilities that its backend takes away', async () => {
    const { output } = await bench({ capDrop: ['ALL'] }).run(task(['grep', 'CapEff', '/proc/self/status']));
    expect(output).toMatch(/CapEff:\s+0000000000000000/);
  });

  test('as another user gives its files to the worker', async () => {
    const one = bench({ user: '12345:12345' });
    const spec = task(
      [
        'sh',
        '-c',
        'id -u; mkdir -m 700 d; cat "$1" > d/private; chmod 600 d/private',
        'sh',
        { kind: 'input', port: 'text' },
      ],
      { inputs: [inputPort('text')], outputs: [outputPort('folder', { glob: 'd', type: scalar('Directory') })] },
    );
    const outcome = await one.run(spec, { text: await one.file('a.txt', 'secret\n') });
    expect([outcome.message, outcome.streams.stdout]).toEqual(['', '12345\n']);
    const stored = (outcome.outputs.folder as { entries: { sha256: string }[] }).entries[0]?.sha256 ?? '';
    const path = join(one.home, 'artifacts/sha256', stored.slice(0, 2), stored.slice(2));
    expect(statSync(path).uid).toBe(process.getuid?.());
  });

  describe('and folders of the host', () => {
    const volume = (source: string, writable = false) => ({ source, target: '/data', writable });

    test('reads what is allowed, and cannot change it', async () => {
      writeFileSync(join(folder, 'reference'), 'ACGT');
      const spec = task(['sh', '-c', 'cat /data/reference; echo x > /data/reference || echo refused']);
      const { streams } = await bench({ volumes: [volume(folder)] }, [folder]).run(spec);
      expect(streams.stdout).toBe('ACGTrefused\n');
    });

    test('writes where it may', async () => {
      await bench({ volumes: [volume(folder, true)] }, [folder]).run(task(['sh', '-c', 'echo x > /data/new']));
      expect(readFileSync(join(folder, 'new'), 'utf8')).toBe('x\n');
    });

    test('gets none that the operator does not allow, also not by a link', async () => {
      const allowed = join(folder, 'allowed');
      mkdirSync(allowed);
      symlinkSync('/etc', join(allowed, 'link'));
      const around = [`${allowed}/none/../../..`, `${allowed}/link/none`];
      for (const source of [folder, '/', join(allowed, 'link'), `${allowed}er`, ...around])
        await expect(bench({ volumes: [volume(source)] }, [allowed]).run(task(['true']))).rejects.toMatchObject({
          code: 'CONFIGURATION',
          message: expect.stringContaining('STEPCAST_CONTAINER_VOLUMES') as string,
        });
    });

    test('gets none that became a link out of what is allowed', async () => {
      const inner = join(folder, 'inner');
      mkdirSync(inner);
      const one = bench({ volumes: [volume(inner)] }, [folder]);
      expect(await one.run(task(['true']))).toMatchObject({ state: 'SUCCEEDED' });
      rmdirSync(inner);
      symlinkSync('/etc', inner);
      await expect(one.run(task(['true']))).rejects.toMatchObject({ code: 'CONFIGURATION' });
      const other = containerBackend(facts, { volumes: [volume('/etc')] });
      expect(await one.host.health(other)).toMatchObject({
        state: 'MISSING',
        message: expect.stringContaining('STEPCAST_CONTAINER_VOLUMES') as string,
      });
    });
  });
});
